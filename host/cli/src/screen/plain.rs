//! Text that came from elsewhere, made harmless for a terminal: agents, plans, programs and plugins write it, and a
//! terminal takes some characters for commands (ECMA-48) or shows text in another order than it is written in
//! (Trojan Source, CVE-2021-42574). All that is printed passes through here; files and values stay as they are.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every character that a terminal would act on written out, such as `\u{1b}`. Newlines and tabs stay.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    written_out(text, |c| !matches!(c, '\n' | '\t'), |out, c| write!(out, "{}", c.escape_unicode()))
}

/// The same on one line: line breaks are written out as well.
pub(crate) fn cell(text: &str) -> Cow<'_, str> {
    written_out(
        text,
        |_| true,
        |out, c| match c {
            '\n' | '\t' => out.write_char(' '),
            other => write!(out, "{}", other.escape_unicode()),
        },
    )
}

/// A JSON document that means the same. What is acted on can only stand inside of its strings, where an escape may
/// stand for every character.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    written_out(
        text,
        |c| !matches!(c, '\n' | '\t'),
        |out, c| c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}")),
    )
}

fn written_out(
    text: &str,
    counts: impl Fn(char) -> bool,
    write_out: impl Fn(&mut String, char) -> std::fmt::Result,
) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let joins = is_joiner(c) && is_of_a_script(before) && is_of_a_script(rest.peek().copied());
        if is_acted_on(c) && !joins && counts(c) {
            // Writing to a string can't fail.
            let _ = write_out(&mut out, c);
        } else {
            out.push(c);
        }
        before = Some(c);
    }
    Cow::Owned(out)
}

/// Controls (C0, DEL, C1), and what is not seen itself but changes how or in which order other text is seen: the
/// format characters of Unicode 16 (general category Cf), line and paragraph separators, and fillers without ink.
fn is_acted_on(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Persian, the scripts of India and joined pictures need these two between their characters.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

fn is_of_a_script(c: Option<char>) -> bool {
    c.is_some_and(|c| !c.is_ascii() && !is_acted_on(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_that_a_terminal_acts_on_is_written_out() {
        for c in ('\0'..=char::MAX).filter(|c| is_acted_on(*c) && !matches!(c, '\n' | '\t')) {
            let text = format!("a{c}b");
            assert_eq!(plain(&text), format!("a{}b", c.escape_unicode()));
            assert_eq!(cell(&text), format!("a{}b", c.escape_unicode()));
            let shown = json(&serde_json::to_string(&text).expect("a string")).into_owned();
            assert!(shown.is_ascii(), "{shown:?}");
            assert_eq!(serde_json::from_str::<String>(&shown).expect("JSON"), text);
        }
        for control in (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32) {
            assert!(is_acted_on(control), "{control:?}");
        }
    }

    #[test]
    fn what_is_only_seen_stays_as_it_is() {
        let kept = [
            "plain",
            "two\nlines\tand a tab",
            "größer, 日本語, עברית, 👍🏽",
            "می\u{200c}خواهم",
            "👩\u{200d}💻",
        ];
        for text in kept {
            assert_eq!(plain(text), text);
        }
        assert_eq!(plain("pay\u{200d}pal"), "pay\\u{200d}pal", "nothing is joined between letters of ASCII");
        assert_eq!(cell("two\nlines"), "two lines");
    }
}

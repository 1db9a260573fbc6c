//! Extracts the most informative sentences of a text that is too long to pass on, and its headings.
//!
//! A sentence scores by its rarest words: names, numbers and terms that occur in few sentences carry what a reader can't
//! guess, and filler has none of them (inverse document frequency, Spärck Jones 1972). A repeated sentence counts once. The
//! extract keeps the order, with `[…]` where something was left out.

use std::collections::{BTreeMap, BTreeSet};

/// The number of rarest words that count in a sentence.
const WORDS: usize = 4;
/// Weight of a word with a digit in it, which is likely a figure, a version or a name.
const DIGITS: f64 = 1.5;
/// The longest sentence in bytes; a longer one is split.
const LONGEST: usize = 1024;
const GAP: &str = "[…]";

/// The extract of a text that fits into this many bytes of JSON.
pub fn extract(text: &str, bytes: usize) -> String {
    if escaped(text) <= bytes {
        return text.to_owned();
    }
    let sentences = sentences(text);
    let worth: Vec<f64> = worth(&sentences);
    let mut chosen = BTreeSet::new();
    let mut left = bytes;
    for at in ranked(&worth) {
        // Plus a line end, and a gap that may follow.
        let cost = escaped(sentences[at]) + 2 + GAP.len() + 2;
        if cost <= left && worth[at] > 0.0 {
            left -= cost;
            chosen.insert(at);
        }
    }
    joined(&sentences, &chosen)
}

/// Indices by score, best first; equal scores in their order.
pub fn ranked(worth: &[f64]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..worth.len()).collect();
    places.sort_by(|one, other| worth[*other].total_cmp(&worth[*one]).then(one.cmp(other)));
    places
}

/// The score of each part among all of them; 0 for a repeated part.
pub fn worth(parts: &[&str]) -> Vec<f64> {
    let words: Vec<BTreeSet<String>> = parts.iter().map(|part| words(part)).collect();
    let mut in_parts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words.iter().flatten() {
        *in_parts.entry(word).or_default() += 1;
    }
    let all = parts.len() as f64 + 1.0;
    let rarity = |word: &String| {
        let count = in_parts.get(word.as_str()).copied().unwrap_or(1) as f64;
        let figure = if word.chars().any(|c| c.is_ascii_digit()) { DIGITS } else { 1.0 };
        (all / count).ln() * figure
    };
    let mut seen = BTreeSet::new();
    let mut worth = Vec::with_capacity(parts.len());
    for (part, words) in parts.iter().zip(&words) {
        if !seen.insert(part.trim()) {
            worth.push(0.0);
            continue;
        }
        let mut rarities: Vec<f64> = words.iter().map(rarity).collect();
        rarities.sort_by(|one, other| other.total_cmp(one));
        let sum: f64 = rarities.iter().take(WORDS).sum();
        // Headings say what the rest is about.
        let heading = if part.trim_start().starts_with('#') { all.ln() * WORDS as f64 } else { 0.0 };
        worth.push(sum + heading);
    }
    worth
}

fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Lines, and the sentences of long ones.
fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        while !rest.is_empty() {
            // Only as far as a sentence may be long, so that the rest is not searched again for each sentence.
            let end = ends(&rest[..boundary(rest, LONGEST)]);
            found.push(&rest[..end]);
            rest = &rest[end..];
        }
    }
    found
}

/// The end of the first sentence, including the space after it.
fn ends(text: &str) -> usize {
    let western = [". ", "! ", "? ", "; "].into_iter().filter_map(|end| Some(text.find(end)? + end.len()));
    let others =
        ['。', '！', '？', '।', '؟'].into_iter().filter_map(|end| Some(text.find(end)? + end.len_utf8()));
    western.chain(others).min().unwrap_or(text.len())
}

fn boundary(text: &str, most: usize) -> usize {
    (most.min(text.len())..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

fn joined(sentences: &[&str], chosen: &BTreeSet<usize>) -> String {
    let mut text = String::new();
    let mut next = 0;
    for at in chosen {
        if *at > next {
            text += GAP;
            text.push('\n');
        }
        text += sentences[*at];
        next = at + 1;
    }
    if next < sentences.len() {
        text += GAP;
    }
    text
}

/// The length of a text inside of a JSON string, in bytes.
pub fn escaped(text: &str) -> usize {
    let byte = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(byte).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::SplitMix64;

    const FILLER: [&str; 24] = [
        "the",
        "system",
        "was",
        "looked",
        "at",
        "again",
        "and",
        "work",
        "goes",
        "on",
        "as",
        "planned",
        "with",
        "team",
        "notes",
        "about",
        "progress",
        "which",
        "is",
        "steady",
        "while",
        "review",
        "continues",
        "daily",
    ];

    /// Facts that nobody can guess, between sentences that say nothing.
    fn planted(seed: u64, facts: usize, bytes: usize) -> (String, Vec<String>) {
        let mut random = SplitMix64::new(seed);
        let names = ["gateway", "ledger", "courier", "archive", "beacon", "turbine", "harbour", "quarry"];
        let mut fact = |at: usize| {
            let name = names[random.below(names.len() as u64) as usize];
            format!(
                "The {name}-{at} listens on port {} since revision {:x}.",
                1024 + random.below(60_000),
                random.next_u64()
            )
        };
        let facts: Vec<String> = (0..facts).map(&mut fact).collect();
        let mut text = String::new();
        for (at, fact) in facts.iter().enumerate() {
            while text.len() < bytes * (at + 1) / facts.len() {
                let length = 8 + random.below(12);
                let words: Vec<&str> =
                    (0..length).map(|_| FILLER[random.below(FILLER.len() as u64) as usize]).collect();
                text += &format!("{}. ", words.join(" "));
                if random.below(9) == 0 {
                    text.push('\n');
                }
            }
            text += fact;
            text += if random.below(2) == 0 { " " } else { "\n" };
        }
        (text, facts)
    }

    #[test]
    fn facts_survive_two_hand_offs_and_filler_does_not() {
        for seed in 0..8 {
            for bytes in [70_000, 128_000, 400_000] {
                let (text, facts) = planted(seed, 60, bytes);
                let first = extract(&text, 64 << 10);
                let second = extract(&format!("{first}\n{text}"), 64 << 10);
                assert!(escaped(&second) <= 64 << 10, "{}", escaped(&second));
                let kept = facts.iter().filter(|fact| second.contains(fact.as_str())).count();
                assert!(
                    kept * 100 >= facts.len() * 95,
                    "seed {seed}, {bytes} bytes: {kept} of {}",
                    facts.len()
                );
            }
        }
    }

    #[test]
    fn it_fits_and_says_where_it_has_gaps() {
        let (text, _) = planted(1, 10, 20_000);
        for bytes in [0, 1, 10, 100, 1000, 19_000] {
            let chosen = extract(&text, bytes);
            assert!(escaped(&chosen) <= bytes.max(GAP.len()), "{bytes}: {}", escaped(&chosen));
            assert!(chosen.contains(GAP));
        }
        assert_eq!(extract(&text, usize::MAX), text);
        let odd = format!("{}\u{1}\"{}", "語".repeat(5_000), "👍".repeat(5_000));
        assert!(escaped(&extract(&odd, 3_000)) <= 3_000);
    }

    #[test]
    fn headings_are_kept_and_nothing_is_said_twice() {
        let text = format!(
            "# Ports\n{}# Owners\n{}Ann owns 7.\n",
            "Same line here.\n".repeat(500),
            "Same line here.\n".repeat(500)
        );
        assert_eq!(extract(&text, 200), "# Ports\nSame line here.\n[…]\n# Owners\n[…]\nAnn owns 7.\n");
    }
}

//! Bounds texts that come from plugins, programs and people. A text that is cut says so.

/// Maximum size in bytes of a message, such as a fault, a reason or an explanation. The record keeps messages for
/// ever.
pub const MESSAGE: usize = 4 << 10;
/// Maximum size in bytes of a name, and of a path in place of one.
pub const NAME: usize = 4 << 10;

/// The text, cut at a character boundary to at most `most` bytes, which include a note that it was cut.
#[must_use]
pub fn excerpt(text: impl Into<String>, most: usize) -> String {
    let mut text = text.into();
    if text.len() <= most {
        return text;
    }
    let cut = format!(" … (cut, of {} bytes)", text.len());
    let mut end = most.saturating_sub(cut.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text + &cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_where_it_must_and_says_so() {
        assert_eq!(excerpt("short", 64), "short");
        assert_eq!(excerpt("x".repeat(65), 64), format!("{} … (cut, of 65 bytes)", "x".repeat(64 - 23)));
        for most in 40..80 {
            for letter in ["x", "ö", "語", "👍"] {
                let cut = excerpt(letter.repeat(100), most);
                assert!(cut.len() <= most && cut.len() > most - 4, "{cut:?}");
            }
        }
    }
}

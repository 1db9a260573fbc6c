//! Removes secrets from responses: a service may echo the ones that it was sent, and no plugin may see them.

/// Replaces a secret.
const MARK: &[u8] = b"[secret]";

/// Removes secrets from a stream of chunks, also where one is split between two chunks.
#[derive(Debug)]
pub struct Redactor {
    secrets: Vec<Vec<u8>>,
    /// Bytes at the end of the stream that may be the beginning of a secret.
    held: Vec<u8>,
}

impl Redactor {
    /// A redactor for these secrets; empty ones are ignored.
    #[must_use]
    pub fn new(secrets: Vec<String>) -> Self {
        let mut secrets: Vec<Vec<u8>> =
            secrets.into_iter().map(String::into_bytes).filter(|secret| !secret.is_empty()).collect();
        // The longest first: one secret may contain another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { secrets, held: Vec::new() }
    }

    /// The part of the stream that is known to be clean after this chunk.
    pub fn pass(&mut self, piece: &[u8]) -> Vec<u8> {
        if self.secrets.is_empty() {
            return piece.to_vec();
        }
        self.held.extend_from_slice(piece);
        let (clean, scanned) = self.scan(&self.held, false);
        self.held.drain(..scanned);
        clean
    }

    /// The bytes that were held back, at the end of the stream.
    pub fn rest(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        self.scan(&held, true).0
    }

    /// A whole text without secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.scan(text.as_bytes(), true).0).into_owned()
    }

    /// The clean text, and the number of bytes that were scanned. Unless `bytes` is the end of the stream (`is_all`), the scan
    /// stops at what may be the beginning of a secret.
    fn scan(&self, bytes: &[u8], is_all: bool) -> (Vec<u8>, usize) {
        let mut clean = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let is_begun = |secret: &Vec<u8>| rest.len() < secret.len() && secret.starts_with(rest);
            if !is_all && self.secrets.iter().any(is_begun) {
                break;
            }
            match self.secrets.iter().find(|secret| rest.starts_with(secret)) {
                Some(secret) => {
                    clean.extend_from_slice(MARK);
                    at += secret.len();
                }
                None => {
                    clean.push(bytes[at]);
                    at += 1;
                }
            }
        }
        (clean, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_is_cut() {
        let text = b"key s3cr3t, s3 and s3cr3t";
        for cut in 0..text.len() {
            let mut redactor = Redactor::new(vec!["s3cr3t".into()]);
            let mut passed = redactor.pass(&text[..cut]);
            passed.extend(redactor.pass(&text[cut..]));
            passed.extend(redactor.rest());
            assert_eq!(String::from_utf8_lossy(&passed), "key [secret], s3 and [secret]", "cut at {cut}");
        }
    }

    #[test]
    fn of_two_that_begin_alike_the_longer_is_taken() {
        for cut in 0..8 {
            let mut redactor = Redactor::new(vec!["abc".into(), "abcdef".into()]);
            let mut passed = redactor.pass(&b"abcdef ab"[..cut]);
            passed.extend(redactor.pass(&b"abcdef ab"[cut..]));
            passed.extend(redactor.rest());
            assert_eq!(String::from_utf8_lossy(&passed), "[secret] ab", "cut at {cut}");
        }
    }
}

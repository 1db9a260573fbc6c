//! A service may repeat a secret that it was sent. No plugin is to see it all the same.

/// What stands in its place.
const MARK: &[u8] = b"[secret]";

/// Takes secrets out of what passes, also where one is cut between two pieces.
#[derive(Debug)]
pub struct Redactor {
    secrets: Vec<Vec<u8>>,
    /// The end of what came, which may be the beginning of a secret.
    held: Vec<u8>,
}

impl Redactor {
    #[must_use]
    pub fn new(secrets: Vec<String>) -> Self {
        let mut secrets: Vec<Vec<u8>> =
            secrets.into_iter().map(String::into_bytes).filter(|secret| !secret.is_empty()).collect();
        // One may hold another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { secrets, held: Vec::new() }
    }

    pub fn pass(&mut self, piece: &[u8]) -> Vec<u8> {
        if self.secrets.is_empty() {
            return piece.to_vec();
        }
        self.held.extend_from_slice(piece);
        let mut clean = self.clean(&self.held);
        let is_begun = |at: &usize| self.secrets.iter().any(|secret| secret.starts_with(&clean[*at..]));
        let longest = self.secrets.first().map_or(0, Vec::len);
        let begun = (clean.len().saturating_sub(longest)..clean.len()).find(is_begun);
        self.held = clean.split_off(begun.unwrap_or(clean.len()));
        clean
    }

    /// What is left when nothing more comes.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    #[must_use]
    pub fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.clean(text.as_bytes())).into_owned()
    }

    fn clean(&self, bytes: &[u8]) -> Vec<u8> {
        let mut clean = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            match self.secrets.iter().find(|secret| bytes[at..].starts_with(secret)) {
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
        clean
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
}

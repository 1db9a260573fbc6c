//! 64-bit keys for the state: FNV-1a (Fowler, Noll and Vo, 1991) over texts, each with its length before it, so that different
//! lists of texts are different bytes. Incremental, unlike the SDK's function.

pub struct Hash(u64);

impl Hash {
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub fn text(self, text: &str) -> Self {
        self.bytes(&(text.len() as u64).to_le_bytes()).bytes(text.as_bytes())
    }

    /// A list whose order does not matter.
    pub fn set<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut texts: Vec<&str> = texts.into_iter().collect();
        texts.sort_unstable();
        let counted = self.bytes(&(texts.len() as u64).to_le_bytes());
        texts.into_iter().fold(counted, Self::text)
    }

    pub fn bytes(self, bytes: &[u8]) -> Self {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self(bytes.iter().fold(self.0, step))
    }

    pub fn get(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Hash;

    #[test]
    fn numbers_are_those_of_the_reference() {
        assert_eq!(Hash::new().bytes(b"").get(), 0xcbf2_9ce4_8422_2325);
        assert_eq!(Hash::new().bytes(b"a").get(), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(Hash::new().bytes(b"foobar").get(), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn where_a_text_ends_counts_and_the_order_of_a_set_does_not() {
        assert_ne!(Hash::new().text("ab").text("c").get(), Hash::new().text("a").text("bc").get());
        assert_ne!(Hash::new().set(["a"]).set([]).get(), Hash::new().set([]).set(["a"]).get());
        assert_eq!(Hash::new().set(["a", "b"]).get(), Hash::new().set(["b", "a"]).get());
    }
}

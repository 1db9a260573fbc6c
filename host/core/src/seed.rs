//! Deterministic randomness: the same seed and the same use give the same draw on every machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A seed from which others are derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// Derives the seed for one of many uses. Source: SplitMix64, Steele et al., OOPSLA 2014.
    #[must_use]
    pub fn of(self, what: i64) -> Self {
        let mut z = self
            .0
            .wrapping_add(what.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15))
            .wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Self(z ^ (z >> 31))
    }

    /// A uniform draw from 0.0 (inclusive) to 1.0 (exclusive).
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn fraction(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

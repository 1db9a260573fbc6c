//! Conversions and sums for statistics.

/// A count as a number; exact up to four billion.
pub fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Milliseconds, or millionths of a currency.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, which is 285,000 years or nine billion")]
pub fn amount(quantity: u64) -> f64 {
    quantity as f64
}

/// The mean; 0 without values.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / real(values.len()) }
}

/// A share of a whole; 0 if the whole is 0.
pub fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// A saturating sum.
pub fn total(quantities: impl IntoIterator<Item = u64>) -> u64 {
    quantities.into_iter().fold(0, u64::saturating_add)
}

//! Selects the events that are cited as evidence of a finding.

/// A finding cites at most this many events.
pub(super) const MOST: usize = 20;

/// The most telling events: those that support the finding, then the others, each newest first.
pub(super) fn telling(events: impl IntoIterator<Item = (bool, i64)>) -> Vec<i64> {
    let mut events: Vec<(bool, i64)> = events.into_iter().collect();
    events.sort_unstable_by(|a, b| b.cmp(a));
    events.dedup();
    events.into_iter().take(MOST).map(|(_, seq)| seq).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_for_a_finding_comes_first_and_the_newest_of_it_before() {
        assert_eq!(telling([(false, 9), (true, 1), (true, 5), (false, 2)]), [5, 1, 9, 2]);
        assert_eq!(telling((0..50).map(|seq| (true, seq))).len(), MOST);
    }
}

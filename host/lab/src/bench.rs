//! What this machine gives. Figures are medians of rounds in one process.

mod grown;
mod meter;
pub mod plan;
pub mod plugin;
pub mod queue;
pub mod recover;
pub mod route;
pub mod scale;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use baton_core::agent::Card;
use baton_core::budget::Cap;

/// An agent of the bundled `mock` adapter with the skill `work`. `config` is handed to the adapter.
fn agent(name: String, capacity: u32, config: BTreeMap<String, String>) -> Card {
    Card {
        name,
        adapter: "mock".into(),
        skills: vec!["work".into()],
        tracks: Vec::new(),
        capacity,
        config,
        input: None,
        output: None,
        budget: Cap::default(),
        cost: None,
    }
}

/// A folder of this process, empty to begin with and removed when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(bench: &str, within: Option<&Path>) -> Self {
        let within = within.map_or_else(std::env::temp_dir, Path::to_owned);
        let path = within.join(format!("baton-bench-{bench}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The middle of some measurements.
fn median(mut values: Vec<f64>) -> f64 {
    percentile(&mut values, 0.5)
}

/// The measurement below which this share of them is, 0 to 1; 0 if there are none.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index"
)]
fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = ((values.len().saturating_sub(1)) as f64 * share).round() as usize;
    values.get(index).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_measurements() {
        let mut values = [3.0, 1.0, 2.0, 5.0, 4.0];
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|share| percentile(&mut values, share)), [1.0, 3.0, 5.0, 5.0]);
        assert_eq!(percentile(&mut [], 0.5), 0.0);
    }
}

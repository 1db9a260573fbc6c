//! The two sides of a comparison.

use serde::{Deserialize, Serialize};

/// Which side an observation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arm {
    /// The router in use.
    Baseline,
    /// The router on trial.
    Candidate,
}

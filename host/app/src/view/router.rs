//! The routing strategy of runs: who decides, what was decided and why, and what another would have meant.

mod backtest;
mod explanation;
mod export;
mod status;
mod verification;

pub use backtest::backtest_lines;
pub(crate) use explanation::explain;
pub use explanation::{Candidate, CandidateForecast, Explanation};
pub(crate) use export::export;
pub use export::{BundleExport, ExportQuery};
pub(crate) use status::status;
pub use status::{Agreement, ArmRecord, RouterStatus, TrialStatus};
pub(crate) use verification::verify;
pub use verification::{Verification, VerificationQuery};

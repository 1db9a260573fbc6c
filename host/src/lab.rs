//! The laboratory: with what statistics a router is judged before it is trusted with work.
//!
//! [`offpolicy`] says from a log what it would have achieved, [`trial`] gives it a share of the tasks, [`sequential`] and
//! [`guard`] say when the trial is over, [`calibration`] how good its predictions are, [`plot`] shows it. All of it is
//! pure: figures in, figures out, with how far they may be off.

pub mod calibration;
mod contrast;
pub mod guard;
pub mod interval;
pub mod offpolicy;
pub mod plot;
pub mod sequential;
pub mod trial;
mod wager;

pub use guard::{Breach, GuardLimits, Guards, Observation, Try};
pub use interval::Interval;
pub use offpolicy::{Judgement, Logged, Question, Refusal, judge};
pub use sequential::{Race, Verdict};
pub use trial::{Arm, Ledger, Stage, Standing, Trial};

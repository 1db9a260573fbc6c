//! Carries out runs. The event loop ([`Host`]) carries messages to the [`scheduler`] and its effects to the store and to
//! work; the scheduler is made of owners, each with state of its own: [`runs`] and their [`board`], [`attempts`] with
//! their money and limits, [`routing`], [`learning`], [`health`] and [`landing`]. [`simulator`] drives the same owners.

mod acceptance;
pub mod attempt;
pub mod attempts;
pub mod board;
pub mod catalog;
pub mod command;
pub mod compose;
pub mod decide;
pub mod dry_run;
pub mod effect;
mod event_loop;
pub mod health;
mod in_flight;
pub mod judge;
pub mod land;
pub mod landing;
pub mod learning;
pub mod pool;
pub mod probe;
pub mod removal;
pub mod replay;
pub mod routing;
pub mod runs;
pub mod scheduler;
pub mod simulator;
mod state_server;
#[cfg(test)]
mod testing;
pub mod trial_ledger;
pub mod waits;
pub mod why;
mod work;
pub mod workspace;

pub use attempts::concurrency_limits::ConcurrencyLimits;
pub use event_loop::{Host, Live, Options};
pub use scheduler::Phase;

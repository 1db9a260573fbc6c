//! The statistics by which routers are judged before they are trusted with work: estimates with intervals. Nothing
//! here depends on what is measured.
//!
//! [`offpolicy`] estimates from a log what a router would have achieved, [`sequential`] compares two arms,
//! [`calibration`] scores predictions, and [`plot`] draws charts.

#![deny(missing_docs)]

pub mod arm;
pub mod calibration;
pub mod contrast;
pub mod eprocess;
pub mod interval;
pub mod offpolicy;
pub mod plot;
pub mod sequential;

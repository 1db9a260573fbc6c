//! The statistics that routers are judged by before they are trusted with work: figures in, figures out, with how far
//! they may be off. Nothing here knows what is measured.
//!
//! [`offpolicy`] says from a log what a router would have achieved, [`sequential`] when a comparison is decided,
//! [`calibration`] how good predictions are, [`plot`] shows it.

pub mod arm;
pub mod calibration;
pub mod contrast;
pub mod eprocess;
pub mod interval;
pub mod offpolicy;
pub mod plot;
pub mod sequential;

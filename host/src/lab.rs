//! Lab
pub mod calibration;
mod contrast;
pub mod guard;
pub mod interval;
pub mod offpolicy;
pub mod sequential;
pub mod trial;
mod wager;

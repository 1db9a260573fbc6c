//! Decisions from the record, made again: to prove that they were made as recorded, or to ask what another router would
//! have decided.

pub mod backtest;
pub mod judged;
pub mod verify;

//! What survives: the state machine against a model, simulated schedules, and the real binary under kill -9.

mod support;

#[path = "durability/kill.rs"]
mod kill;
#[path = "durability/model.rs"]
mod model;
#[path = "durability/schedules.rs"]
mod schedules;
#[path = "durability/stall.rs"]
mod stall;

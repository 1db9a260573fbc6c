//! What survives: the state machine against a model, simulated schedules, the real binary under kill -9, and a store that
//! somebody altered.

mod support;

#[path = "durability/bundle.rs"]
mod bundle;
#[path = "durability/clock.rs"]
mod clock;
#[path = "durability/ends.rs"]
mod ends;
#[path = "durability/kill.rs"]
mod kill;
#[path = "durability/model.rs"]
mod model;
#[path = "durability/restore.rs"]
mod restore;
#[path = "durability/schedules.rs"]
mod schedules;
#[path = "durability/stall.rs"]
mod stall;

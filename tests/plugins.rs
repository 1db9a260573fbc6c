//! The sandbox, the contract, and plugins in other languages.

mod support;

#[path = "plugins/author.rs"]
mod author;
#[path = "plugins/bindings.rs"]
mod bindings;
#[path = "plugins/bundled.rs"]
mod bundled;
#[path = "plugins/contract.rs"]
mod contract;
#[path = "plugins/foreign.rs"]
mod foreign;
#[path = "plugins/greedy.rs"]
mod greedy;
#[path = "plugins/guests.rs"]
mod guests;
#[path = "plugins/hostile.rs"]
mod hostile;
#[path = "plugins/lifecycle.rs"]
mod lifecycle;
#[path = "plugins/registry.rs"]
mod registry;

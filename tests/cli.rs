//! What a person types and sees.

mod support;

#[path = "cli/adapters.rs"]
mod adapters;
#[path = "cli/agents.rs"]
mod agents;
#[path = "cli/amend.rs"]
mod amend;
#[path = "cli/budget.rs"]
mod budget;
#[path = "cli/composite.rs"]
mod composite;
#[path = "cli/confine.rs"]
mod confine;
#[path = "cli/control.rs"]
mod control;
#[path = "cli/dead.rs"]
mod dead;
#[path = "cli/doctor.rs"]
mod doctor;
#[path = "cli/examples.rs"]
mod examples;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/http.rs"]
mod http;
#[path = "cli/init.rs"]
mod init;
#[path = "cli/insights.rs"]
mod insights;
#[path = "cli/lines.rs"]
mod lines;
#[path = "cli/manual.rs"]
mod manual;
#[path = "cli/people.rs"]
mod people;
#[path = "cli/places.rs"]
mod places;
#[path = "cli/plan.rs"]
mod plan;
#[path = "cli/programs.rs"]
mod programs;
#[path = "cli/router.rs"]
mod router;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/screen.rs"]
mod screen;
#[path = "cli/sim.rs"]
mod sim;
#[path = "cli/store.rs"]
mod store;
#[path = "cli/strategies.rs"]
mod strategies;
#[path = "cli/trial.rs"]
mod trial;
#[path = "cli/waits.rs"]
mod waits;
#[path = "cli/workspace.rs"]
mod workspace;

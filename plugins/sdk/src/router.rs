//! Routers assign tasks to agents.

mod chooser;
mod known;
mod line;
pub mod lottery;
mod normal;
mod pace;
mod preference;
mod room;
mod scorecard;

pub use crate::bindings::learner::exports::baton::router::learning::{Experience, Lesson, Verdict};
pub use crate::bindings::shared::baton::router::words::{
    Agent, Answer, Assignment, Choice, Decision, Factor, Feature, Forecast, Request, RouteError, Score,
    SkillStats, Snapshot,
};
pub use crate::config::Config;
pub use crate::words::*;
pub use chooser::{Chooser, Prospect};
pub use known::Known;
pub use line::{Line, Place};
pub use pace::{Expected, Pace, PaceAt};
pub use preference::Preference;
pub use room::Room;
pub use scorecard::Scorecard;

use crate::config::Unusable;
use crate::seed::{SplitMix64, fnv1a};

/// A router. It must be a function of its argument.
pub trait Router {
    /// A decision for each request of the snapshot.
    ///
    /// # Errors
    /// The configuration or the state can't be used. The host then decides itself, for a foreign state after another call
    /// with an empty one.
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError>;
}

/// A router that learns from the results of attempts. What it has learned is in its state.
pub trait Learner: Router {
    /// The state after a lesson, at most 64 KiB.
    ///
    /// # Errors
    /// The lesson can't be used; the state stays as it was.
    fn learn(lesson: Lesson) -> Result<Vec<u8>, RouteError>;
}

impl Snapshot {
    /// The candidates of a request, as indices into `agents`, ascending.
    pub fn candidates(&self, request: &Request) -> &[u32] {
        self.candidate_sets.get(request.candidates as usize).map_or(&[], Vec::as_slice)
    }

    /// The id of an agent, for reasons.
    pub fn name(&self, agent: u32) -> &str {
        self.agents.get(agent as usize).map_or("(no such agent)", |agent| &agent.id)
    }

    /// Random numbers for one task: the same whenever the decision is repeated, different for each task.
    pub fn random(&self, task: &Task) -> SplitMix64 {
        SplitMix64::new(self.seed ^ fnv1a(task.id.as_bytes()))
    }

    /// Decides each request with `choose`, most urgent first.
    pub fn decide<'a>(&'a self, mut choose: impl FnMut(&'a Request, &'a [u32]) -> Choice) -> Vec<Decision> {
        self.requests
            .iter()
            .zip(0..)
            .map(|(request, index)| Decision {
                request: index,
                choice: choose(request, self.candidates(request)),
            })
            .collect()
    }
}

impl Task {
    /// The skills that it requires or prefers, sorted, each once: the same as in the experiences of a lesson.
    pub fn wanted(&self) -> Vec<&str> {
        let mut skills: Vec<&str> = self.skills.iter().chain(&self.prefers).map(String::as_str).collect();
        skills.sort_unstable();
        skills.dedup();
        skills
    }
}

impl Agent {
    /// Its record on a skill, or with "" on all its attempts; none without any.
    pub fn record(&self, skill: &str) -> Option<&SkillStats> {
        let place = self.stats.binary_search_by(|stats| stats.skill.as_str().cmp(skill)).ok()?;
        self.stats.get(place)
    }

    /// Whether it declares a skill.
    pub fn declares(&self, skill: &str) -> bool {
        self.skills.binary_search_by(|own| own.as_str().cmp(skill)).is_ok()
    }
}

impl Answer {
    /// The answer with these factors.
    pub fn with_factors(self, factors: Vec<Factor>) -> Self {
        Self { factors, ..self }
    }

    /// The answer with this state.
    pub fn with_state(self, state: Vec<u8>) -> Self {
        Self { state, ..self }
    }
}

/// An answer without factors and without state.
impl From<Vec<Decision>> for Answer {
    fn from(decisions: Vec<Decision>) -> Self {
        Self { decisions, factors: Vec::new(), state: Vec::new() }
    }
}

impl From<Unusable> for RouteError {
    fn from(unusable: Unusable) -> Self {
        Self::BadConfig(unusable.into())
    }
}

/// Makes this crate the component of a router.
#[macro_export]
macro_rules! router {
    ($router:ident) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            #[global_allocator]
            static ARENA: $crate::arena::Arena = $crate::arena::Arena::new();
            struct Component;
            impl $crate::bindings::router::exports::baton::router::routing::Guest for Component {
                fn route(
                    snapshot: $crate::router::Snapshot,
                ) -> Result<$crate::router::Answer, $crate::router::RouteError> {
                    $crate::panic::report();
                    <$router as $crate::router::Router>::route(snapshot)
                }
            }
            $crate::bindings::router::export_router!(
                Component with_types_in $crate::bindings::router
            );
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn($crate::router::Snapshot) -> Result<$crate::router::Answer, $crate::router::RouteError> =
            <$router as $crate::router::Router>::route;
    };
}

/// Makes this crate the component of a router that learns.
#[macro_export]
macro_rules! learning_router {
    ($router:ident) => {
        $crate::router!($router);
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;
            impl $crate::bindings::learner::exports::baton::router::learning::Guest for Component {
                fn learn(lesson: $crate::router::Lesson) -> Result<Vec<u8>, $crate::router::RouteError> {
                    $crate::panic::report();
                    <$router as $crate::router::Learner>::learn(lesson)
                }
            }
    $crate::bindings::learner::export_learner!(Component with_types_in $crate::bindings::learner);
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn($crate::router::Lesson) -> Result<Vec<u8>, $crate::router::RouteError> =
            <$router as $crate::router::Learner>::learn;
    };
}

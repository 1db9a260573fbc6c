//! Agent adapters: the plugins that do the work. The only kind with side effects, through the interfaces that were granted.

mod answer;
pub mod base64;
pub mod elicit;
mod exchange;
mod given;
mod http_fault;
pub mod jsonrpc;
mod prompt;
mod retry_after;
pub mod session;
pub mod sse;
pub mod symptom;
pub mod talk;

pub use crate::bindings::agent::exports::baton::agent::adapter::{Attempt, Health};
pub use crate::bindings::shared::baton::host::{http, memory, people, process, progress, workspace};
pub use crate::config::Config;
pub use crate::words::*;
pub use answer::{answer, data, summary};
pub use exchange::{Listener, converse, fetch};
pub use given::given;
pub use http_fault::{error_fault, http_fault, malformed_reply, one_line, status_fault};
pub use prompt::{contract, inputs, notes, prompt};

use crate::config::Unusable;

/// An agent adapter.
pub trait Agent {
    /// Does the work. Must return promptly once a host call returns `stopped`.
    ///
    /// # Errors
    /// The fault that ended the attempt; its class decides what the host does next.
    fn run(attempt: Attempt) -> Result<Outcome, Fault>;

    /// Checks whether work could be done now. Must change nothing and cost nothing.
    fn probe(config: Vec<Attr>) -> Health {
        let _ = config;
        Health::Ready
    }
}

/// Only the operator can fix a configuration.
impl From<Unusable> for Fault {
    fn from(unusable: Unusable) -> Self {
        Fault::new(ErrorClass::Environment, unusable.to_string())
    }
}

/// For an attempt that the host ended.
impl From<progress::Stopped> for Fault {
    fn from(stopped: progress::Stopped) -> Self {
        Fault::stopped(match stopped {
            progress::Stopped::LeaseLost => "the lease was lost",
            progress::Stopped::Cancelled => "it was cancelled",
            progress::Stopped::Deadline => "the deadline has passed",
            progress::Stopped::Budget => "the budget is used up",
        })
    }
}

/// Makes this crate the component of an agent.
#[macro_export]
macro_rules! agent {
    ($agent:ident) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            #[global_allocator]
            static HEAP: $crate::Heap = $crate::Heap;
            struct Component;
            impl $crate::bindings::agent::exports::baton::agent::adapter::Guest for Component {
                fn run(
                    attempt: $crate::agent::Attempt,
                ) -> Result<$crate::agent::Outcome, $crate::agent::Fault> {
                    $crate::panic::report();
                    <$agent as $crate::agent::Agent>::run(attempt)
                }
                fn probe(config: Vec<$crate::agent::Attr>) -> $crate::agent::Health {
                    $crate::panic::report();
                    <$agent as $crate::agent::Agent>::probe(config)
                }
            }
            $crate::bindings::agent::export_agent!(
                Component with_types_in $crate::bindings::agent
            );
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn($crate::agent::Attempt) -> Result<$crate::agent::Outcome, $crate::agent::Fault> =
            <$agent as $crate::agent::Agent>::run;
    };
}

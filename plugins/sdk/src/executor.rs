//! Executors divide a composite task into children and combine their results.

mod asked;
mod child;
mod decomposition;
mod extract;
mod fields;
mod handoff;
mod metrics;
mod part;
mod said;
mod who;

pub use crate::bindings::executor::exports::baton::executor::execution::{
    ExecutionError, Request, Spawn, Step, Wait,
};
pub use crate::config::Config;
pub use crate::words::*;
pub use asked::{Asked, asked};
pub use decomposition::{Decomposition, Piece, Rules, complaint};
pub use fields::Fields;
pub use handoff::{gathered, raw, with_member};
pub use metrics::{Metrics, rounded};
pub use part::{Keys, Part, elements, is_name, keys};
pub use said::structured;
pub use who::Who;

use crate::config::Unusable;

/// An executor. It must be a function of its argument: what it has to remember is in its children.
pub trait Executor {
    /// The next step, given the children so far.
    ///
    /// # Errors
    /// The input or the configuration can't be used; the task fails.
    fn advance(request: Request) -> Result<Step, ExecutionError>;
}

impl Step {
    /// Adds children, and waits for `then`.
    pub fn spawn(children: Vec<NewTask>, then: Wait) -> Self {
        Self::Spawn(Spawn { children, then })
    }
}

impl From<Unusable> for ExecutionError {
    fn from(unusable: Unusable) -> Self {
        Self::BadConfig(unusable.into())
    }
}

/// Makes this crate the component of an executor.
#[macro_export]
macro_rules! executor {
    ($executor:ident) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            #[global_allocator]
            static HEAP: $crate::Heap = $crate::Heap;
            struct Component;
            impl $crate::bindings::executor::exports::baton::executor::execution::Guest for Component {
                fn advance(
                    request: $crate::executor::Request,
                ) -> Result<$crate::executor::Step, $crate::executor::ExecutionError> {
                    $crate::panic::report();
                    <$executor as $crate::executor::Executor>::advance(request)
                }
            }
            $crate::bindings::executor::export_executor!(
                Component with_types_in $crate::bindings::executor
            );
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn(
            $crate::executor::Request,
        ) -> Result<$crate::executor::Step, $crate::executor::ExecutionError> =
            <$executor as $crate::executor::Executor>::advance;
    };
}

//! Validators judge whether an outcome is accepted.

pub use crate::bindings::validator::exports::baton::validator::validation::{
    Request, ValidationError, Verdict,
};
pub use crate::config::Config;
pub use crate::words::*;

use crate::config::Unusable;

/// A validator. It must be a function of its argument.
pub trait Validator {
    /// The verdict on an outcome, or the evidence that has to be gathered first.
    ///
    /// # Errors
    /// The configuration or the contract can't be used (the task fails), or anything else went wrong (the outcome is refused).
    fn validate(request: Request) -> Result<Verdict, ValidationError>;
}

impl Check {
    /// A check that passed, with score 1.0.
    pub fn passed(name: impl Into<String>, explanation: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            score: 1.0,
            passed: true,
            label: String::from("pass"),
            explanation: explanation.into(),
        }
    }

    /// A check that failed, with score 0.0.
    pub fn refused(name: impl Into<String>, explanation: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            score: 0.0,
            passed: false,
            label: String::from("fail"),
            explanation: explanation.into(),
        }
    }
}

impl From<Unusable> for ValidationError {
    fn from(unusable: Unusable) -> Self {
        Self::BadConfig(unusable.into())
    }
}

/// Makes this crate the component of a validator.
#[macro_export]
macro_rules! validator {
    ($validator:ident) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            #[global_allocator]
            static HEAP: $crate::Heap = $crate::Heap;
            struct Component;
            impl $crate::bindings::validator::exports::baton::validator::validation::Guest for Component {
                fn validate(
                    request: $crate::validator::Request,
                ) -> Result<$crate::validator::Verdict, $crate::validator::ValidationError> {
                    $crate::panic::report();
                    <$validator as $crate::validator::Validator>::validate(request)
                }
            }
            $crate::bindings::validator::export_validator!(
                Component with_types_in $crate::bindings::validator
            );
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn(
            $crate::validator::Request,
        ) -> Result<$crate::validator::Verdict, $crate::validator::ValidationError> =
            <$validator as $crate::validator::Validator>::validate;
    };
}

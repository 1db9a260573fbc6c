//! Makes handles of a resource of its own and lets none go. Expected: ended by the limit on handles.

use baton_sdk::router::{Answer, RouteError, Router, Snapshot};

struct Flood;

impl Router for Flood {
    fn route(_: Snapshot) -> Result<Answer, RouteError> {
        loop {
            keep();
        }
    }
}

/// Generated, see `tests/plugins/bindings.rs`.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, clippy::allow_attributes_without_reason, reason = "generated")]
mod bindings {
    include!("../bindings.inc");
}

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "exports are symbols")]
mod tokens {
    use crate::bindings::exports::tokens::{Guest, GuestToken, Token};

    struct Component;
    struct Kept;

    impl Guest for Component {
        type Token = Kept;
    }

    impl GuestToken for Kept {
        fn new() -> Self {
            Self
        }
    }

    pub fn keep() {
        std::mem::forget(Token::new(Kept));
    }

    crate::bindings::export!(Component with_types_in crate::bindings);
}

#[cfg(target_arch = "wasm32")]
fn keep() {
    tokens::keep();
}

#[cfg(not(target_arch = "wasm32"))]
fn keep() {
    panic!("handles are a component's");
}

baton_sdk::router!(Flood);

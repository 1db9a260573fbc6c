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

#[cfg(target_arch = "wasm32")]
mod tokens {
    wit_bindgen::generate!({
        inline: "
            package hostile:flood;
            world flood {
                export tokens: interface {
                    resource token { constructor(); }
                }
            }
        ",
    });

    use exports::tokens::{Guest, GuestToken, Token};

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

    export!(Component);
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

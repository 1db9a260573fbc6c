//! Traps. Expected: a trap that names the plugin, one failure counted, the host decides. Configuration `in` chooses the
//! way: `unreachable` (if absent), `panic`, `bounds` (a load beyond memory), `division` (by zero).

use std::hint::black_box;

use baton_sdk::router::{Answer, Config, RouteError, Router, Snapshot};
use baton_sdk::words::Attr;

struct Trap;

impl Router for Trap {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        match Config(&snapshot.config).get("in").unwrap_or("unreachable") {
            "unreachable" => unreachable(),
            "panic" => panic!("told to panic"),
            "bounds" => bounds(),
            "division" => Err(RouteError::Other(divide(black_box(0)).to_string())),
            other => Err(RouteError::BadConfig(Attr::new(
                "in",
                format!("is `{other}`, expected unreachable, panic, bounds or division"),
            ))),
        }
    }
}

#[cfg(target_arch = "wasm32")]
fn unreachable() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn unreachable() -> ! {
    panic!("told to trap")
}

#[expect(unsafe_code, reason = "the load is meant to trap")]
fn bounds() -> ! {
    let beyond: *const u8 = std::ptr::without_provenance(black_box(usize::MAX));
    // SAFETY: none. No memory of a guest reaches there, so the load traps.
    let byte = unsafe { beyond.read_volatile() };
    panic!("read {byte} from beyond memory")
}

/// Rust checks the divisor and panics; the check is what traps.
fn divide(divisor: u32) -> u32 {
    1 / divisor
}

baton_sdk::router!(Trap);

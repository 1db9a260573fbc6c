//! The two eras of the protocol: without a handshake, and with one.

use serde_json::{Value, json};

pub const MODERN: &str = "2026-07-28";

/// Newest first. A server may choose an older one than it was offered: what is asked of it here did not change.
pub const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Era {
    /// Each request stands for itself and says which version it is of.
    Modern,
    /// A session begins with `initialize`.
    Legacy,
}

impl Era {
    pub fn other(self) -> Self {
        match self {
            Self::Modern => Self::Legacy,
            Self::Legacy => Self::Modern,
        }
    }
}

/// The best that both sides speak, out of what a server says it does.
pub fn common(supported: &Value) -> Option<Era> {
    let speaks = |version: &str| {
        supported.as_array().is_some_and(|list| list.iter().any(|item| item.as_str() == Some(version)))
    };
    if speaks(MODERN) {
        Some(Era::Modern)
    } else if LEGACY.iter().any(|version| speaks(version)) {
        Some(Era::Legacy)
    } else {
        None
    }
}

pub fn client_info() -> Value {
    json!({"name": "baton", "title": "Baton", "version": env!("CARGO_PKG_VERSION")})
}

/// An address can be opened in both eras; only in the modern one can the answer come in a later attempt.
pub fn capabilities(era: Era) -> Value {
    match era {
        Era::Modern => json!({"elicitation": {"form": {}, "url": {}}}),
        Era::Legacy => json!({"elicitation": {}}),
    }
}

/// What a request of the modern era says about itself.
pub fn stamp(params: &mut Value) {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
    params["_meta"]["io.modelcontextprotocol/clientInfo"] = client_info();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities(Era::Modern);
}

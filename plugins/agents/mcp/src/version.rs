//! The two eras of the protocol: without a handshake, and with one.

use baton_sdk::agent::jsonrpc::ErrorObject;
use baton_sdk::agent::{ErrorClass, Fault, one_line};
use serde_json::{Value, json};

/// The error of a server that does not speak the version of a request.
pub const UNSUPPORTED_VERSION: i64 = -32022;

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

/// Which versions of the legacy era were offered.
#[derive(Debug, Default)]
pub struct Offers {
    /// Its place in [`LEGACY`].
    current: usize,
}

impl Offers {
    pub fn current(&self) -> &'static str {
        LEGACY[self.current.min(LEGACY.len() - 1)]
    }

    /// The newest of these, before any was offered; the newest of all if the server names none.
    pub fn first(&mut self, named: Option<&[&'static str]>) -> Option<&'static str> {
        self.take(named, 0)
    }

    /// The newest of these, or of all if the server names none, that is older than the offered one.
    pub fn next(&mut self, named: Option<&[&'static str]>) -> Option<&'static str> {
        self.take(named, self.current + 1)
    }

    fn take(&mut self, named: Option<&[&'static str]>, from: usize) -> Option<&'static str> {
        let is_named = |version: &&str| named.is_none_or(|named| named.contains(version));
        let found = LEGACY.iter().skip(from).position(is_named)?;
        self.current = from + found;
        Some(self.current())
    }
}

/// The versions of ours that an error names as spoken: in its data, or else in its words. None if it names none at all.
pub fn named(error: &ErrorObject) -> Option<Vec<&'static str>> {
    let list = |key| error.data.get(key).filter(|list| list.is_array());
    if let Some(list) = list("supported").or_else(|| list("supportedVersions")) {
        return Some(listed(list));
    }
    // What was offered may be named as well, and after "unsupported": it is not spoken.
    let words = format!("{} {}", error.message, error.data);
    let lower = words.to_ascii_lowercase();
    let begins = ["supported", "expected", "must be"].into_iter().filter_map(|word| {
        lower.match_indices(word).map(|(at, _)| at).find(|at| !lower[..*at].ends_with("un"))
    });
    let spoken = &words[begins.min()?..];
    let found: Vec<&str> = ours().filter(|version| spoken.contains(version)).collect();
    (!found.is_empty()).then_some(found)
}

/// The versions of ours in a list.
pub fn listed(list: &Value) -> Vec<&'static str> {
    let items = || list.as_array().into_iter().flatten();
    ours().filter(|version| items().any(|item| item.as_str() == Some(version))).collect()
}

fn ours() -> impl Iterator<Item = &'static str> {
    [MODERN].into_iter().chain(LEGACY)
}

/// Whether a refused greeting was refused for its version.
pub fn is_about_versions(error: &ErrorObject) -> bool {
    error.code == UNSUPPORTED_VERSION
        || error.data.get("supported").is_some_and(Value::is_array)
        || error.message.to_ascii_lowercase().contains("version")
}

/// Whether a call failed because the server wanted to ask its caller and had no session to do that in.
pub fn needs_a_session(error: &ErrorObject) -> bool {
    let words = format!("{} {}", error.message, error.data).to_ascii_lowercase();
    ["back-channel", "backchannel", "elicitation not supported", "elicitation is not supported"]
        .iter()
        .any(|phrase| words.contains(phrase))
}

/// `theirs` is what the server says of what it speaks.
pub fn no_common(theirs: &Value) -> Fault {
    let theirs = one_line(&theirs.to_string());
    let message = format!(
        "the server speaks version {theirs} of the protocol, and this adapter {MODERN} and {}",
        LEGACY.join(", ")
    );
    Fault::new(ErrorClass::Environment, message)
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

//! Which era the server speaks, which version of it, and what is tried next where it refuses.

use baton_sdk::agent::jsonrpc::{ErrorObject, Message};
use baton_sdk::agent::{Fault, one_line};
use serde_json::{Value, json};

use super::fault::odd;
use super::{Do, Machine, Stage};
use crate::version::{self, Era, LEGACY, MODERN};

impl Machine {
    /// The server does not speak the version that it was offered: goes on with one that it names, or else with the next
    /// older one.
    pub(super) fn refused_version(&mut self, error: &ErrorObject) -> Vec<Do> {
        let named = version::named(error);
        let speaks_modern = named.as_ref().is_some_and(|named| named.contains(&MODERN));
        let next = match self.stage {
            // Those of the modern era that it names were offered to it.
            Stage::Discover if speaks_modern || self.fell_back => None,
            Stage::Discover => self.offers.first(named.as_deref()),
            Stage::Initialize if speaks_modern && !self.fell_back => return self.fall_back(),
            Stage::Initialize | Stage::List | Stage::Call | Stage::Between | Stage::Over => {
                self.offers.next(named.as_deref())
            }
        };
        if next.is_none() {
            let supported = error.data.get("supported").cloned();
            let theirs = supported.unwrap_or_else(|| Value::from(error.message.as_str()));
            return self.end(Err(version::no_common(&theirs)));
        }
        self.fell_back = true;
        self.greet(Era::Legacy)
    }

    /// Servers that ask in the middle of a call can do so in the legacy era only, and some say so when it is too late.
    pub(super) fn wants_the_other_era(&self, error: &ErrorObject) -> bool {
        self.era == Era::Modern && !self.fell_back && version::needs_a_session(error)
    }

    pub(super) fn call_in_the_legacy_era(&mut self) -> Vec<Do> {
        self.round = None;
        let mut todo = if self.over_http { Vec::new() } else { vec![Do::Restart] };
        todo.extend(self.fall_back());
        todo
    }

    /// The server has forgotten the session, and so did not do what it was asked for.
    pub fn session_lost(&mut self, fault: Fault) -> Vec<Do> {
        if self.began_anew {
            return self.end(Err(fault));
        }
        self.began_anew = true;
        self.greet(Era::Legacy)
    }

    pub(super) fn greet(&mut self, era: Era) -> Vec<Do> {
        self.era = era;
        self.pages = 0;
        self.names.clear();
        match era {
            Era::Modern => {
                MODERN.clone_into(&mut self.version);
                self.call(Stage::Discover, "server/discover", json!({}))
            }
            Era::Legacy => {
                self.version.clear();
                let params = json!({
                    "protocolVersion": self.offers.current(),
                    "capabilities": version::capabilities(era),
                    "clientInfo": version::client_info(),
                });
                self.call(Stage::Initialize, "initialize", params)
            }
        }
    }

    pub(super) fn fall_back(&mut self) -> Vec<Do> {
        self.fell_back = true;
        self.greet(self.era.other())
    }

    pub(super) fn other_era(&mut self, fault: Fault) -> Vec<Do> {
        if !self.fell_back && !self.began_anew {
            return self.fall_back();
        }
        // It was slow to start, not of the legacy era.
        if let (Stage::Initialize, Some(late)) = (self.stage, self.late.take()) {
            self.era = Era::Modern;
            MODERN.clone_into(&mut self.version);
            return self.discovered(&late);
        }
        self.end(Err(fault))
    }

    pub(super) fn discovered(&mut self, result: &Value) -> Vec<Do> {
        let Some(supported) = result.get("supportedVersions").filter(|list| !list.is_null()) else {
            return self.other_era(odd("a greeting without `supportedVersions`", result));
        };
        match version::common(supported) {
            Some(Era::Modern) => {
                self.server = server(result.pointer("/_meta/io.modelcontextprotocol~1serverInfo"));
                self.list(None)
            }
            Some(Era::Legacy) if !self.fell_back => {
                self.offers.first(Some(&version::listed(supported)));
                self.fall_back()
            }
            Some(Era::Legacy) | None => self.end(Err(version::no_common(supported))),
        }
    }

    pub(super) fn initialized(&mut self, result: &Value) -> Vec<Do> {
        let chosen = result.get("protocolVersion").unwrap_or(&Value::Null);
        let Some(version) = LEGACY.into_iter().find(|version| chosen.as_str() == Some(version)) else {
            return self.end(Err(version::no_common(chosen)));
        };
        version.clone_into(&mut self.version);
        self.server = server(result.get("serverInfo"));
        let mut todo = vec![Do::Write(Message::notification("notifications/initialized", json!({})))];
        todo.extend(self.list(None));
        todo
    }
}

fn server(info: Option<&Value>) -> String {
    let text = |key: &str| info.and_then(|info| info.get(key)).and_then(Value::as_str).unwrap_or("");
    one_line(&format!("{} {}", text("name"), text("version")))
}

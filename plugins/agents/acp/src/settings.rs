//! What the operator configured.

use baton_sdk::agent::{Attr, Config, talk};
use baton_sdk::config::Unusable;

pub const KEYS: [&str; 5] = ["profile", "permissions", "mode", "model", "silence-s"];

#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub profile: String,
    pub permissions: Permissions,
    pub mode: Option<String>,
    pub model: Option<String>,
    pub silence_ms: u64,
}

/// What an agent is told that asks for leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Permissions {
    Allow,
    Deny,
    /// A person decides.
    Ask,
}

impl Settings {
    pub fn read(attrs: &[Attr]) -> Result<Self, Unusable> {
        let config = Config(attrs);
        config.only(&KEYS)?;
        Ok(Self {
            profile: config.required("profile")?.to_owned(),
            permissions: permissions(config)?,
            mode: config.get("mode").map(str::to_owned),
            model: config.get("model").map(str::to_owned),
            silence_ms: talk::silence_ms(config)?,
        })
    }
}

fn permissions(config: Config<'_>) -> Result<Permissions, Unusable> {
    match config.get("permissions") {
        None | Some("deny") => Ok(Permissions::Deny),
        Some("allow") => Ok(Permissions::Allow),
        Some("ask") => Ok(Permissions::Ask),
        Some(other) => {
            Err(Unusable::new("permissions", format!("is `{other}`, expected `allow`, `deny` or `ask`")))
        }
    }
}

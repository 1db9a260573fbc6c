//! What the operator configured.

use baton_sdk::agent::talk::IdleTimeout;
use baton_sdk::agent::{Attr, Config};
use baton_sdk::config::Unusable;

pub const KEYS: [&str; 7] =
    ["profile", "permissions", "questions", "mode", "model", "silence-s", "tool-timeout-s"];

#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub profile: String,
    pub permissions: Permissions,
    pub mode: Option<String>,
    pub model: Option<String>,
    /// Whether the agent's questions go to a person.
    pub questions: bool,
    pub idle_timeout: IdleTimeout,
}

/// The answer to permission requests.
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
            questions: questions(config)?,
            idle_timeout: IdleTimeout::read(config)?,
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

fn questions(config: Config<'_>) -> Result<bool, Unusable> {
    match config.get("questions") {
        None | Some("ask") => Ok(true),
        Some("off") => Ok(false),
        Some(other) => Err(Unusable::new("questions", format!("is `{other}`, expected `ask` or `off`"))),
    }
}

//! The start of a session: what the agent offers, and what of it is configured.

use baton_sdk::agent::{ErrorClass, Fault};
use serde_json::{Value, json};

use crate::settings::Settings;
use crate::usage::is_model;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    pub id: String,
    pub can_load: bool,
    pub is_loaded: bool,
    /// Its model, unless the name only stands for the agent's own choice.
    pub model: Option<String>,
    /// The names of the ways to log in.
    logins: Vec<String>,
}

/// A setting that the agent offers and the operator wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    Mode { id: String },
    Option { id: String, value: String },
}

/// Why no conversation is possible, if the agent chose another version.
pub fn version_fault(greeting: &Value) -> Option<Fault> {
    match greeting.get("protocolVersion") {
        Some(version) if version.as_u64() == Some(1) => None,
        Some(version) => Some(Fault::new(
            ErrorClass::Environment,
            format!("the agent speaks version {version} of the protocol, and this adapter only version 1"),
        )),
        None => Some(Fault::new(
            ErrorClass::Environment,
            "the agent did not say which version of the protocol it speaks",
        )),
    }
}

impl Session {
    pub fn greeted(&mut self, greeting: &Value) {
        self.can_load =
            greeting.pointer("/agentCapabilities/loadSession").and_then(Value::as_bool).unwrap_or(false);
        let methods = list(greeting, "authMethods");
        self.logins =
            methods.filter_map(|method| text(method, "name").or_else(|| text(method, "id"))).collect();
    }

    /// What is to be set before the prompt, last first.
    pub fn opened(&mut self, result: &Value, settings: &Settings) -> Result<Vec<Choice>, Fault> {
        if !self.is_loaded {
            let Some(id) = text(result, "sessionId") else {
                return Err(Fault::new(
                    ErrorClass::InvalidOutput,
                    "the agent began a session without a `sessionId`",
                ));
            };
            self.id = id;
        }
        self.model = current_model(result);
        let model = settings.model.as_deref().map(|model| option(result, "model", model));
        let mode = settings.mode.as_deref().map(|mode| {
            let modes = result.get("modes").unwrap_or(&Value::Null);
            let mut offered = list(modes, "availableModes").filter_map(|mode| text(mode, "id"));
            // Agents that still offer modes may offer them as an option as well.
            match option(result, "mode", mode) {
                Err(_) if offered.any(|id| id == mode) => Ok(Some(Choice::Mode { id: mode.to_owned() })),
                option => option,
            }
        });
        let choices = [model, mode].into_iter().flatten().collect::<Result<Vec<_>, Fault>>()?;
        Ok(choices.into_iter().flatten().collect())
    }

    /// The remedy is the operator's: this adapter does not log in.
    pub fn login(&self, said: &str, profile: &str) -> Fault {
        let how = match self.logins.as_slice() {
            [] => String::new(),
            logins => format!(" ({})", logins.join(", ")),
        };
        Fault::new(
            ErrorClass::Unauthorized,
            format!(
                "the agent wants a login{how}: {said}; log in once with the program of profile `{profile}`, as \
                 the user that Baton runs as, or give the profile the key that it needs"
            ),
        )
    }
}

impl Choice {
    pub fn request(&self, session: &str) -> (&'static str, Value) {
        match self {
            Self::Mode { id } => ("session/set_mode", json!({"sessionId": session, "modeId": id})),
            Self::Option { id, value } => {
                ("session/set_config_option", json!({"sessionId": session, "configId": id, "value": value}))
            }
        }
    }
}

/// The option of this category, or with this id; none if it has the value already.
fn option(result: &Value, category: &str, wanted: &str) -> Result<Option<Choice>, Fault> {
    let find = |key: &str| {
        list(result, "configOptions").find(|option| text(option, key).as_deref() == Some(category))
    };
    let Some(option) = find("category").or_else(|| find("id")) else {
        return Err(Fault::new(
            ErrorClass::Environment,
            format!("`{category}` is configured, and the agent offers no choice of it"),
        ));
    };
    if text(option, "currentValue").as_deref() == Some(wanted) {
        return Ok(None);
    }
    // Options may come in groups.
    let groups = list(option, "options").flat_map(|entry| {
        let inner: Vec<&Value> = list(entry, "options").collect();
        if inner.is_empty() { vec![entry] } else { inner }
    });
    let values: Vec<String> = groups.filter_map(|entry| text(entry, "value")).collect();
    if !values.iter().any(|value| value == wanted) {
        return Err(Fault::new(
            ErrorClass::Environment,
            format!("`{category}` is configured as `{wanted}`, and the agent offers: {}", values.join(", ")),
        ));
    }
    Ok(Some(Choice::Option { id: text(option, "id").unwrap_or_default(), value: wanted.to_owned() }))
}

/// qwen writes `model(kind of login)`, and what it was configured with as `$runtime|kind|model(kind)`.
fn bare(model: &str) -> &str {
    let model = model.rsplit('|').next().unwrap_or(model);
    model.split_once('(').map_or(model, |(name, _)| name)
}

/// Of the options of today, or the models of earlier versions.
fn current_model(result: &Value) -> Option<String> {
    let option =
        list(result, "configOptions").find(|option| text(option, "category").as_deref() == Some("model"));
    let chosen = option.and_then(|option| text(option, "currentValue"));
    let named = chosen.or_else(|| text(result.get("models")?, "currentModelId"));
    named.as_deref().map(bare).filter(|model| is_model(model)).map(str::to_owned)
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

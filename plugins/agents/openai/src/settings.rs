//! What the operator configured.

use std::str::FromStr;

use baton_sdk::agent::{Attr, Config};
use baton_sdk::config::Unusable;

const KEYS: [&str; 13] = [
    "service",
    "model",
    "api",
    "system",
    "temperature",
    "max-output-tokens",
    "legacy-max-tokens",
    "stream",
    "stream-usage",
    "good-ends",
    "reasoning-effort",
    "json",
    "probe",
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Api {
    Chat,
    Responses,
}

/// How an answer that satisfies a contract is requested, in addition to the prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Json {
    Schema,
    Object,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Probe {
    /// Nothing is sent.
    Check,
    /// The list of models is fetched.
    Models,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Settings<'a> {
    pub service: &'a str,
    pub model: &'a str,
    pub api: Api,
    pub system: Option<&'a str>,
    pub temperature: Option<f64>,
    pub max_output_tokens: Option<u64>,
    pub legacy_max_tokens: bool,
    pub stream: bool,
    pub stream_usage: bool,
    /// Words for a good end beside those that are known; `none` for a reply that ends without one.
    pub good_ends: Vec<&'a str>,
    pub reasoning_effort: Option<&'a str>,
    pub json: Json,
    pub probe: Probe,
}

impl<'a> Settings<'a> {
    pub fn read(config: &'a [Attr]) -> Result<Self, Unusable> {
        let config = Config(config);
        config.only(&KEYS)?;
        let temperature = config.parse("temperature", "a number")?;
        if temperature.is_some_and(|value: f64| !(0.0..=2.0).contains(&value)) {
            return Err(Unusable::new("temperature", "must be between 0 and 2"));
        }
        let max_output_tokens = config.parse("max-output-tokens", "a number")?;
        if max_output_tokens == Some(0) {
            return Err(Unusable::new("max-output-tokens", "must be at least 1"));
        }
        Ok(Self {
            service: config.required("service")?,
            model: config.required("model")?,
            api: config.parse("api", "`chat` or `responses`")?.unwrap_or(Api::Chat),
            system: config.get("system"),
            temperature,
            max_output_tokens,
            legacy_max_tokens: config.parse("legacy-max-tokens", "`true` or `false`")?.unwrap_or(false),
            stream: config.parse("stream", "`true` or `false`")?.unwrap_or(true),
            stream_usage: config.parse("stream-usage", "`true` or `false`")?.unwrap_or(true),
            good_ends: config
                .get("good-ends")
                .into_iter()
                .flat_map(|ends| ends.split(',').map(str::trim))
                .collect(),
            reasoning_effort: config.get("reasoning-effort"),
            json: config.parse("json", "`schema`, `object` or `off`")?.unwrap_or(Json::Schema),
            probe: config.parse("probe", "`check` or `models`")?.unwrap_or(if config.asks_thoroughly() {
                Probe::Models
            } else {
                Probe::Check
            }),
        })
    }
}

/// No value of this name.
#[derive(Debug)]
pub struct Unknown;

impl FromStr for Api {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        match text {
            "chat" => Ok(Self::Chat),
            "responses" => Ok(Self::Responses),
            _ => Err(Unknown),
        }
    }
}

impl FromStr for Json {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        match text {
            "schema" => Ok(Self::Schema),
            "object" => Ok(Self::Object),
            "off" => Ok(Self::Off),
            _ => Err(Unknown),
        }
    }
}

impl FromStr for Probe {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        match text {
            "check" => Ok(Self::Check),
            "models" => Ok(Self::Models),
            _ => Err(Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attrs(pairs: &[(&str, &str)]) -> Vec<Attr> {
        let required = [("service", "s"), ("model", "m")];
        required.iter().chain(pairs).map(|(name, value)| Attr::new(*name, *value)).collect()
    }

    fn refused(name: &str, value: &str) -> String {
        Settings::read(&attrs(&[(name, value)])).unwrap_err().to_string()
    }

    #[test]
    fn service_and_model_are_enough() {
        let attrs = attrs(&[]);
        let settings = Settings::read(&attrs).unwrap();
        assert_eq!((settings.service, settings.model), ("s", "m"));
        assert_eq!((settings.api, settings.json, settings.probe), (Api::Chat, Json::Schema, Probe::Check));
        assert!(settings.stream);
        assert!(Settings::read(&attrs[..1]).is_err());
    }

    #[test]
    fn what_can_not_be_used_is_named() {
        assert_eq!(
            refused("api", "rest"),
            "configuration key `api` is `rest`, expected `chat` or `responses`"
        );
        assert_eq!(refused("temperature", "NaN"), "configuration key `temperature` must be between 0 and 2");
        assert_eq!(
            refused("max-output-tokens", "0"),
            "configuration key `max-output-tokens` must be at least 1"
        );
        assert_eq!(refused("modle", "m"), "configuration key `modle` is unknown; the nearest is `model`");
    }
}

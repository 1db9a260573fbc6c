//! The configuration of the mock.

use baton_sdk::agent::{Attr, Config, ErrorClass, Fault};
use baton_sdk::config::Unusable;

const KEYS: [&str; 12] = [
    "latency-ms",
    "jitter-ms",
    "fail-rate",
    "fault",
    "fail-first",
    "retry-after-ms",
    "hang",
    "trap",
    "garbage",
    "output",
    "echo",
    "skill.",
];

#[derive(Debug, PartialEq)]
pub struct Behaviour {
    pub latency_ms: u64,
    pub jitter_ms: u64,
    pub fail_rate: f64,
    pub fault: ErrorClass,
    pub fail_first: u32,
    pub retry_after_ms: Option<u64>,
    pub hang: bool,
    pub trap: bool,
    pub garbage: bool,
    pub output: Option<String>,
    pub echo: bool,
    /// Probabilities of good work, by skill.
    pub skills: Vec<(String, f64)>,
}

impl Behaviour {
    pub fn read(attrs: &[Attr]) -> Result<Self, Unusable> {
        let config = Config(attrs);
        config.only(&KEYS)?;
        Ok(Self {
            latency_ms: milliseconds(config, "latency-ms")?.unwrap_or(0),
            jitter_ms: milliseconds(config, "jitter-ms")?.unwrap_or(0),
            fail_rate: probability(config, "fail-rate")?.unwrap_or(0.0),
            fault: fault(config)?,
            fail_first: config.parse("fail-first", "a number of attempts")?.unwrap_or(0),
            retry_after_ms: milliseconds(config, "retry-after-ms")?,
            hang: flag(config, "hang")?,
            trap: flag(config, "trap")?,
            garbage: flag(config, "garbage")?,
            output: config.get("output").map(str::to_owned),
            echo: flag(config, "echo")?,
            skills: skills(config)?,
        })
    }

    /// The chance of good work where all of `skills` are needed.
    pub fn quality(&self, skills: &[String]) -> f64 {
        self.skills
            .iter()
            .filter(|(skill, _)| skills.contains(skill))
            .map(|(_, probability)| probability)
            .product()
    }

    pub fn fault(&self, message: String) -> Fault {
        Fault { retry_after: self.retry_after_ms, ..Fault::new(self.fault.clone(), message) }
    }
}

fn milliseconds(config: Config<'_>, key: &str) -> Result<Option<u64>, Unusable> {
    config.parse(key, "a whole number of milliseconds")
}

fn flag(config: Config<'_>, key: &str) -> Result<bool, Unusable> {
    Ok(config.parse(key, "true or false")?.unwrap_or(false))
}

fn probability(config: Config<'_>, key: &str) -> Result<Option<f64>, Unusable> {
    let expected = "a probability from 0 to 1";
    match config.parse::<f64>(key, expected)? {
        Some(value) if !(0.0..=1.0).contains(&value) => {
            Err(Unusable::new(key, format!("is `{value}`, expected {expected}")))
        }
        value => Ok(value),
    }
}

fn fault(config: Config<'_>) -> Result<ErrorClass, Unusable> {
    let Some(name) = config.get("fault") else {
        return Ok(ErrorClass::Transient);
    };
    ErrorClass::named(name).ok_or_else(|| {
        Unusable::new(
            "fault",
            format!("is `{name}`, expected the name of an error class such as `transient`"),
        )
    })
}

fn skills(config: Config<'_>) -> Result<Vec<(String, f64)>, Unusable> {
    let mut skills = Vec::new();
    for attr in config.0 {
        if let Some(skill) = attr.name.strip_prefix("skill.")
            && let Some(probability) = probability(config, &attr.name)?
        {
            skills.push((skill.to_owned(), probability));
        }
    }
    skills.sort_by(|a, b| a.0.cmp(&b.0));
    skills.dedup_by(|a, b| a.0 == b.0);
    Ok(skills)
}

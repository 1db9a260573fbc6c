//! How long a program may say nothing.

use crate::agent::Config;
use crate::config::Unusable;

/// Agents think for minutes without a word.
const SILENCE_S: u64 = 300;

/// Builds and test suites take longer than thoughts.
const TOOL_TIMEOUT_S: u64 = 1800;

/// In milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// Between two signs of life.
    pub silence_ms: u64,
    /// The same while a tool that the agent called is at work: a build says nothing on its behalf.
    pub tool_ms: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silence_ms: SILENCE_S * 1000, tool_ms: TOOL_TIMEOUT_S * 1000 }
    }
}

impl Patience {
    /// The configuration keys `silence-s` and `tool-timeout-s`.
    pub fn read(config: Config<'_>) -> Result<Self, Unusable> {
        let silence_ms = milliseconds(config, "silence-s", SILENCE_S)?;
        // Who is patient without a tool is not less so with one.
        let tool_ms = milliseconds(config, "tool-timeout-s", TOOL_TIMEOUT_S)?.max(silence_ms);
        Ok(Self { silence_ms, tool_ms })
    }

    /// For the next line.
    pub fn now(self, has_open_tool: bool) -> u64 {
        if has_open_tool { self.tool_ms } else { self.silence_ms }
    }
}

fn milliseconds(config: Config<'_>, key: &str, otherwise: u64) -> Result<u64, Unusable> {
    match config.parse::<u64>(key, "a whole number of seconds")?.unwrap_or(otherwise) {
        0 => Err(Unusable::new(key, "is 0, expected at least 1")),
        seconds => Ok(seconds.saturating_mul(1000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Attr;

    fn read(pairs: &[(&str, &str)]) -> Result<Patience, Unusable> {
        let attrs: Vec<Attr> = pairs.iter().map(|(name, value)| Attr::new(*name, *value)).collect();
        Patience::read(Config(&attrs))
    }

    #[test]
    fn patience_is_configured_in_seconds() {
        assert_eq!(read(&[]), Ok(Patience { silence_ms: 300_000, tool_ms: 1_800_000 }));
        let both = [("silence-s", "7"), ("tool-timeout-s", "9")];
        assert_eq!(read(&both), Ok(Patience { silence_ms: 7000, tool_ms: 9000 }));
        assert_eq!(read(&[("silence-s", "3600")]).map(|patience| patience.tool_ms), Ok(3_600_000));
        for bad in [("silence-s", "0"), ("silence-s", "5s"), ("tool-timeout-s", "0")] {
            assert_eq!(read(&[bad]).unwrap_err().key, bad.0);
        }
    }
}

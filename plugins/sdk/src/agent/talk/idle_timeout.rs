//! The idle timeout of a program that is read line by line.

use crate::agent::Config;
use crate::config::Unusable;

/// Default between two lines, in seconds: agents think for minutes without output.
const IDLE_S: u64 = 300;

/// Default while a tool runs, in seconds: builds and test suites take longer.
const TOOL_TIMEOUT_S: u64 = 1800;

/// The idle timeouts, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IdleTimeout {
    /// Between two lines of output.
    pub idle_ms: u64,
    /// The same while a tool runs that the agent called: it writes nothing meanwhile.
    pub tool_ms: u64,
}

impl Default for IdleTimeout {
    fn default() -> Self {
        Self { idle_ms: IDLE_S * 1000, tool_ms: TOOL_TIMEOUT_S * 1000 }
    }
}

impl IdleTimeout {
    /// Reads the configuration keys `silence-s` and `tool-timeout-s`, in seconds.
    ///
    /// # Errors
    /// A value is not a whole number, or is 0.
    pub fn read(config: Config<'_>) -> Result<Self, Unusable> {
        let idle_ms = milliseconds(config, "silence-s", IDLE_S)?;
        // Never shorter with a tool than without one.
        let tool_ms = milliseconds(config, "tool-timeout-s", TOOL_TIMEOUT_S)?.max(idle_ms);
        Ok(Self { idle_ms, tool_ms })
    }

    /// The timeout for the next line.
    pub fn now(self, has_open_tool: bool) -> u64 {
        if has_open_tool { self.tool_ms } else { self.idle_ms }
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

    fn read(pairs: &[(&str, &str)]) -> Result<IdleTimeout, Unusable> {
        let attrs: Vec<Attr> = pairs.iter().map(|(name, value)| Attr::new(*name, *value)).collect();
        IdleTimeout::read(Config(&attrs))
    }

    #[test]
    fn patience_is_configured_in_seconds() {
        assert_eq!(read(&[]), Ok(IdleTimeout { idle_ms: 300_000, tool_ms: 1_800_000 }));
        let both = [("silence-s", "7"), ("tool-timeout-s", "9")];
        assert_eq!(read(&both), Ok(IdleTimeout { idle_ms: 7000, tool_ms: 9000 }));
        assert_eq!(read(&[("silence-s", "3600")]).map(|patience| patience.tool_ms), Ok(3_600_000));
        for bad in [("silence-s", "0"), ("silence-s", "5s"), ("tool-timeout-s", "0")] {
            assert_eq!(read(&[bad]).unwrap_err().key, bad.0);
        }
    }
}

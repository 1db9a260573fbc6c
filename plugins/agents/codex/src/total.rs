//! The usage of a thread since its beginning.

use std::fmt::{self, Display};
use std::str::FromStr;

use baton_sdk::words::{Attr, Usage};

/// Numbers of tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Total {
    pub input: u64,
    pub output: u64,
    /// The cached part of the input.
    pub cached: u64,
}

impl Total {
    /// The usage since `before`. If it is lower than before, it is that of another thread, and counts whole.
    pub fn since(&self, before: &Self) -> Self {
        let less = |now: u64, before: u64| now.checked_sub(before);
        let since = || {
            Some(Self {
                input: less(self.input, before.input)?,
                output: less(self.output, before.output)?,
                cached: less(self.cached, before.cached)?,
            })
        };
        since().unwrap_or_else(|| self.clone())
    }

    pub fn usage(&self) -> Usage {
        Usage {
            input_tokens: self.input,
            output_tokens: self.output,
            attrs: match self.cached {
                0 => Vec::new(),
                cached => vec![Attr::new("cached-input-tokens", cached.to_string())],
            },
            ..Usage::default()
        }
    }
}

impl Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.input, self.output, self.cached)
    }
}

/// Not what was written before.
#[derive(Debug, PartialEq)]
pub struct Unreadable;

impl FromStr for Total {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let numbers: Result<Vec<u64>, _> = text.split(' ').map(str::parse).collect();
        match numbers.as_deref() {
            Ok([input, output, cached]) => Ok(Self { input: *input, output: *output, cached: *cached }),
            Ok(_) | Err(_) => Err(Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_used_what_came_since_the_one_before() {
        let total = |input, output, cached| Total { input, output, cached };
        let before: Total = total(1200, 60, 200).to_string().parse().unwrap();
        assert_eq!(total(3650, 180, 600).since(&before), total(2450, 120, 400));
        assert_eq!(total(100, 10, 0).since(&before), total(100, 10, 0), "another thread");
        assert_eq!("".parse::<Total>(), Err(Unreadable));
    }
}

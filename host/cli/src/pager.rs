//! Long lists go through a pager where a person looks: `BATON_PAGER`, `PAGER`, else `less`. One that fits on the screen
//! is printed as it is.

use std::io::IsTerminal as _;
use std::process::{Child, Command, Stdio};

use super::screen;

/// A pager that is waited for when this is dropped.
pub(super) struct Pager(Child);

impl Pager {
    /// None where nobody looks, or there is no pager: then lines are printed.
    pub(super) fn start() -> Option<Self> {
        if !std::io::stdout().is_terminal() {
            return None;
        }
        let named = |name: &str| std::env::var(name).ok().filter(|program| !program.is_empty());
        let program = named("BATON_PAGER").or_else(|| named("PAGER")).unwrap_or_else(|| "less".to_owned());
        let mut words = program.split_whitespace();
        let mut command = Command::new(words.next()?);
        command.args(words).stdin(Stdio::piped());
        if std::env::var_os("LESS").is_none() {
            // Ends at once where all fits, shows colours, leaves the screen as it is.
            command.env("LESS", "FRX");
        }
        let mut child = command.spawn().ok()?;
        screen::through(child.stdin.take()?);
        Some(Self(child))
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        screen::close();
        let _ = self.0.wait();
    }
}

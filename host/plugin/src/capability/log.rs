//! `baton:host/log`: lines for the operator, counted and cut.

use baton_core::excerpt::excerpt;

use crate::bindings::shared::baton::host::log::{Host, Level};
use crate::sandbox::Sandbox;

const LINE: usize = 4096;

/// How much of its log one call has used.
pub struct Lines {
    plugin: String,
    left: u32,
    dropped: u64,
    /// What the guest said as it panicked.
    panic: Option<String>,
}

impl Lines {
    pub(crate) fn new(plugin: String, lines: u32) -> Self {
        Self { plugin, left: lines, dropped: 0, panic: None }
    }

    /// Message and place of the panic that ended the call, if it wrote them.
    pub(crate) fn panic(&self) -> Option<&str> {
        self.panic.as_deref()
    }
}

/// How a panic's line begins, in every language of the templates.
const PANICKED: &str = "panicked at ";

impl Drop for Lines {
    fn drop(&mut self) {
        if self.dropped > 0 {
            tracing::warn!(plugin = self.plugin, "{} more lines were dropped", self.dropped);
        }
    }
}

impl Host for Sandbox {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let lines = &mut self.log;
        if level == Level::Error && message.starts_with(PANICKED) {
            lines.panic = Some(cut(&message));
            return Ok(());
        }
        if lines.left == 0 {
            lines.dropped += 1;
            return Ok(());
        }
        lines.left -= 1;
        let plugin = lines.plugin.as_str();
        let text = cut(&message);
        match level {
            Level::Debug => tracing::debug!(plugin, "{text}"),
            Level::Info => tracing::info!(plugin, "{text}"),
            Level::Warn => tracing::warn!(plugin, "{text}"),
            Level::Error => tracing::error!(plugin, "{text}"),
        }
        Ok(())
    }
}

/// At most a line's length, without control characters.
fn cut(message: &str) -> String {
    excerpt(message, LINE).replace(char::is_control, " ")
}

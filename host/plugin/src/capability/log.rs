//! `baton:host/log`: lines for the operator, limited in number and length.

use baton_core::excerpt::excerpt;

use crate::bindings::shared::baton::host::log::{Host, Level};
use crate::sandbox::Sandbox;

/// The most bytes of a line.
const LINE: usize = 4096;

/// The log of one call.
pub struct CallLog {
    plugin: String,
    left: u32,
    dropped: u64,
    /// The message of the guest's panic.
    panic: Option<String>,
}

impl CallLog {
    pub(crate) fn new(plugin: String, lines: u32) -> Self {
        Self { plugin, left: lines, dropped: 0, panic: None }
    }

    /// Message and source location of the panic that ended the call, if the guest reported one.
    pub(crate) fn panic(&self) -> Option<&str> {
        self.panic.as_deref()
    }
}

/// The beginning of a panic's message, in every language that `plugin new` has a template for.
const PANICKED: &str = "panicked at ";

impl Drop for CallLog {
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

/// The message as one line of at most [`LINE`] bytes, without control characters.
fn cut(message: &str) -> String {
    excerpt(message, LINE).replace(char::is_control, " ")
}

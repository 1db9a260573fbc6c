//! Holds a component against the rules of its kind.

use std::time::Duration;

use baton_core::span::Span;
use baton_plugin::conformance::{self, RuleResult};
use baton_plugin::grant::Grant;
use baton_plugin::inspect::ComponentInfo;
use serde_json::Value;

use super::check::alone;
use crate::{App, AppError};

/// What the rules of its kind say of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conformance {
    /// One for each rule, in the order of the kit.
    pub rules: Vec<RuleResult>,
}

/// The limit of computing time of the kit's calls: that of fuel gives a verdict which does not depend on what else this
/// machine does.
const CPU: Duration = Duration::from_secs(60);

/// Calls a component as the rules of its kind want it. `input` is that of a task which it is made for; a validator takes it
/// for an output.
///
/// # Errors
/// It is no component of a known kind, or can't be loaded.
pub fn conformance(
    app: &App,
    name: &str,
    bytes: &[u8],
    input: Option<&Value>,
) -> Result<Conformance, AppError> {
    let component = ComponentInfo::read(name, bytes)?;
    let mut settings = app.config.plugin(name);
    settings.limits.cpu.get_or_insert(Span(CPU));
    let library = alone(name, bytes, settings, Grant::all())?;
    Ok(Conformance { rules: conformance::test(&library, name, component.kind, input)? })
}

impl Conformance {
    /// How many rules it breaks.
    #[must_use]
    pub fn broken(&self) -> usize {
        self.rules.iter().filter(|rule| !rule.passed).count()
    }
}

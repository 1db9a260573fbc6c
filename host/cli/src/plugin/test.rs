//! Holds a component against the rules of its kind.

use std::path::PathBuf;
use std::time::Duration;

use baton_plugin::conformance::{self, RuleResult};
use baton_plugin::grant::Grant;
use baton_plugin::inspect::ComponentInfo;

use baton_app::plugins::check::alone;

use super::super::{Done, Failure, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The component, or the project that it was built in
    plugin: PathBuf,
    /// A task's input that it is made for, as JSON or as @FILE; a validator takes it for an output
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
}

/// The limit of computing time of the kit's calls: that of fuel gives a verdict which does not depend on what else this
/// machine does.
const CPU: Duration = Duration::from_secs(60);

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (name, bytes) = super::component(&args.plugin)?;
    let input = args.input.as_deref().map(input).transpose()?;
    let findings = findings(global, &name, &bytes, input.as_ref())?;
    show(global, &findings);
    Ok(if findings.iter().all(|finding| finding.passed) { Done::Well } else { Done::Failed })
}

/// `@FILE` or JSON.
pub(super) fn input(text: &str) -> Result<serde_json::Value, Failure> {
    let text = match text.strip_prefix('@') {
        Some(file) => {
            std::fs::read_to_string(file).map_err(|why| Failure::Usage(format!("--input {file}: {why}")))?
        }
        None => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|why| Failure::Usage(format!("--input is not JSON: {why}")))
}

/// What the kit of its kind finds.
pub(super) fn findings(
    global: &Global,
    name: &str,
    bytes: &[u8],
    input: Option<&serde_json::Value>,
) -> Result<Vec<RuleResult>, Failure> {
    let component = ComponentInfo::read(name, bytes)?;
    let mut settings = global.here()?.0.plugin(name);
    settings.limits.cpu.get_or_insert(baton_core::span::Span(CPU));
    let library = alone(name, bytes, settings, Grant::all())?;
    Ok(conformance::test(&library, name, component.kind, input)?)
}

pub(super) fn show(global: &Global, findings: &[RuleResult]) {
    if global.json {
        screen::json(&findings);
    } else {
        for RuleResult { rule, passed, detail } in findings {
            screen::line(&format!(
                "{} {rule}{}{detail}",
                if *passed { "ok  " } else { "FAIL" },
                if detail.is_empty() { "" } else { ": " }
            ));
        }
    }
}

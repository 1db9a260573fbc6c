//! Holds a component against the rules of its kind.

use std::path::{Path, PathBuf};

use baton_app::plugins::conformance::{Conformance, conformance};
use baton_core::file::{MAX_PLAN, read_text};

use super::super::{Done, Failure, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The component, or the project that it was built in
    plugin: PathBuf,
    /// A task's input that it is made for, as JSON or as @FILE; a validator takes it for an output
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (name, bytes) = super::component(&args.plugin)?;
    let input = args.input.as_deref().map(input).transpose()?;
    let found = conformance(&global.app()?, &name, &bytes, input.as_ref())?;
    show(global, &found);
    Ok(if found.broken() == 0 { Done::Well } else { Done::Failed })
}

/// `@FILE` or JSON.
pub(super) fn input(text: &str) -> Result<serde_json::Value, Failure> {
    let text = match text.strip_prefix('@') {
        Some(file) => read_text(Path::new(file), MAX_PLAN)
            .map_err(|why| Failure::Usage(format!("--input {file}: {why}")))?,
        None => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|why| Failure::Usage(format!("--input is not JSON: {why}")))
}

pub(super) fn show(global: &Global, found: &Conformance) {
    if global.json {
        screen::json(&found.rules);
        return;
    }
    for rule in &found.rules {
        screen::line(&format!(
            "{} {}{}{}",
            if rule.passed { "ok  " } else { "FAIL" },
            rule.rule,
            if rule.detail.is_empty() { "" } else { ": " },
            rule.detail
        ));
    }
}

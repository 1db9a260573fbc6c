//! Holds a component against the rules of its kind.

use std::path::Path;

use super::super::{Done, Global, Outcome, screen};
use crate::plugin::conformance::{self, Finding};
use crate::plugin::grant::Grant;
use crate::plugin::inspect::Component;

pub(super) fn run(global: &Global, path: &Path) -> Outcome {
    let (name, bytes) = super::component(path)?;
    let component = Component::read(&name, &bytes)?;
    let settings = global.here()?.0.plugin(&name);
    let library = super::check::alone(&name, &bytes, settings, Grant::all())?;
    let findings = conformance::test(&library, &name, component.kind)?;
    if global.json {
        screen::json(&findings);
    } else {
        for Finding { rule, passed, detail } in &findings {
            screen::line(&format!(
                "{} {rule}{}{detail}",
                if *passed { "ok  " } else { "FAIL" },
                if detail.is_empty() { "" } else { ": " }
            ));
        }
    }
    Ok(if findings.iter().all(|finding| finding.passed) { Done::Well } else { Done::Failed })
}

//! Recorded decisions and lessons, made again.

use std::collections::HashMap;
use std::path::PathBuf;

use baton_core::id::RunId;
use baton_core::op::RouterChoice;
use baton_engine::replay::verify::{self, Difference};
use baton_plugin::library::Library;
use baton_plugin::router::Router;
use baton_store::Reader;
use baton_store::bundle::{self, Bundle, Component};
use baton_store::check::{self, Extent};
use baton_store::read::routing::{self, Excerpt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, AppError, target};

/// What is made again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationQuery {
    /// Only of this run, such as `r2`.
    pub run: Option<String>,
    /// An exported file, in place of the store.
    pub bundle: Option<PathBuf>,
}

/// What making them again found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verification {
    /// Decisions that were looked at.
    pub decisions: u64,
    /// Lessons that were looked at.
    pub lessons: u64,
    /// Made by components that are gone or were altered.
    pub unverified: u64,
    /// Why the first of these could not be made again.
    pub unusable: Option<String>,
    /// What came out differently first; nothing is looked at after it.
    pub first_difference: Option<String>,
    /// Rows that are not what was recorded or written into the bundle, or are gone.
    pub altered: Vec<String>,
}

/// Makes recorded decisions and lessons again.
///
/// # Errors
/// There is no such run; the bundle or the store can't be read; a component can't be loaded.
pub(crate) fn verify(app: &App, query: &VerificationQuery) -> Result<Verification, AppError> {
    match &query.bundle {
        Some(file) => of_bundle(app, bundle::open(file)?),
        None => of_store(app, query.run.as_deref()),
    }
}

fn of_bundle(app: &App, bundle: Bundle) -> Result<Verification, AppError> {
    let Bundle { reader, components, altered } = bundle;
    if !altered.is_empty() {
        return Ok(Verification { altered, ..Verification::default() });
    }
    // What is installed here has no part in it.
    let library = app.library_of(&[])?;
    made_again(&reader, None, &mut Routers { library: &library, brought: components, loaded: HashMap::new() })
}

fn of_store(app: &App, run: Option<&str>) -> Result<Verification, AppError> {
    let reader = &app.reader()?;
    let run = target::only_run(reader, run)?;
    let library = app.library()?;
    let mut routers = Routers { library: &library, brought: Vec::new(), loaded: HashMap::new() };
    let found = made_again(reader, run, &mut routers)?;
    Ok(Verification {
        altered: check::sealed(reader, Extent::Routing(run)).map_err(AppError::unreadable)?,
        ..found
    })
}

fn made_again(
    reader: &Reader,
    run: Option<RunId>,
    routers: &mut Routers<'_>,
) -> Result<Verification, AppError> {
    let span = Excerpt { run, ..Excerpt::default() };
    let mut found = Verification::default();
    for id in routing::decisions(reader, span).map_err(AppError::unreadable)? {
        let decided = routing::decision(reader, id).map_err(AppError::unreadable)?;
        let again = routers.get(&decided.router)?.map(|router| verify::decision(&router, &decided));
        found.decisions += 1;
        if found.ends_with(&format!("decision {id} of {}", decided.run), again) {
            return Ok(found);
        }
    }
    for id in routing::lessons(reader, span).map_err(AppError::unreadable)? {
        let taught = routing::lesson(reader, id).map_err(AppError::unreadable)?;
        let again = routers.get(&taught.router)?.map(|router| verify::lesson(&router, &taught));
        found.lessons += 1;
        if found.ends_with(&format!("lesson {id} of {}", taught.run), again) {
            return Ok(found);
        }
    }
    Ok(found)
}

impl Verification {
    /// Whether all that was looked at came out the same.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.first_difference.is_none() && self.altered.is_empty() && self.unverified == 0
    }

    /// Takes note of what came of one; true once nothing more is to be looked at.
    fn ends_with(&mut self, what: &str, again: Result<Result<(), Difference>, String>) -> bool {
        match again {
            Ok(Ok(())) => {}
            Ok(Err(difference)) => self.first_difference = Some(format!("{what}: {difference}")),
            Err(why) => {
                self.unverified += 1;
                self.unusable.get_or_insert(why);
            }
        }
        self.first_difference.is_some()
    }
}

/// Routers by digest, or why there is none.
struct Routers<'a> {
    library: &'a Library,
    /// Components of the bundle.
    brought: Vec<Component>,
    loaded: HashMap<String, Result<Router, String>>,
}

impl Routers<'_> {
    fn get(&mut self, choice: &RouterChoice) -> Result<Result<Router, String>, AppError> {
        if let Some(known) = self.loaded.get(&choice.digest) {
            return Ok(known.clone());
        }
        let brought = self.brought.iter().find(|component| component.digest == choice.digest);
        let wasm = match brought {
            Some(component) => Ok(component.wasm.clone()),
            None => self.library.component_of(&choice.name, &choice.digest).map_err(|why| why.to_string()),
        };
        let router = match wasm {
            Ok(wasm) => Ok(self.library.router_from(&choice.name, &wasm)?),
            Err(why) => Err(why),
        };
        self.loaded.insert(choice.digest.clone(), router.clone());
        Ok(router)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_ends_with_the_first_difference_and_not_with_what_could_not_be_made_again() {
        let mut found = Verification::default();
        assert!(!found.ends_with("decision 1 of r1", Ok(Ok(()))));
        assert!(found.is_same());
        assert!(!found.ends_with("decision 2 of r1", Err("gone".into())));
        assert!(!found.ends_with("decision 3 of r1", Err("altered".into())));
        assert_eq!((found.unverified, found.unusable.as_deref(), found.is_same()), (2, Some("gone"), false));
        assert!(found.ends_with("lesson 4 of r2", Ok(Err(Difference::Fuel { recorded: 1, again: 2 }))));
        let said = found.first_difference.unwrap_or_default();
        assert!(said.starts_with("lesson 4 of r2: "), "{said}");
    }
}

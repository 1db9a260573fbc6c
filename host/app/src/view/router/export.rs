//! Recorded decisions with all that they depend on, in one file.

use std::path::PathBuf;

use baton_store::bundle::{self, Component};
use baton_store::check::{self, Extent};
use baton_store::read::routing::{self, Excerpt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, AppError, target};

/// What is exported, and to where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportQuery {
    /// The file to write; it must not exist.
    pub file: PathBuf,
    /// Only of this run, such as `r2`.
    pub run: Option<String>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BundleExport {
    /// The file.
    pub file: PathBuf,
    /// How many routers are in it.
    pub routers: usize,
    /// Of the file; none if none was written.
    pub digest: Option<String>,
    /// Routers that are gone or were altered, and why: their decisions can't be verified elsewhere.
    pub missing: Vec<String>,
    /// Rows that are not what was recorded. Because of them nothing was written.
    pub altered: Vec<String>,
}

/// Writes recorded decisions with the states and components that they depend on, unless the store is not what was recorded.
///
/// # Errors
/// There is no such run; the file exists or can't be written; the store can't be read.
pub(crate) fn export(app: &App, query: &ExportQuery) -> Result<BundleExport, AppError> {
    let reader = &app.reader()?;
    let run = target::only_run(reader, query.run.as_deref())?;
    let altered = check::sealed(reader, Extent::Routing(run)).map_err(AppError::unreadable)?;
    let file = query.file.clone();
    if !altered.is_empty() {
        return Ok(BundleExport { file, routers: 0, digest: None, missing: Vec::new(), altered });
    }
    let library = app.library()?;
    let (mut components, mut missing) = (Vec::<Component>::new(), Vec::new());
    for router in
        routing::routers(reader, Excerpt { run, ..Excerpt::default() }).map_err(AppError::unreadable)?
    {
        match library.component_of(&router.name, &router.digest) {
            Ok(_) if components.iter().any(|known| known.digest == router.digest) => {}
            Ok(wasm) => components.push(Component { name: router.name, digest: router.digest, wasm }),
            Err(why) => missing.push(why.to_string()),
        }
    }
    let digest = bundle::write(reader, &query.file, run, &components)?;
    Ok(BundleExport { file, routers: components.len(), digest: Some(digest), missing, altered })
}

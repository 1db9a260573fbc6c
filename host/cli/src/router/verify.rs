//! `baton router verify`: recorded decisions, made again.

use std::collections::HashMap;
use std::path::PathBuf;

use baton_core::op::RouterChoice;
use baton_engine::replay::verify::{self, Difference};
use baton_plugin::library::Library;
use baton_plugin::router::Router;
use baton_store::Reader;
use baton_store::bundle::{self, Bundle, Component};
use baton_store::check::{self, Extent};
use baton_store::read::routing::{self, Excerpt};
use serde::Serialize;

use super::super::{Done, Failure, Global, Outcome, library, screen, target, unreadable};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of this run only
    #[arg(long, conflicts_with = "bundle")]
    run: Option<String>,
    /// What `baton router export` wrote, here or elsewhere
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

#[derive(Default, Serialize)]
struct Found {
    decisions: u64,
    lessons: u64,
    /// Made by components that are gone or were altered.
    unverified: u64,
    /// Why the first of these could not be made again.
    unusable: Option<String>,
    first_difference: Option<String>,
    /// Rows that are not what was recorded or written into the bundle, or are gone.
    altered: Vec<String>,
}

/// Routers by digest, or why there is none.
struct Routers<'a> {
    library: &'a Library,
    bundled: Vec<Component>,
    loaded: HashMap<String, Result<Router, String>>,
}

impl Routers<'_> {
    fn get(&mut self, choice: &RouterChoice) -> Result<Result<Router, String>, Failure> {
        if let Some(known) = self.loaded.get(&choice.digest) {
            return Ok(known.clone());
        }
        let brought = self.bundled.iter().find(|component| component.digest == choice.digest);
        let bytes = match brought {
            Some(component) => Ok(component.wasm.clone()),
            None => self.library.component_of(&choice.name, &choice.digest).map_err(|why| why.to_string()),
        };
        let router = match bytes {
            Ok(bytes) => Ok(self.library.router_from(&choice.name, &bytes)?),
            Err(why) => Err(why),
        };
        self.loaded.insert(choice.digest.clone(), router.clone());
        Ok(router)
    }
}

impl Found {
    /// Takes note of what came of one; true if there is nothing more to be looked for.
    fn takes(&mut self, what: &str, again: Result<Result<(), Difference>, String>) -> bool {
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

impl Found {
    fn ending(&self) -> Done {
        let well = self.first_difference.is_none() && self.unverified == 0 && self.altered.is_empty();
        if well { Done::Well } else { Done::Failed }
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (config, _) = global.here()?;
    let Bundle { reader: conn, components: bundled, altered } = match &args.bundle {
        Some(file) => bundle::open(file)?,
        None => Bundle { reader: global.reader()?, components: Vec::new(), altered: Vec::new() },
    };
    if !altered.is_empty() {
        return report(global, &Found { altered, ..Found::default() });
    }
    let library = library(&config, args.bundle.is_none().then_some(&conn))?;
    let run = args.run.as_deref().map(|run| target::run(&conn, Some(run))).transpose()?;
    let mut routers = Routers { library: &library, bundled, loaded: HashMap::new() };
    let mut found = look(&conn, Excerpt { run, ..Excerpt::default() }, &mut routers)?;
    if args.bundle.is_none() {
        found.altered = check::sealed(&conn, Extent::Routing(run)).map_err(unreadable)?;
    }
    report(global, &found)
}

fn look(conn: &Reader, span: Excerpt, routers: &mut Routers<'_>) -> Result<Found, Failure> {
    let mut found = Found::default();
    for id in routing::decisions(conn, span).map_err(unreadable)? {
        let decided = routing::decision(conn, id).map_err(unreadable)?;
        let again = routers.get(&decided.router)?.map(|router| verify::decision(&router, &decided));
        found.decisions += 1;
        if found.takes(&format!("decision {id} of {}", decided.run), again) {
            return Ok(found);
        }
    }
    for id in routing::lessons(conn, span).map_err(unreadable)? {
        let taught = routing::lesson(conn, id).map_err(unreadable)?;
        let again = routers.get(&taught.router)?.map(|router| verify::lesson(&router, &taught));
        found.lessons += 1;
        if found.takes(&format!("lesson {id} of {}", taught.run), again) {
            return Ok(found);
        }
    }
    Ok(found)
}

fn report(global: &Global, found: &Found) -> Outcome {
    if global.json {
        screen::json(found);
        return Ok(found.ending());
    }
    if let Some(difference) = &found.first_difference {
        screen::line(difference);
    } else if found.altered.is_empty() {
        let made = found.decisions + found.lessons - found.unverified;
        screen::line(&format!(
            "{} decisions and {} lessons: {made} came out byte for byte the same",
            found.decisions, found.lessons
        ));
        if found.unverified > 0 {
            let why = found.unusable.as_deref().unwrap_or_default();
            screen::line(&format!("{} could not be made again: {why}", found.unverified));
        }
    }
    found.altered.iter().for_each(|row| screen::line(row));
    Ok(found.ending())
}

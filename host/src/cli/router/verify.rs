//! `baton router verify`: recorded decisions, made again.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::Serialize;

use super::super::{Done, Failure, Global, Outcome, library, screen, target, unreadable};
use crate::op::RouterChoice;
use crate::plugin::library::Library;
use crate::plugin::router::Router;
use crate::replay::verify::{self, Difference};
use crate::store::Reader;
use crate::store::bundle::{self, Component};
use crate::store::read::routing::{self, Excerpt};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
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
    /// Made by components that are gone.
    unverified: u64,
    first_difference: Option<String>,
}

/// Routers by digest; none for one whose component is gone.
struct Routers<'a> {
    library: &'a Library,
    bundled: Vec<Component>,
    loaded: HashMap<String, Option<Router>>,
}

impl Routers<'_> {
    fn get(&mut self, choice: &RouterChoice) -> Result<Option<Router>, Failure> {
        if let Some(known) = self.loaded.get(&choice.digest) {
            return Ok(known.clone());
        }
        let brought = self.bundled.iter().find(|component| component.digest == choice.digest);
        let bytes = match brought {
            Some(component) => Some(component.wasm.clone()),
            None => self.library.component_of(&choice.name, &choice.digest).ok(),
        };
        let router = bytes.map(|bytes| self.library.router_from(&choice.name, &bytes)).transpose()?;
        self.loaded.insert(choice.digest.clone(), router.clone());
        Ok(router)
    }
}

impl Found {
    /// Takes note of what came of one; true if there is nothing more to be looked for.
    fn takes(&mut self, what: &str, again: Option<Result<(), Difference>>) -> bool {
        match again {
            Some(Ok(())) => {}
            Some(Err(difference)) => self.first_difference = Some(format!("{what}: {difference}")),
            None => self.unverified += 1,
        }
        self.first_difference.is_some()
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (config, _) = global.here()?;
    let (conn, bundled) = match &args.bundle {
        Some(file) => bundle::open(file)?,
        None => (global.reader()?, Vec::new()),
    };
    let library = library(&config, args.bundle.is_none().then_some(&conn))?;
    let run = args.run.as_deref().map(|run| target::run(&conn, Some(run))).transpose()?;
    let mut routers = Routers { library: &library, bundled, loaded: HashMap::new() };
    let found = look(&conn, Excerpt { run, ..Excerpt::default() }, &mut routers)?;
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
    } else if let Some(difference) = &found.first_difference {
        screen::line(difference);
    } else {
        let made = found.decisions + found.lessons - found.unverified;
        screen::line(&format!(
            "{} decisions and {} lessons: {made} came out byte for byte the same",
            found.decisions, found.lessons
        ));
        if found.unverified > 0 {
            screen::line(&format!("{} could not be made again: their components are gone", found.unverified));
        }
    }
    let well = found.first_difference.is_none() && found.unverified == 0;
    Ok(if well { Done::Well } else { Done::Failed })
}

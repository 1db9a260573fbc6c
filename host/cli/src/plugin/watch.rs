//! `baton plugin watch`: builds, tests and installs a project whenever it is saved.

use std::path::PathBuf;
use std::time::Duration;

use baton_app::package;
use baton_app::plugins::component::{Files, files};
use baton_app::plugins::conformance::conformance;

use super::super::{Done, Failure, Global, Outcome, screen};
use super::add;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The project's folder
    project: PathBuf,
    /// A task's input that it is made for, for the kit: JSON or @FILE
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// Let it use this, such as process:PROFILE
    #[arg(long)]
    grant: Vec<String>,
    /// Build and test, and install nothing
    #[arg(long)]
    no_add: bool,
}

/// How often the files are looked at. A file is taken when it has not changed between two looks.
const LOOK: Duration = Duration::from_millis(300);

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let input = args.input.as_deref().map(super::test::input).transpose()?;
    let mut built = Files::new();
    let mut before = files(&args.project)?;
    loop {
        let now = files(&args.project)?;
        if now == before && now != built {
            // What is saved while it builds is the next change.
            built = now;
            turn(global, args, input.as_ref());
            screen::note("waiting for a change; Ctrl-C ends");
        } else {
            before = now;
        }
        if screen::is_closed() {
            return Ok(Done::Well);
        }
        std::thread::sleep(LOOK);
    }
}

/// Reports whatever goes wrong, and waits for the next change.
fn turn(global: &Global, args: &Args, input: Option<&serde_json::Value>) {
    if let Err(why) = attempt(global, args, input) {
        screen::error(why.text());
    }
}

fn attempt(global: &Global, args: &Args, input: Option<&serde_json::Value>) -> Result<(), Failure> {
    let component = package::build(&args.project)?;
    let (name, bytes) = super::component(&component)?;
    let found = conformance(&global.app()?, &name, &bytes, input)?;
    let failed = found.broken();
    if failed > 0 {
        super::test::show(global, &found);
        return Err(Failure::Refused(format!(
            "{name} breaks {failed} rules of its kind: it is not installed"
        )));
    }
    screen::line(&format!("{name} is built, and keeps all {} rules of its kind", found.rules.len()));
    if args.no_add {
        return Ok(());
    }
    add::install(global, &name, &bytes, &args.grant).map(|_| ())
}

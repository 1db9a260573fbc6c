//! The command line: one variant, one file. What a verb prints is for people, or JSON with `--json`; logs go to
//! standard error.

mod agents;
mod answer;
mod audit;
mod bench;
mod cancel;
mod child;
mod cost;
#[cfg(test)]
mod coverage;
mod db;
mod dead;
mod doctor;
mod drain;
mod events;
mod feedback;
mod host;
mod init;
mod insights;
mod manual;
mod merge;
mod notes;
mod pager;
mod pause;
mod plan;
mod plugin;
mod questions;
mod report;
mod resume;
mod retry;
mod router;
mod run;
mod screen;
mod show;
mod sim;
mod skills;
mod status;
mod target;
mod template;
mod why;
mod worktrees;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use baton_app::config::{Config, ConfigError};
use baton_app::operation::Operation;
use baton_app::{App, AppError};
use baton_core::plan::error::PlanErrors;
use clap::{Parser, Subcommand};
use serde::Serialize;

/// With the commit that it was built from, where it was built from one.
const VERSION: &str = env!("BATON_VERSION");

/// Runs a plan of work with dependencies on a team of AI agents, survives being killed, and lets you replace the strategy
/// that decides who does what.
#[derive(Debug, Parser)]
#[command(name = "baton", version = VERSION, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Debug, clap::Args)]
struct Global {
    /// The configuration [default: the nearest baton.toml in or above the plan's or the current folder]
    #[arg(long, global = true, env = "BATON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of the durable state [default: .baton beside baton.toml]
    #[arg(long, global = true, env = "BATON_STORE", value_name = "DIR")]
    store: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    /// Print results only
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Print long lists as they are, without a pager
    #[arg(long, global = true)]
    no_pager: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a plan; the same command again continues where it left off
    Run(run::Args),
    /// Look at plans: check, graph, simulate, schema, amend
    #[command(subcommand)]
    Plan(plan::Verb),
    /// The state of runs and tasks
    Status(status::Args),
    /// Why a task is not running
    Why(why::Args),
    /// All that is known of a task
    Show(show::Args),
    /// What happened
    Events(events::Args),
    /// The results of a run
    Report(report::Args),
    /// What was spent
    Cost(cost::Args),
    /// What agents ask of people
    Questions(questions::Args),
    /// Answer a question
    Answer(answer::Args),
    /// Rate the outcome of a task
    Feedback(feedback::Args),
    /// The working trees of tasks
    Worktrees(worktrees::Args),
    /// Merge accepted work into the branch that is checked out
    Merge(merge::Args),
    /// Start nothing more of a run or a task
    Pause(pause::Args),
    /// Resume paused runs or tasks
    Resume(resume::Args),
    /// Cancel a run or a task
    Cancel(cancel::Args),
    /// Run failed or cancelled tasks again
    Retry(retry::Args),
    /// Dead letters: tasks that failed for good
    #[command(subcommand)]
    Dead(dead::Verb),
    /// The agents: list, add, show, drain, resume, remove, test
    #[command(subcommand)]
    Agents(agents::Verb),
    /// The routing strategy: use another one, explain a decision
    #[command(subcommand)]
    Router(router::Verb),
    /// Who can do what, by what was accepted
    Skills(skills::Args),
    /// What the record teaches: bottlenecks, patterns, anomalies, pairs, drift, gaps, teams
    Insights(insights::Args),
    /// Notes for later tasks, made from refused outcomes
    #[command(subcommand)]
    Notes(notes::Verb),
    /// Plans with parameters, made of what was done before
    #[command(subcommand)]
    Template(template::Verb),
    /// Plugins: new, build, check, test, add, list, inspect, limits, remove
    #[command(subcommand)]
    Plugin(plugin::Verb),
    /// Whether the record was tampered with
    #[command(subcommand)]
    Audit(audit::Verb),
    /// Look after the store: check, backup, restore
    #[command(subcommand)]
    Db(db::Verb),
    /// Host the store until told to stop, for runs that others submit
    Host(host::Args),
    /// End the host once its running attempts have ended
    Drain(drain::Args),
    /// Write a baton.toml and a plan to start from
    Init(init::Args),
    /// Look at configuration, programs, services, git, permissions, disk and clock, and name remedies
    Doctor(doctor::Args),
    /// Print completions for a shell
    Completions(manual::Completions),
    /// Print the man page, or write one for each verb
    Man(manual::Man),
    /// Try routers in simulated worlds
    #[command(subcommand)]
    Sim(sim::Verb),
    /// Measure this machine
    #[command(subcommand)]
    Bench(bench::Verb),
    #[command(flatten)]
    Child(child::Verb),
}

/// How a verb ended: the exit codes are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Well,
    /// Something failed or was refused.
    Failed,
    /// A person must decide before it goes on.
    Paused,
    /// The budget leaves nothing to go on with.
    Spent,
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        match done {
            Done::Well => Self::from(0),
            Done::Failed => Self::from(1),
            Done::Paused => Self::from(4),
            Done::Spent => Self::from(5),
        }
    }
}

/// Why a verb could not do what it was asked, by what the caller should do.
#[derive(Debug)]
enum Failure {
    /// Mend the command, the plan or the configuration.
    Usage(String),
    /// It was refused as things stand.
    Refused(String),
    /// Try again: the machine or the store prevented it.
    Infrastructure(String),
}

type Outcome = Result<Done, Failure>;

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Infrastructure(_) => 3,
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Refused(text) | Self::Usage(text) | Self::Infrastructure(text) => text,
        }
    }
}

impl From<AppError> for Failure {
    fn from(why: AppError) -> Self {
        let text = why.to_string();
        match why {
            AppError::Invalid { .. } | AppError::NotFound { .. } | AppError::Conflict { .. } => {
                Self::Usage(text)
            }
            AppError::Refused { .. } => Self::Refused(text),
            AppError::Busy { .. } | AppError::Corrupt { .. } | AppError::Unavailable { .. } => {
                Self::Infrastructure(text)
            }
        }
    }
}

impl From<PlanErrors> for Failure {
    fn from(flaws: PlanErrors) -> Self {
        Self::Usage(flaws.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(why: ConfigError) -> Self {
        Self::Usage(why.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(why: std::io::Error) -> Self {
        Self::Infrastructure(why.to_string())
    }
}

/// Asks for an operation that changes something, and prints what it changed: as JSON, or by `said` unless it is to be
/// quiet.
fn done<I, O: Serialize>(
    global: &Global,
    operation: &Operation<I, O>,
    input: &I,
    said: impl FnOnce(&O),
) -> Outcome {
    let output = global.app()?.call(operation, input)?;
    if global.json {
        screen::json(&output);
    } else if !global.quiet {
        said(&output);
    }
    Ok(Done::Well)
}

/// Asks for an operation, and shows what it found: as JSON, or by `show`.
fn shown<I, O: Serialize>(
    global: &Global,
    operation: &Operation<I, O>,
    input: &I,
    show: impl FnOnce(&O),
) -> Result<O, Failure> {
    let output = global.app()?.call(operation, input)?;
    if global.json {
        screen::json(&output);
    } else {
        show(&output);
    }
    Ok(output)
}

/// Runs the command line of this process.
#[must_use]
fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // It repeats what was typed.
        Err(wrong) if wrong.use_stderr() => {
            screen::usage(wrong.render().to_string().trim_end());
            return ExitCode::from(2);
        }
        Err(help) => {
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
    };
    if !matches!(&cli.verb, Verb::Bench(bench) if bench.meters()) {
        log();
    }
    let pager = if cli.pages() { pager::Pager::start() } else { None };
    let ended = dispatch(cli);
    drop(pager);
    match ended {
        Ok(done) => done.into(),
        Err(failure) => {
            screen::error(failure.text());
            ExitCode::from(failure.code())
        }
    }
}

impl Cli {
    /// Whether what it prints may be longer than a screen, and nobody waits for it line by line.
    fn pages(&self) -> bool {
        let is_list = match &self.verb {
            Verb::Status(_)
            | Verb::Show(_)
            | Verb::Report(_)
            | Verb::Cost(_)
            | Verb::Insights(_)
            | Verb::Skills(_) => true,
            Verb::Events(args) => !args.follows(),
            Verb::Plan(verb) => verb.is_long(),
            Verb::Dead(_)
            | Verb::Agents(_)
            | Verb::Router(_)
            | Verb::Plugin(_)
            | Verb::Notes(_)
            | Verb::Run(_)
            | Verb::Why(_)
            | Verb::Questions(_)
            | Verb::Answer(_)
            | Verb::Feedback(_)
            | Verb::Worktrees(_)
            | Verb::Merge(_)
            | Verb::Pause(_)
            | Verb::Resume(_)
            | Verb::Cancel(_)
            | Verb::Retry(_)
            | Verb::Template(_)
            | Verb::Audit(_)
            | Verb::Db(_)
            | Verb::Host(_)
            | Verb::Drain(_)
            | Verb::Init(_)
            | Verb::Doctor(_)
            | Verb::Completions(_)
            | Verb::Man(_)
            | Verb::Sim(_)
            | Verb::Bench(_)
            | Verb::Child(_) => false,
        };
        is_list && !self.global.no_pager && !self.global.json
    }
}

fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("BATON_LOG")
        .unwrap_or_else(|_| "baton=warn,baton::notice=info".into());
    // Its colours would be escape sequences, which the screen does not let through.
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| screen::Log).init();
}

fn dispatch(cli: Cli) -> Outcome {
    let global = &cli.global;
    match cli.verb {
        Verb::Run(args) => run::run(global, &args),
        Verb::Plan(verb) => plan::run(global, verb),
        Verb::Status(args) => status::run(global, &args),
        Verb::Why(args) => why::run(global, &args),
        Verb::Show(args) => show::run(global, &args),
        Verb::Events(args) => events::run(global, &args),
        Verb::Report(args) => report::run(global, &args),
        Verb::Cost(args) => cost::run(global, &args),
        Verb::Questions(args) => questions::run(global, &args),
        Verb::Answer(args) => answer::run(global, &args),
        Verb::Feedback(args) => feedback::run(global, &args),
        Verb::Worktrees(args) => worktrees::run(global, &args),
        Verb::Merge(args) => merge::run(global, &args),
        Verb::Pause(args) => pause::run(global, &args),
        Verb::Resume(args) => resume::run(global, &args),
        Verb::Cancel(args) => cancel::run(global, &args),
        Verb::Retry(args) => retry::run(global, &args),
        Verb::Dead(verb) => dead::run(global, verb),
        Verb::Agents(verb) => agents::run(global, verb),
        Verb::Router(verb) => router::run(global, verb),
        Verb::Plugin(verb) => plugin::run(global, verb),
        Verb::Audit(verb) => audit::run(global, verb),
        Verb::Db(verb) => db::run(global, verb),
        Verb::Host(args) => host::run(global, &args),
        Verb::Drain(args) => drain::run(global, &args),
        Verb::Init(args) => init::run(global, &args),
        Verb::Doctor(args) => doctor::run(global, &args),
        Verb::Completions(args) => manual::completions(&args),
        Verb::Man(args) => manual::man(global, &args),
        Verb::Skills(args) => skills::run(global, &args),
        Verb::Insights(args) => insights::run(global, &args),
        Verb::Notes(verb) => notes::run(global, &verb),
        Verb::Template(verb) => template::run(global, &verb),
        Verb::Sim(verb) => sim::run(global, &verb),
        Verb::Bench(verb) => bench::run(global, verb),
        Verb::Child(verb) => child::run(verb),
    }
}

impl Global {
    fn config(&self, near: &Path) -> Result<Config, Failure> {
        let mut config = Config::find(self.config.as_deref(), near)?;
        if let Some(store) = &self.store {
            config.store.clone_from(store);
            if let Some(workspace) = &mut config.workspace {
                workspace.store.clone_from(store);
            }
        }
        Ok(config)
    }

    /// What operations work with, for the current folder.
    fn app(&self) -> Result<App, Failure> {
        Ok(App::new(self.config(Path::new("."))?))
    }
}

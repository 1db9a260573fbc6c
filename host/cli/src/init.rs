//! `baton init`: a configuration and a plan to start from, for agents that only pretend or for a program that works.

use std::fs;
use std::path::{Path, PathBuf};

use baton_app::config::NAME;

use super::{Done, Failure, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Who does the work [default: two agents that only pretend, in a commented configuration]
    #[arg(long, value_enum)]
    agent: Option<Agent>,
}

/// Programs and services with a configuration that works as their page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Agent {
    Claude,
    Codex,
    Gemini,
    Opencode,
    Copilot,
    Aider,
    Openai,
}

/// What is written.
struct Start {
    config: &'static str,
    plan: &'static str,
    /// The page that says more.
    page: &'static str,
}

const CODE: &str = include_str!("init/code.plan.json");
const WRITE: &str = include_str!("init/write.plan.json");

impl Start {
    fn of(agent: Option<Agent>) -> Self {
        let code = |config, page| Self { config, plan: CODE, page };
        match agent {
            None => Self {
                config: include_str!("init/mock.toml"),
                plan: include_str!("init/mock.plan.json"),
                page: "docs/operators.md",
            },
            Some(Agent::Claude) => code(include_str!("init/claude.toml"), "docs/adapters/claude.md"),
            Some(Agent::Codex) => code(include_str!("init/codex.toml"), "docs/adapters/codex.md"),
            Some(Agent::Gemini) => code(include_str!("init/gemini.toml"), "docs/adapters/acp.md"),
            Some(Agent::Opencode) => code(include_str!("init/opencode.toml"), "docs/adapters/acp.md"),
            Some(Agent::Copilot) => code(include_str!("init/copilot.toml"), "docs/adapters/acp.md"),
            Some(Agent::Aider) => code(include_str!("init/aider.toml"), "docs/adapters/aider.md"),
            Some(Agent::Openai) => Self {
                config: include_str!("init/openai.toml"),
                plan: WRITE,
                page: "docs/adapters/openai.md",
            },
        }
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    fs::create_dir_all(&args.folder)?;
    let start = Start::of(args.agent);
    let files = [(args.folder.join(NAME), start.config), (args.folder.join("plan.json"), start.plan)];
    if let Some((file, _)) = files.iter().find(|(file, _)| file.exists()) {
        return Err(Failure::Usage(format!("{} exists already", file.display())));
    }
    for (file, content) in &files {
        fs::write(file, content).map_err(|why| unwritable(file, &why))?;
        if !global.quiet {
            screen::line(&format!("wrote {}", file.display()));
        }
    }
    if !global.quiet {
        next(args, &start);
    }
    Ok(Done::Well)
}

fn unwritable(file: &Path, why: &std::io::Error) -> Failure {
    Failure::Infrastructure(format!("{} can't be written: {why}", file.display()))
}

fn next(args: &Args, start: &Start) {
    let here = args.folder == Path::new(".");
    let plan = if here { PathBuf::from("plan.json") } else { args.folder.join("plan.json") };
    let needs_git = start.config.contains("[workspace]\n") || start.config.contains("[workspace] ");
    let is_commented = args.agent.is_none();
    if needs_git && !is_commented && !args.folder.join(".git").exists() {
        screen::line(
            "its work lands on a branch: run `git init` and make a first commit, if this is not in a repository",
        );
    }
    if !is_commented {
        let store = if here { String::new() } else { format!(" in {}", args.folder.display()) };
        screen::line(&format!(
            "next: baton doctor{store} (what is missing on this machine; {} says more)",
            start.page
        ));
    }
    screen::line(&format!("next: baton run {}", plan.display()));
}

#[cfg(test)]
mod tests {
    use baton_app::bundled;
    use baton_app::config::Config;
    use baton_core::kind::Kind;
    use baton_core::plan::check::Available;
    use baton_core::plan::load;
    use clap::ValueEnum as _;

    use super::*;

    /// Everything that is written can be read, and whoever it configures can do the plan beside it.
    #[test]
    fn each_start_is_complete() {
        let agents = Agent::value_variants().iter().copied().map(Some);
        for agent in agents.chain([None]) {
            let folder = tempfile::tempdir().unwrap();
            let start = Start::of(agent);
            let (config, plan) = (folder.path().join(NAME), folder.path().join("plan.json"));
            fs::write(&config, start.config).unwrap();
            fs::write(&plan, start.plan).unwrap();
            let config = Config::read(&config).unwrap_or_else(|why| panic!("{agent:?}: {why}"));
            let known =
                |kind: Kind| bundled::plugins().of(kind).map(|plugin| plugin.name.to_owned()).collect();
            let available = Available {
                executors: known(Kind::Executor),
                validators: known(Kind::Validator),
                agents: config.agents,
            };
            load::load_for(&plan, &available).unwrap_or_else(|why| panic!("{agent:?}: {why}"));
        }
    }

    /// The page of a program shows what `init` writes for it.
    #[test]
    fn each_page_shows_the_configuration() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        for agent in Agent::value_variants() {
            let start = Start::of(Some(*agent));
            let page = fs::read_to_string(root.join(start.page)).unwrap();
            assert!(page.contains(&format!("```toml\n{}```", start.config)), "{agent:?}: {}", start.page);
        }
    }
}

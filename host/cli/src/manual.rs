//! `baton completions` and `baton man`: what shells and `man` want to know of the command line.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, Done, Failure, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    shell: Shell,
}

#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// Write baton.1 and a page for each verb into this folder instead of printing the first
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
}

pub(super) fn completions(args: &Completions) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "baton", &mut script);
    screen::block(String::from_utf8_lossy(&script).trim_end());
    Ok(Done::Well)
}

pub(super) fn man(global: &Global, args: &Man) -> Outcome {
    match &args.write {
        None => {
            let page = page(Cli::command())?;
            screen::block(String::from_utf8_lossy(&page).trim_end());
        }
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            let written = write(folder, Cli::command().bin_name("baton"), "baton")?;
            if !global.quiet {
                screen::line(&format!("wrote {written} pages into {}", folder.display()));
            }
        }
    }
    Ok(Done::Well)
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(page)
}

/// The page of a command and those of its verbs: `baton-plan-check.1`. How many they are.
fn write(folder: &Path, command: clap::Command, name: &str) -> Result<usize, Failure> {
    let mut written = 1;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        written += write(folder, verb.clone(), &format!("{name}-{}", verb.get_name()))?;
    }
    // clap wants a name for ever, and this process ends soon.
    let named = command.name(&*name.to_owned().leak());
    std::fs::File::create(folder.join(format!("{name}.1")))?.write_all(&page(named)?)?;
    Ok(written)
}

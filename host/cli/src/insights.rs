//! `baton insights`: what the record teaches, each with the events that prove it.

use baton_app::operation;
use baton_app::runs::Nothing;
use baton_app::view::insights::Section;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::{Done, Global, Outcome, screen, shown};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only these
    #[arg(value_parser = PossibleValuesParser::new(Section::ALL.map(Section::name)).try_map(section))]
    only: Vec<Section>,
}

fn section(name: String) -> Result<Section, &'static str> {
    Section::named(&name).ok_or("there is no such section")
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let sections = if args.only.is_empty() { Section::ALL.to_vec() } else { args.only.clone() };
    shown(global, &operation::INSIGHTS, &Nothing {}, |found| {
        let mut is_silent = true;
        for section in sections {
            let lines = section.lines(found);
            if !lines.is_empty() {
                is_silent = false;
                screen::line(section.title());
            }
            lines.iter().for_each(|line| screen::line(&format!("  {line}")));
        }
        if is_silent {
            screen::line("nothing stands out so far");
        }
    })?;
    Ok(Done::Well)
}

//! Whether each configured agent could work now.

use baton_app::config::Config;
use baton_core::agent::Card;
use baton_plugin::agent::ProbeResult;
use baton_plugin::library::Library;

use super::super::agents::health;
use super::{Check, Finding, check};

pub(super) fn healths(config: &Config, library: &Library) -> Vec<Check> {
    let one = |card: &Card| {
        let remedy =
            || format!("see docs/adapters/{}.md, then `baton agents test {}`", card.adapter, card.name);
        let finding = match health(config, library, card) {
            Ok(ProbeResult::Ready) => Finding::good(format!("{} is ready", card.adapter)),
            Ok(ProbeResult::Degraded(what)) => Finding::warning(what, remedy()),
            Ok(ProbeResult::Unreachable(what)) => Finding::fault(what, remedy()),
            Err(why) => {
                let remedy =
                    format!("fix adapter of [agents.{}]: `baton plugin list` shows what there is", card.name);
                Finding::fault(why.text(), remedy)
            }
        };
        check("agent", &card.name, finding)
    };
    config.agents.iter().map(one).collect()
}

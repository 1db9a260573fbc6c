//! Whether each configured agent could work now.

use super::{Condition, Diagnosis, diagnosis};
use crate::config::Config;
use crate::probe::health;
use baton_core::agent::Card;
use baton_plugin::agent::ProbeResult;
use baton_plugin::library::Library;

pub(super) fn healths(config: &Config, library: &Library) -> Vec<Diagnosis> {
    let one = |card: &Card| {
        let remedy =
            || format!("see docs/adapters/{}.md, then `baton agents test {}`", card.adapter, card.name);
        let condition = match health(config, library, card) {
            Ok(ProbeResult::Ready) => Condition::good(format!("{} is ready", card.adapter)),
            Ok(ProbeResult::Degraded(what)) => Condition::warning(what, remedy()),
            Ok(ProbeResult::Unreachable(what)) => Condition::fault(what, remedy()),
            Err(why) => {
                let remedy =
                    format!("fix adapter of [agents.{}]: `baton plugin list` shows what there is", card.name);
                Condition::fault(why.to_string(), remedy)
            }
        };
        diagnosis("agent", &card.name, condition)
    };
    config.agents.iter().map(one).collect()
}

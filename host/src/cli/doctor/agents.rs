//! Whether each configured agent could work now.

use super::super::agents::health;
use super::super::{Failure, library};
use super::{Check, Finding, check};
use crate::agent::Card;
use crate::config::Config;
use crate::plugin::agent::Health;
use crate::store::{Home, read, reader};

pub(super) fn healths(config: &Config) -> Vec<Check> {
    let home = Home::at(&config.store);
    let conn = reader(&home).ok().filter(|conn| read::plugins(conn).is_ok());
    // What is wrong with the library itself is said of the plugins.
    let Ok(library) = library(config, conn.as_ref()) else { return Vec::new() };
    let one = |card: &Card| {
        let remedy =
            || format!("see docs/adapters/{}.md, then `baton agents test {}`", card.adapter, card.name);
        let finding = match health(config, &library, card) {
            Ok(Health::Ready) => Finding::good(format!("{} is ready", card.adapter)),
            Ok(Health::Degraded(what)) => Finding::warning(what, remedy()),
            Ok(Health::Unreachable(what)) => Finding::fault(what, remedy()),
            Err(Failure::Usage(what) | Failure::Refused(what) | Failure::Infrastructure(what)) => {
                let remedy =
                    format!("fix adapter of [agents.{}]: `baton plugin list` shows what there is", card.name);
                Finding::fault(what, remedy)
            }
        };
        check("agent", &card.name, finding)
    };
    config.agents.iter().map(one).collect()
}

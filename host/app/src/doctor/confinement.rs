//! What of the confinement around native programs holds on this machine.

use baton_plugin::confine;

use super::{Condition, Diagnosis, diagnosis};
use crate::config::Config;

pub(super) fn programs(config: &Config) -> Option<Diagnosis> {
    if config.offer.profiles.is_empty() {
        return None;
    }
    let condition = match std::env::current_exe().and_then(|baton| confine::probe(&baton)) {
        Err(why) => Condition::warning(
            format!("native programs can't be confined: {why}"),
            "confine them yourself: docs/adapters.md",
        ),
        Ok(holds) if holds.gaps().is_empty() => {
            Condition::good(format!("files, ports, signals and sockets (Landlock {})", holds.landlock))
        }
        Ok(holds) => Condition::warning(
            format!("native programs are not kept from {}", holds.gaps().join("; ")),
            "use a newer kernel, or confine them yourself: docs/adapters.md",
        ),
    };
    Some(diagnosis("confinement", "of native programs", condition))
}

/// Profiles whose programs are not confined because the configuration says so.
pub(super) fn lifted(config: &Config) -> Vec<Diagnosis> {
    let lifted = config.offer.profiles.iter().filter(|(_, profile)| profile.confine.is_none());
    lifted
        .map(|(name, _)| {
            let what = "its programs may do whatever you may (confine = \"off\")";
            let remedy = format!(
                "take that line from [profiles.{name}], and name what it needs in [profiles.{name}.confine]"
            );
            diagnosis("profile", format!("{name}, confined"), Condition::warning(what, remedy))
        })
        .collect()
}

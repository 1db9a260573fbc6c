//! What of the confinement around native programs holds on this machine.

use baton_app::config::Config;

use super::super::supervise::enter::holds;
use super::{Check, Finding, check};

pub(super) fn programs(config: &Config) -> Option<Check> {
    if config.offer.profiles.is_empty() {
        return None;
    }
    let finding = match holds() {
        Err(why) => Finding::warning(
            format!("native programs can't be confined: {why}"),
            "confine them yourself: docs/adapters.md",
        ),
        Ok(holds) if holds.gaps().is_empty() => {
            Finding::good(format!("files, ports, signals and sockets (Landlock {})", holds.landlock))
        }
        Ok(holds) => Finding::warning(
            format!("native programs are not kept from {}", holds.gaps().join("; ")),
            "use a newer kernel, or confine them yourself: docs/adapters.md",
        ),
    };
    Some(check("confinement", "of native programs", finding))
}

/// Profiles whose programs are not confined because the configuration says so.
pub(super) fn lifted(config: &Config) -> Vec<Check> {
    let lifted = config.offer.profiles.iter().filter(|(_, profile)| profile.confine.is_none());
    lifted
        .map(|(name, _)| {
            let what = "its programs may do whatever you may (confine = \"off\")";
            let remedy = format!(
                "take that line from [profiles.{name}], and name what it needs in [profiles.{name}.confine]"
            );
            check("profile", format!("{name}, confined"), Finding::warning(what, remedy))
        })
        .collect()
}

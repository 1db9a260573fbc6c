//! What whoever starts a host should know before anything runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_plugin::capability::Profile;
use baton_plugin::confine;

use crate::App;
use crate::app::OwnStore;

/// A warning of the clock, and one of native programs that are not confined, where there is reason for them.
#[must_use]
pub fn caveats(app: &App, store: &OwnStore) -> Vec<String> {
    [store.0.drift().warning(), unconfined(&app.config.offer.profiles)].into_iter().flatten().collect()
}

/// What does not hold on this machine, and for whom nothing is to hold.
fn unconfined(profiles: &BTreeMap<String, Arc<Profile>>) -> Option<String> {
    let lifted: Vec<&str> = profiles
        .iter()
        .filter(|(_, profile)| profile.confine.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    let mut parts = Vec::new();
    if lifted.len() < profiles.len() {
        match std::env::current_exe().and_then(|baton| confine::probe(&baton)) {
            Ok(holds) if holds.gaps().is_empty() => {}
            Ok(holds) => parts.push(format!("native programs are not kept from {}", holds.gaps().join("; "))),
            Err(why) => parts.push(format!("native programs can't be confined here: {why}")),
        }
    }
    if !lifted.is_empty() {
        parts.push(format!("not confined at all (confine = \"off\"): {}", lifted.join(", ")));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

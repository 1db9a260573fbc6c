//! Asking an agent's adapter whether the agent could work now, without giving it work.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use super::attempt::Surroundings;
use crate::agent::Card;
use crate::id::{Epoch, TaskId};
use crate::plugin::PluginError;
use crate::plugin::agent::{Adapter, Health};
use crate::plugin::capability::sign::Signs;
use crate::plugin::capability::{Fence, Powers};

/// An agent that has not said whether it is there after so long is not.
const PATIENCE: Duration = Duration::from_secs(10);

/// # Errors
/// The adapter gave no usable answer.
pub async fn probe(around: &Surroundings, adapter: &Adapter, card: &Card) -> Result<Health, PluginError> {
    let asked = adapter.probe(&card.config, powers(around, adapter, card));
    let silent = || Health::Unreachable(format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Ok(silent()))
}

/// What the agent would have, for no task.
fn powers(around: &Surroundings, adapter: &Adapter, card: &Card) -> Arc<Powers> {
    let granted = around.profiles.iter().filter(|(name, _)| adapter.may_use(name));
    Arc::new(Powers {
        task: TaskId(0),
        epoch: Epoch(0),
        plugin: adapter.name().to_owned(),
        agent: card.name.clone(),
        idempotency_key: "probe".into(),
        fence: Arc::new(Fence::default()),
        lease: around.lease.clone(),
        deadline: around.clock.now() + PATIENCE,
        profiles: granted.map(|(name, profile)| (name.clone(), Arc::clone(profile))).collect(),
        ungranted: BTreeSet::new(),
        signs: Signs {
            sender: around.signs.clone(),
            last: Arc::new(AtomicI64::new(0)),
            denied: Arc::default(),
        },
        supervisor: around.supervisor.clone(),
        clock: around.clock.clone(),
    })
}

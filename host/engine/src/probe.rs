//! Asking an agent's adapter whether the agent could work now, without giving it work.

use std::sync::Arc;
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::id::{Epoch, TaskId};
use baton_plugin::PluginError;
use baton_plugin::agent::{Adapter, ProbeResult};
use baton_plugin::capability::{Cancellation, UsageMeter};

use super::attempt::{CallScope, HostContext};

/// The timeout of a probe beside the work: a silent agent counts as unreachable.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// That of a person who asks: a package that `npx` fetches first has time to arrive.
pub const LONG_TIMEOUT: Duration = Duration::from_secs(60);

/// # Errors
/// The adapter gave no usable answer.
pub async fn probe(
    host: &HostContext,
    adapter: &Adapter,
    card: &Card,
    timeout: Duration,
) -> Result<ProbeResult, PluginError> {
    let scope = CallScope {
        task: TaskId(0),
        epoch: Epoch(0),
        idempotency_key: "probe".into(),
        deadline: host.clock.now() + timeout,
        meter: Arc::new(UsageMeter::default()),
        folder: None,
        may_write: true,
    };
    let capabilities = host.capabilities(adapter, card, scope, Arc::new(Cancellation::default()));
    let silent = || ProbeResult::Unreachable(format!("no answer within {} s", timeout.as_secs()));
    let asked = adapter.probe(&card.config, capabilities);
    tokio::time::timeout(timeout, asked).await.unwrap_or_else(|_| Ok(silent()))
}

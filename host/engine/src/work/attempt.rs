//! One attempt, from its working tree to its sealed outcome.

use std::sync::Arc;

use baton_core::fault::{Begun, ErrorClass, Fault};
use baton_core::op::End;
use baton_core::task::policy::Effects;
use baton_core::usage::Usage;
use baton_plugin::PluginError;
use baton_plugin::agent::Adapter;
use baton_plugin::library::Library;

use super::Workers;
use crate::attempt::{self, CallScope, HostContext};
use crate::effect::{Done, Ended, Order};
use crate::land;
use crate::workspace::{Key, Site};

/// How an attempt ended, what it used, and whether it started a program or sent a request.
type Outcome = (attempt::Result, Usage, bool);

/// Starts it as a task of its own. Whatever becomes of it, its end is reported.
pub(super) fn start(workers: &Workers, order: Order) {
    let (library, host) = (Arc::clone(&workers.library), workers.host.clone());
    let done = Arc::clone(&workers.done);
    let (task, epoch) = (order.prepared.task.id, order.prepared.task.epoch);
    let (agent, started) = (order.agent, order.started);
    tokio::spawn(async move {
        let (result, used, reached) = match tokio::spawn(run(library, host, order)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                let fault = Fault::new(ErrorClass::Environment, PluginError::to_string(&error));
                (over(Fault { begun: Begun::No, ..fault }), Usage::default(), false)
            }
            Err(broken) => {
                let why = format!("the host broke while it ran: {broken}");
                (over(Fault::new(ErrorClass::Crashed, why)), Usage::default(), true)
            }
        };
        done(Done::Ended { ended: Ended { task, epoch, agent, started, used, reached }, result });
    });
}

fn over(fault: Fault) -> attempt::Result {
    attempt::Result::Over(End::Failed { fault, checks: Vec::new() })
}

async fn run(library: Arc<Library>, host: HostContext, order: Order) -> Result<Outcome, PluginError> {
    let Order { prepared, agent: _, card, cancellation, meter, seed, started: _, work_dir } = order;
    let adapter = adapter(&library, &card.adapter).await?;
    let mut scope = CallScope::attempt(&prepared, meter, host.clock.now());
    // Where the repository lies nothing is written but by what lands: a task that only thinks has no need to.
    scope.may_write = host.workspaces.is_none() || prepared.spec.effects != Effects::Pure;
    // Only a tree that is sealed needs it again.
    let spec = host.workspaces.is_some().then(|| prepared.spec.clone());
    let key = Key { run: prepared.task.run, task: prepared.task.id, epoch: prepared.task.epoch };
    let site = Site { key, name: &prepared.spec.id };
    let begun = tokio::select! {
        begun = land::begin(host.workspaces.as_ref(), work_dir, site) => begun,
        _ = cancellation.cancelled() => {
            let end = End::Released { why: "it was stopped before it began".to_owned(), begun: Begun::No };
            return Ok((attempt::Result::Over(end), Usage::default(), false));
        }
    };
    let tree = match begun {
        Ok((folder, tree)) => {
            scope.folder = folder;
            tree
        }
        Err(fault) => return Ok((over(fault), Usage::default(), false)),
    };
    let capabilities = host.capabilities(&adapter, &card, scope, cancellation);
    let mut result = attempt::run(adapter, card, prepared, Arc::clone(&capabilities), seed).await;
    if let (Some(workspaces), Some(tree), Some(spec)) = (&host.workspaces, tree, spec) {
        result = land::seal(workspaces, tree, &spec, result).await;
    }
    Ok((result, capabilities.meter.used(), capabilities.meter.has_reached()))
}

/// An adapter, compiled off the loop where it has to be.
pub(super) async fn adapter(library: &Arc<Library>, name: &str) -> Result<Adapter, PluginError> {
    if let Some(ready) = library.ready_agent(name) {
        return Ok(ready);
    }
    let (library, own) = (Arc::clone(library), name.to_owned());
    let loading = tokio::task::spawn_blocking(move || library.agent(&own));
    loading
        .await
        .unwrap_or_else(|why| Err(PluginError::Host { plugin: name.to_owned(), why: why.to_string() }))
}

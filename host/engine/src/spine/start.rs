//! Starting attempts, and taking their ends.

use std::sync::Arc;

use baton_core::clock::Time;
use baton_core::fault::{Begun, ErrorClass, Fault};
use baton_core::id::AgentId;
use baton_core::op::{End, Op, Rejection};
use baton_core::outcome::{Outcome, Usage};
use baton_core::plan::Effects;
use baton_core::task::{Role, Task};
use baton_plugin::PluginError;
use baton_plugin::agent::Adapter;
use baton_plugin::capability::Cancellation;
use baton_plugin::library::Library;
use baton_store::read;
use serde_json::Value;

use super::{Ended, Message, Running, Spine, attempt, unreadable};
use crate::attempt::CallScope;
use crate::decide::Prepared;
use crate::land::{self, Ground};
use crate::workspace::{Key, Site};

impl Spine {
    /// Starts the attempt that the store has just recorded.
    pub(super) fn start(&mut self, task: &Task, agent: AgentId, lease_until: Time) -> Result<(), Rejection> {
        if self.attempts.get(&task.id).is_some_and(|running| running.epoch == task.epoch) {
            return Ok(());
        }
        let mut prepared = match self.staged.remove(&task.id) {
            Some(prepared) => prepared,
            None => self.prepare(task.clone())?,
        };
        prepared.task = task.clone();
        if !prepared.spec.depends_on.is_empty() || task.parent.is_some() {
            prepared.inputs = self.inputs(task)?;
        }
        if !self.notes.is_empty()
            && let Some(notes) = self.notes.get(&prepared.spec.kind())
        {
            prepared.spec.metadata.insert("baton.notes".into(), Value::String(notes.clone()));
        }
        let Some(worker) = self.pool.get(agent) else {
            let why = "its agent was removed".to_owned();
            self.pending.push(Op::Finish {
                task: task.id,
                epoch: task.epoch,
                end: End::Released { why, begun: Begun::No },
            });
            self.return_reserve(task.id);
            return Ok(());
        };
        let card = Arc::new(worker.agent.card.clone());
        let cancellation = Arc::new(Cancellation::default());
        let seed = self.seed(task.run).of(task.id.0).of(i64::from(task.epoch.0));
        let (id, epoch, started) = (task.id, task.epoch, self.around.clock.now());
        let meter = Arc::new(self.meter((id, epoch), &card));
        let own_meter = Arc::clone(&meter);
        let ground = self.ground(&prepared)?;
        let outbox = self.outbox.clone();
        let (library, around, own) =
            (Arc::clone(&self.library), self.around.clone(), Arc::clone(&cancellation));
        tokio::spawn(async move {
            let attempt = tokio::spawn(async move {
                let adapter = adapter(&library, &card.adapter).await?;
                let mut errand = CallScope::attempt(&prepared, meter, around.clock.now());
                // Where the repository lies nothing is written but by what lands: a task that only thinks has no need to.
                errand.may_write = around.workspaces.is_none() || prepared.spec.effects != Effects::Pure;
                // Only a tree that is sealed needs it again.
                let spec = around.workspaces.is_some().then(|| prepared.spec.clone());
                let key = Key { run: prepared.task.run, task: id, epoch };
                let site = Site { key, name: &prepared.spec.id };
                let begun = tokio::select! {
                    begun = land::begin(around.workspaces.as_ref(), ground, site) => begun,
                    _ = own.cancelled() => {
                        let why = "it was stopped before it began".to_owned();
                        let end = End::Released { why, begun: Begun::No };
                        return Ok((attempt::Result::Over(end), Usage::default(), false));
                    }
                };
                let tree = match begun {
                    Ok((folder, tree)) => {
                        errand.folder = folder;
                        tree
                    }
                    Err(fault) => {
                        let end = End::Failed { fault, checks: Vec::new() };
                        return Ok((attempt::Result::Over(end), Usage::default(), false));
                    }
                };
                let capabilities = around.capabilities(&adapter, &card, errand, own);
                let mut result = attempt::run(adapter, card, prepared, Arc::clone(&capabilities), seed).await;
                if let (Some(workspaces), Some(tree), Some(spec)) = (&around.workspaces, tree, spec) {
                    result = land::seal(workspaces, tree, &spec, result).await;
                }
                Ok((result, capabilities.meter.used(), capabilities.meter.has_reached()))
            });
            let (result, used, reached) = match attempt.await {
                Ok(Ok(ended)) => ended,
                Ok(Err(error)) => {
                    let fault = Fault::new(ErrorClass::Environment, PluginError::to_string(&error));
                    let end = End::Failed { fault: Fault { begun: Begun::No, ..fault }, checks: Vec::new() };
                    (attempt::Result::Over(end), Usage::default(), false)
                }
                Err(broken) => {
                    let why = format!("the host broke while it ran: {broken}");
                    (over(ErrorClass::Crashed, why), Usage::default(), true)
                }
            };
            let ended = Ended { task: id, epoch, agent, started, used, reached };
            let _ = outbox.send(Message::Ended { ended, result });
        });
        self.attempts.insert(id, Running { epoch, cancellation, lease_until, started, meter: own_meter });
        Ok(())
    }

    /// An attempt came to its end: what it claims is recorded, and what it says about its agent remembered.
    pub(super) fn ended(&mut self, ended: Ended, result: attempt::Result) {
        self.charge(&ended, &result);
        let Ended { task: id, epoch, agent, .. } = ended;
        if self.attempts.get(&id).is_some_and(|running| running.epoch == epoch) {
            self.attempts.remove(&id);
        }
        let Some(task) = self.board.task(id).filter(|task| task.epoch == epoch).cloned() else { return };
        let terms = Arc::clone(self.board.terms(task.terms));
        self.learn(agent, &result);
        self.pending.push(match result {
            attempt::Result::Claimed(outcome) if terms.validated || land::claim(&outcome).is_some() => {
                Op::Claim { task: id, epoch, outcome }
            }
            attempt::Result::Claimed(outcome) => {
                let outcome = (outcome != Outcome::default()).then_some(outcome);
                Op::Finish { task: id, epoch, end: End::Accepted { outcome, checks: Vec::new() } }
            }
            attempt::Result::Over(end) => Op::Finish { task: id, epoch, end },
            attempt::Result::Asked => return,
        });
    }
}

impl Spine {
    /// What it builds on: its own dependencies, and those of the tasks of which it is a part.
    fn inputs(&self, task: &Task) -> Result<Vec<(String, Outcome)>, Rejection> {
        let mut inputs = read::live::inputs(&self.reader, task.id).map_err(unreadable)?;
        for above in self.board.ancestors(task) {
            inputs.extend(read::live::inputs(&self.reader, above.id).map_err(unreadable)?);
        }
        Ok(inputs)
    }

    /// Where the task's attempt works.
    fn ground(&self, prepared: &Prepared) -> Result<Ground, Rejection> {
        if self.around.workspaces.is_none() {
            return Ok(Ground::Configured);
        }
        let task = &prepared.task;
        if let Some(parent) = task.parent.filter(|parent| parent.role == Role::Evidence) {
            let claimed = read::live::claimed(&self.reader, parent.id, parent.epoch).map_err(unreadable)?;
            let claim = claimed.as_ref().and_then(land::claim);
            return Ok(claim.map_or(Ground::Configured, |claim| Ground::Judged(claim.tree)));
        }
        Ok(match prepared.spec.effects {
            Effects::Workspace => {
                let last = read::live::last_ending(&self.reader, task.id).map_err(unreadable)?;
                Ground::Own { keep: last.as_deref() == Some("asked") }
            }
            Effects::Pure | Effects::External => Ground::Configured,
        })
    }
}

/// An attempt that never came to an outcome.
fn over(class: ErrorClass, why: String) -> attempt::Result {
    attempt::Result::Over(End::Failed { fault: Fault::new(class, why), checks: Vec::new() })
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

//! Holds strategies to what they may have done for one run.

use baton_core::fault::Fault;
use baton_core::id::RunId;
use baton_core::op::{End, Op, RouterChoice};
use baton_core::task::{Role, Task, WaitingOn};
use baton_plugin::limits::LimitKind;
use baton_plugin::router::{Choice, Routed};
use baton_plugin::{Kind, PluginError};

use super::Spine;
use crate::compose;

impl Spine {
    /// The operation, or the end of a task whose executor wants more children than its run may have.
    pub(super) fn bounded(&mut self, op: Op) -> Op {
        let Op::Spawn { task, epoch, stage: WaitingOn::Executor, ref children, .. } = op else { return op };
        let Some(known) = self.board.task(task) else { return op };
        let executor = self.board.terms(known.terms).executor.clone().unwrap_or_default();
        let Some(conduct) = self.conducts.get_mut(&known.run) else { return op };
        let more = u32::try_from(children.len()).unwrap_or(u32::MAX);
        let all = conduct.asked_for.children.saturating_add(more);
        let limits = self.library.limits(&executor, Kind::Executor);
        if limits.asks.children_per_run.is_some_and(|most| all > most) {
            let error = limits.exceeded(&executor, LimitKind::ChildrenPerRun);
            let fault = Fault::new(compose::class(&error), error.to_string());
            return Op::Finish { task, epoch, end: End::Failed { fault, checks: Vec::new() } };
        }
        conduct.asked_for.children = all;
        op
    }

    /// The answer, unless it wants more consultations than its run may have.
    pub(super) fn within_bounds(
        &mut self,
        run: RunId,
        router: &RouterChoice,
        routed: Routed,
    ) -> Result<Routed, PluginError> {
        let Some(conduct) = self.conducts.get_mut(&run) else { return Ok(routed) };
        let decisions = routed.answer.decisions.iter();
        let more = decisions.filter(|decision| matches!(decision.choice, Choice::Consult(_))).count();
        let all = conduct.asked_for.consultations.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        let limits = self.library.limits(&router.name, Kind::Router);
        if more > 0 && limits.asks.consultations_per_run.is_some_and(|most| all > most) {
            return Err(limits.exceeded(&router.name, LimitKind::ConsultationsPerRun));
        }
        conduct.asked_for.consultations = all;
        Ok(routed)
    }

    /// Whether a task is, or is a part of, what a router wants to know. Routers are not asked about it: they could want
    /// to know something first again.
    pub(super) fn serves_a_router(&self, task: &Task) -> bool {
        let is_consultation = |task: &Task| task.parent.is_some_and(|parent| parent.role == Role::Consult);
        is_consultation(task) || self.board.ancestors(task).any(is_consultation)
    }
}

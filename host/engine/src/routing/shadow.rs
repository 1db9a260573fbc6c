//! A router that is asked the same as the one whose answer is followed. Nobody waits for it: it is asked afterwards, one
//! question after the other.

use std::collections::VecDeque;

use baton_core::id::{DecisionId, RunId};
use baton_core::op::{Decision, Op, RouterChoice};
use baton_plugin::PluginError;
use baton_plugin::router::{Routed, Snapshot, attrs};

use super::{ActiveTrial, Asked, Routing};
use crate::catalog::Catalog;
use crate::decide::{self, Batch};
use crate::effect::{Effect, ShadowQuestion, Work};

/// The shadow of a run's router.
#[derive(Default)]
pub(super) struct Shadow {
    /// It decides or learns: what comes next goes on from the state that it leaves.
    busy: bool,
    /// With the decisions that were followed.
    waiting: VecDeque<(DecisionId, Question)>,
    /// For each decision that is on its way to the store, in their order: who is to be asked the same, if anybody.
    undecided: VecDeque<Option<Question>>,
}

pub(super) struct Question {
    router: RouterChoice,
    /// During which the decision was asked for.
    trial: i64,
    /// As the other router was asked. The configuration and the state become this one's when its turn comes.
    snapshot: Snapshot,
}

/// What the router on trial answered.
pub type Shadowed = Result<Routed, PluginError>;

/// The most questions that wait for a shadow that is slower than the work; beyond it no more are added.
const WAITING: usize = 16;

impl Shadow {
    pub(super) fn is_done(&self) -> bool {
        !self.busy && self.waiting.is_empty()
    }

    /// A decision is on its way to the store.
    pub(super) fn await_decision(&mut self, question: Option<Question>) {
        self.undecided.push_back(question);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    pub(super) fn begin(&mut self) {
        self.busy = true;
    }

    pub(super) fn end(&mut self) {
        self.busy = false;
    }
}

impl Routing {
    /// Whether a router decides in the shadow of others, for now.
    #[must_use]
    pub fn is_shadow(&self, router: &RouterChoice) -> bool {
        self.trial.as_ref().is_some_and(|trial| trial.shadows() && trial.router() == router)
    }

    /// Whether no shadow decision is under way or due.
    #[must_use]
    pub fn shadows_are_done(&self) -> bool {
        self.runs.values().all(|run| run.shadow.is_done())
    }

    /// The router that was on trial when a question was asked is to be asked the same, if it decides in the shadow, once
    /// the decision has its number.
    pub(super) fn cast_shadow(&mut self, batch: &Batch) {
        let goes_on = |asked: &Asked| self.trial.as_ref().is_some_and(|trial| trial.row().id == asked.id);
        let asked = batch.trial.filter(|asked| asked.shadows && goes_on(asked));
        let candidate = self.trial.as_ref().map(|trial| trial.router().clone());
        let Some(routing) = self.runs.get_mut(&batch.run) else { return };
        let has_room = routing.shadow.waiting.len() + routing.shadow.undecided.len() < WAITING;
        let asked = asked.zip(candidate).filter(|(_, router)| routing.router != *router && has_room);
        routing.shadow.await_decision(asked.map(|(asked, router)| Question {
            router,
            trial: asked.id,
            snapshot: batch.snapshot.clone(),
        }));
    }

    /// The oldest decision of a run that was on its way is in the store, or was refused.
    pub fn decided(&mut self, run: RunId, decision: Option<DecisionId>) {
        let Some(routing) = self.runs.get_mut(&run) else { return };
        let Some(question) = routing.shadow.undecided.pop_front().flatten() else { return };
        routing.shadow.waiting.extend(decision.map(|of| (of, question)));
    }

    /// The runs and the router that have a question waiting for the router on trial, which can be asked now.
    #[must_use]
    pub fn shadows_to_ask(&self) -> Vec<(RunId, RouterChoice)> {
        let waiting = self.runs.iter().filter(|(_, run)| !run.shadow.busy && !run.shadow.waiting.is_empty());
        waiting.filter_map(|(id, run)| Some((*id, run.shadow.waiting.front()?.1.router.clone()))).collect()
    }

    /// Asks what waits, if the trial that it was asked in still goes on in the shadow.
    pub fn ask_shadow(&mut self, run: RunId, catalog: &Catalog) -> Option<Effect> {
        let current =
            self.trial.as_ref().filter(|trial| trial.shadows()).map(ActiveTrial::row).map(|row| row.id);
        let routing = self.runs.get_mut(&run)?;
        let (of, Question { router, trial, mut snapshot }) = routing.shadow.waiting.pop_front()?;
        if current != Some(trial) {
            routing.shadow.waiting.retain(|(_, question)| Some(question.trial) == current);
            self.drop_if_done(run);
            return None;
        }
        routing.shadow.begin();
        snapshot.config = attrs(&catalog.router(&router.name).config);
        snapshot.state =
            routing.cursors.get(&router.digest).map(|cursor| cursor.state.clone()).unwrap_or_default();
        Some(Work::Shadow(Box::new(ShadowQuestion { run, of, router, trial, snapshot })).into())
    }

    /// Records what it answered; an answer that is of no use counts against it.
    pub fn shadowed(&mut self, question: ShadowQuestion, routed: Shadowed) -> Option<Effect> {
        let ShadowQuestion { run, of, router, trial, mut snapshot } = question;
        let routing = self.runs.get_mut(&run)?;
        routing.shadow.end();
        let asked = Some(Asked { id: trial, shadows: true });
        let effect = match routed {
            Ok(Routed { mut answer, fuel }) => {
                routing.stands(&router, &answer.state);
                self.recovered(&router, asked);
                let decision = decide::record(&mut snapshot, &mut answer, router, fuel);
                let decision = Box::new(Decision { trial: Some(trial), ..decision });
                Some(Op::Shadow { run, of, decision }.into())
            }
            Err(error) => self.stumbled(&router, asked, &error.to_string()),
        };
        self.drop_if_done(run);
        effect
    }
}

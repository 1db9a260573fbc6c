//! A router that is asked the same as the one whose answer is followed. Nobody waits for it: it is asked afterwards, one
//! question after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use baton_core::id::{DecisionId, RunId};
use baton_core::op::{Decision, Op, RouterChoice};
use baton_core::trial::TrialPhase;
use baton_plugin::PluginError;
use baton_plugin::router::{Routed, Snapshot, attrs};

use super::{Message, Spine, unbroken};
use crate::decide;

/// The shadow of a run's router.
#[derive(Default)]
pub(super) struct Shadow {
    /// It decides or learns: what comes next goes on from the state that it leaves.
    pub(super) busy: bool,
    /// With the decisions that were followed.
    waiting: VecDeque<(DecisionId, Question)>,
    /// For each decision that is on its way to the store, in their order: who is to be asked the same, if anybody.
    undecided: VecDeque<Option<Question>>,
}

struct Question {
    router: RouterChoice,
    trial: i64,
    /// As the other router was asked. The configuration and the state become this one's when its turn comes.
    snapshot: Box<Snapshot>,
}

/// What it was asked and answered.
pub(super) struct Shadowed {
    of: DecisionId,
    router: RouterChoice,
    /// That it was asked in.
    trial: i64,
    asked: Box<Snapshot>,
    routed: Result<Routed, PluginError>,
}

/// Questions that wait for a shadow that is slower than the work. Where there are so many, it is not asked one more.
const WAITING: usize = 16;

impl Shadow {
    pub(super) fn is_done(&self) -> bool {
        !self.busy && self.waiting.is_empty()
    }
}

impl Spine {
    /// Whether a router decides in the shadow of others, for now.
    pub(super) fn is_shadow(&self, router: &RouterChoice) -> bool {
        self.contest.as_ref().is_some_and(|contest| {
            let shadows = matches!(contest.row.terms.stage, TrialPhase::Shadow);
            shadows && !contest.over && contest.row.router == *router
        })
    }

    /// The router on trial is to be asked what was decided, if it decides in the shadow, once the decision has its
    /// number.
    pub(super) fn cast_shadow(&mut self, run: RunId, snapshot: &Snapshot) {
        let candidate = self.contest.as_ref().map(|contest| (contest.row.router.clone(), contest.row.id));
        let candidate = candidate.filter(|(router, _)| self.is_shadow(router));
        let Some(conduct) = self.conducts.get_mut(&run) else { return };
        let shadow = &mut conduct.shadow;
        let has_room = shadow.waiting.len() + shadow.undecided.len() < WAITING;
        let asked = candidate.filter(|(router, _)| conduct.router != *router && has_room);
        shadow.undecided.push_back(asked.map(|(router, trial)| Question {
            router,
            trial,
            snapshot: Box::new(snapshot.clone()),
        }));
    }

    /// Nobody else is to be asked what the host decided by itself.
    pub(super) fn cast_no_shadow(&mut self, run: RunId) {
        if let Some(conduct) = self.conducts.get_mut(&run) {
            conduct.shadow.undecided.push_back(None);
        }
    }

    /// The oldest decision of a run that was on its way is in the store, or was refused.
    pub(super) fn decided(&mut self, run: RunId, decision: Option<DecisionId>) {
        let Some(conduct) = self.conducts.get_mut(&run) else { return };
        let Some(question) = conduct.shadow.undecided.pop_front().flatten() else { return };
        conduct.shadow.waiting.extend(decision.map(|of| (of, question)));
    }

    /// Asks what waits, of who is still on trial.
    pub(super) fn ask_shadows(&mut self) {
        let mut questions = Vec::new();
        for (run, conduct) in self.conducts.iter_mut().filter(|(_, conduct)| !conduct.shadow.busy) {
            questions.extend(conduct.shadow.waiting.pop_front().map(|question| (*run, question)));
        }
        for (run, (of, Question { router, trial, mut snapshot })) in questions {
            let is_shadow = self.is_shadow(&router);
            let Some(conduct) = self.conducts.get_mut(&run) else { continue };
            if !is_shadow {
                conduct.shadow.waiting.clear();
                continue;
            }
            conduct.shadow.busy = true;
            snapshot.config = attrs(&self.library.settings(&router.name).config);
            snapshot.state = self.line(run, &router.digest).state;
            let (library, outbox) = (Arc::clone(&self.library), self.outbox.clone());
            tokio::task::spawn_blocking(move || {
                let routed = unbroken(&router.name, || {
                    library.router_at(&router.name, &router.digest)?.route(&snapshot)
                });
                let shadowed = Shadowed { of, router, trial, asked: snapshot, routed };
                let _ = outbox.send(Message::Shadowed { run, shadowed });
            });
        }
    }

    /// Records what it answered; an answer that is of no use counts against it.
    pub(super) fn shadowed(&mut self, run: RunId, shadowed: Shadowed) {
        let Shadowed { of, router, trial, mut asked, routed } = shadowed;
        let Some(conduct) = self.conducts.get_mut(&run) else { return };
        conduct.shadow.busy = false;
        match routed {
            Ok(Routed { mut answer, fuel }) => {
                conduct.stands(&router, &answer.state);
                self.recovered(&router);
                let decision =
                    Decision { trial: Some(trial), ..decide::record(&mut asked, &mut answer, router, fuel) };
                self.pending.push(Op::Shadow { run, of, decision: Box::new(decision) });
            }
            Err(error) => self.stumbled(&router, &error.to_string()),
        }
    }
}

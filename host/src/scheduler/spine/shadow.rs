//! A router that is asked the same beside the one whose answer is followed.

use super::route::pinned;
use super::{Spine, unbroken};
use crate::id::RunId;
use crate::op::{Decision, RouterChoice};
use crate::plugin::PluginError;
use crate::plugin::library::Library;
use crate::plugin::router::{Attr, Routed, Snapshot};
use crate::scheduler::decide::{self, Batch};

pub(super) struct Shadow {
    router: RouterChoice,
    state: Vec<u8>,
    config: Vec<Attr>,
}

/// What it was asked and answered.
pub(super) struct Shadowed {
    router: RouterChoice,
    asked: Box<Snapshot>,
    routed: Result<Routed, PluginError>,
}

impl Shadow {
    pub(super) fn ask(self, library: &Library, batch: &Batch) -> Shadowed {
        let Self { router, state, config } = self;
        let asked = Box::new(Snapshot { state, config, ..batch.snapshot.clone() });
        let routed = unbroken(&router.name, || pinned(library, &router)?.route(&asked));
        Shadowed { router, asked, routed }
    }
}

impl Spine {
    pub(super) fn shadow(&mut self, run: RunId, router: RouterChoice) -> Shadow {
        let state = self.line(run, &router.digest).state;
        let config = self.library.settings(&router.name).config;
        let config = config.into_iter().map(|(name, value)| Attr { name, value }).collect();
        Shadow { router, state, config }
    }

    /// What is recorded of a decision in the shadow; one that failed counts against its router.
    pub(super) fn shadowed(&mut self, run: RunId, shadowed: Shadowed) -> Option<Decision> {
        let Shadowed { router, mut asked, routed } = shadowed;
        match routed {
            Ok(Routed { mut answer, fuel }) => {
                if let Some(conduct) = self.conducts.get_mut(&run) {
                    conduct.stands(&router, &answer.state);
                }
                self.recovered(&router);
                let trial = self.contest.as_ref().map(|contest| contest.row.id);
                Some(Decision { trial, ..decide::record(&mut asked, &mut answer, router, fuel) })
            }
            Err(error) => {
                self.stumbled(&router, &error.to_string());
                None
            }
        }
    }
}

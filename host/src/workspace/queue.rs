//! The merge queue: one at a time, accepted trees are put on top of the target, checked, and landed. What waits
//! together is checked together; when that fails, halves are tried until what breaks it is found.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;

use super::{Claim, GitError, Workspaces};
use crate::id::TaskId;

/// A tree that is to land.
pub struct Entry {
    pub task: TaskId,
    pub claim: Claim,
    /// Whether it may still land.
    pub alive: Box<dyn Fn() -> bool + Send + Sync>,
    /// Told how it went.
    pub done: Box<dyn FnOnce(Landing) + Send>,
}

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landing {
    /// The target is at this commit now, which holds the tree's changes.
    Landed { commit: String },
    /// It would break the target: why.
    Refused { why: String },
    /// Nobody knows whether it would: git failed.
    Failed { why: String },
    /// Its task went another way meanwhile.
    Withdrawn,
}

/// Runs the operator's checks in a folder; an error is what they said.
pub type Check =
    Arc<dyn Fn(PathBuf) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

pub struct Queue {
    pub workspaces: Arc<Workspaces>,
    pub check: Check,
}

/// How often the target may be moved by somebody else before a landing is given up.
const RACES: u32 = 3;
/// Entries that are checked together at most.
const TOGETHER: usize = 16;

impl Queue {
    /// Ends when nobody can hand in any more.
    pub async fn run(self, mut entries: UnboundedReceiver<Entry>) {
        let mut waiting = Vec::new();
        while entries.recv_many(&mut waiting, TOGETHER).await > 0 {
            self.land(std::mem::take(&mut waiting), RACES).await;
        }
    }

    /// Lands all of them, or finds those that can't. The target may be moved by somebody else meanwhile: then all is
    /// tried again, `races` times.
    fn land(&self, entries: Vec<Entry>, races: u32) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let start = match self.workspaces.tip().await {
                Ok(start) => start,
                Err(why) => return fail(entries, &why),
            };
            let (mut stacked, tip) = self.stack(entries, &start).await;
            let Some(last) = stacked.last() else { return };
            match (self.check)(last.claim.tree.path.clone()).await {
                Ok(()) => self.advance(stacked, &start, tip, races).await,
                Err(why) if stacked.len() == 1 => {
                    let why = format!("the target would break: {why}");
                    for entry in stacked {
                        self.workspaces.discard(&entry.claim.tree).await;
                        entry.end(Landing::Refused { why: why.clone() });
                    }
                }
                Err(_) => {
                    let second = stacked.split_off(stacked.len() / 2);
                    self.land(stacked, races).await;
                    self.land(second, races).await;
                }
            }
        })
    }

    /// Puts each on top of the one before; what conflicts is refused. Answers with the last commit.
    async fn stack(&self, entries: Vec<Entry>, start: &str) -> (Vec<Entry>, String) {
        let mut tip = start.to_owned();
        let mut stacked = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Some(commit) = self.workspaces.landed(&entry.claim).await {
                entry.end(Landing::Landed { commit });
                continue;
            }
            if !(entry.alive)() {
                // Its tree goes when its task ends: if only the host's lease was over, somebody may still want it.
                entry.end(Landing::Withdrawn);
                continue;
            }
            match self.workspaces.rebase(&entry.claim, &tip).await {
                Ok(head) => {
                    tip = head;
                    stacked.push(entry);
                }
                Err(GitError::Conflict(files)) => {
                    self.workspaces.discard(&entry.claim.tree).await;
                    let why = format!("it conflicts with what landed meanwhile, in {files}");
                    entry.end(Landing::Refused { why });
                }
                Err(why) => entry.end(Landing::Failed { why: why.to_string() }),
            }
        }
        (stacked, tip)
    }

    async fn advance(&self, entries: Vec<Entry>, start: &str, tip: String, races: u32) {
        if entries.iter().any(|entry| !(entry.alive)()) {
            return self.land(entries, races).await;
        }
        let claims: Vec<&Claim> = entries.iter().map(|entry| &entry.claim).collect();
        match self.workspaces.advance(start, &tip, &claims).await {
            Ok(()) => {
                entries.into_iter().for_each(|entry| entry.end(Landing::Landed { commit: tip.clone() }))
            }
            Err(_) if races > 0 => self.land(entries, races - 1).await,
            Err(why) => fail(entries, &why),
        }
    }
}

fn fail(entries: Vec<Entry>, why: &GitError) {
    for entry in entries {
        entry.end(Landing::Failed { why: why.to_string() });
    }
}

impl Entry {
    fn end(self, landing: Landing) {
        (self.done)(landing);
    }
}

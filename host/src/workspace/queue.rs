//! The merge queue: one at a time, accepted trees are put on top of the target, checked, and landed. What waits
//! together is checked together; when that fails, halves are tried until what breaks it is found.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;

use super::{GitError, Tree, Workspaces};
use crate::id::TaskId;

/// A tree that is to land.
pub struct Entry {
    pub task: TaskId,
    pub tree: Tree,
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
}

/// Runs the operator's checks in a folder; an error is what they said.
pub type Check = Arc<
    dyn Fn(std::path::PathBuf) -> std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send>>
        + Send
        + Sync,
>;

pub struct Queue {
    pub workspaces: Arc<Workspaces>,
    pub check: Check,
}

/// Entries that are checked together at most.
const TOGETHER: usize = 16;

impl Queue {
    /// Ends when nobody can hand in any more.
    pub async fn run(self, mut entries: UnboundedReceiver<Entry>) {
        let mut waiting = Vec::new();
        while entries.recv_many(&mut waiting, TOGETHER).await > 0 {
            self.land(std::mem::take(&mut waiting)).await;
        }
    }

    /// Lands all of them, or finds those that can't.
    fn land(&self, entries: Vec<Entry>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let start = match self.workspaces.tip().await {
                Ok(start) => start,
                Err(why) => return fail(entries, &why),
            };
            let (mut stacked, tip) = self.stack(entries, &start).await;
            let Some(last) = stacked.last() else { return };
            match (self.check)(last.tree.path.clone()).await {
                Ok(()) => self.advance(stacked, &start, tip).await,
                Err(why) if stacked.len() == 1 => {
                    let why = format!("the target would break: {why}");
                    stacked.into_iter().for_each(|entry| entry.end(Landing::Refused { why: why.clone() }));
                }
                Err(_) => {
                    let second = stacked.split_off(stacked.len() / 2);
                    self.land(stacked).await;
                    self.land(second).await;
                }
            }
        })
    }

    /// Puts each on top of the one before; what conflicts is refused. Answers with the last commit.
    async fn stack(&self, entries: Vec<Entry>, start: &str) -> (Vec<Entry>, String) {
        let mut tip = start.to_owned();
        let mut stacked = Vec::with_capacity(entries.len());
        for mut entry in entries {
            match self.workspaces.rebase(&mut entry.tree, &tip).await {
                Ok(head) => {
                    tip = head;
                    stacked.push(entry);
                }
                Err(GitError::Conflict(files)) => {
                    let why = format!("it conflicts with what landed meanwhile, in {files}");
                    entry.end(Landing::Refused { why });
                }
                Err(why) => entry.end(Landing::Failed { why: why.to_string() }),
            }
        }
        (stacked, tip)
    }

    async fn advance(&self, entries: Vec<Entry>, start: &str, tip: String) {
        match self.workspaces.advance(start, &tip).await {
            Ok(()) => {
                for entry in entries {
                    self.workspaces.discard(&entry.tree).await;
                    entry.end(Landing::Landed { commit: tip.clone() });
                }
            }
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

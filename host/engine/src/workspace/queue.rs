//! The merge queue: one at a time, accepted claims are put on top of the target, checked, and landed. What waits together
//! is checked together; when that fails, halves are tried until what breaks it is found. A claim whose landing fails for
//! a reason that is not its own stays, and is tried again.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use baton_core::id::TaskId;
use baton_plugin::capability::process::RunError;
use tokio::sync::mpsc::UnboundedReceiver;

use super::landing::Merged;
use super::tree::{Key, clear};
use super::{Claim, GitError, Workspaces};

/// A claim that is to land.
pub struct Entry {
    pub task: TaskId,
    pub claim: Claim,
    /// Whether it may still land.
    pub alive: Box<dyn Fn() -> bool + Send + Sync>,
    /// Told why it does not land yet.
    pub stalled: Box<dyn Fn(String) + Send + Sync>,
    /// Told how it went.
    pub done: Box<dyn FnOnce(Landing) + Send>,
}

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landing {
    /// The target holds the claim's change since this commit.
    Landed { commit: String },
    /// It changed what something that landed meanwhile changed too, in these files.
    Conflict { files: Vec<String> },
    /// It would break the target: why.
    Refused { why: String },
    /// Its task went another way meanwhile.
    Withdrawn,
}

/// Runs the operator's checks in a folder, up to the first that fails.
pub type Check =
    Arc<dyn Fn(PathBuf) -> Pin<Box<dyn Future<Output = Result<(), RunError>> + Send>> + Send + Sync>;

pub struct Queue {
    pub workspaces: Arc<Workspaces>,
    pub check: Check,
    /// Waits until this host may act, or never may again.
    pub may_act: MayAct,
}

pub type MayAct = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Entries that are checked together at most.
const TOGETHER: usize = 16;

/// After which pauses a landing is tried again that git did not carry out: short ones for what goes by, such as a lock
/// or a target that somebody else moves. After these a person hears of it, and the last one is repeated.
const PAUSES: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1500),
    Duration::from_secs(10),
];

/// What git did not let land, and why.
type Left = (Vec<Entry>, Option<GitError>);

/// Entries with the commit that each would land with.
type Stack = Vec<(Entry, String)>;

impl Queue {
    /// Ends when there are no more senders.
    pub async fn run(self, mut entries: UnboundedReceiver<Entry>) {
        let mut waiting: Vec<Entry> = Vec::new();
        let mut tries = 0;
        loop {
            if waiting.is_empty() {
                tries = 0;
                if entries.recv_many(&mut waiting, TOGETHER).await == 0 {
                    return;
                }
            } else {
                let pause = PAUSES[tries.min(PAUSES.len() - 1)];
                tries += 1;
                // Who hands one in while others are stalled has it tried at once.
                let room = TOGETHER.saturating_sub(waiting.len()).max(1);
                let more = tokio::time::timeout(pause, entries.recv_many(&mut waiting, room)).await;
                if matches!(more, Ok(0)) {
                    return;
                }
            }
            let (left, why) = self.land(std::mem::take(&mut waiting)).await;
            if why.is_none() {
                tries = 0;
            }
            if let Some(why) = why.filter(|_| tries + 1 >= PAUSES.len()) {
                left.iter().for_each(|entry| (entry.stalled)(why.to_string()));
            }
            waiting = left;
        }
    }

    /// Lands all of them, or finds those that can't. Answers with those that git did not let land, and why.
    fn land(&self, entries: Vec<Entry>) -> Pin<Box<dyn Future<Output = Left> + Send + '_>> {
        Box::pin(async move {
            let start = match self.workspaces.tip().await {
                Ok(start) => start,
                Err(why) => return (entries, Some(why)),
            };
            let (mut stack, mut left, mut trouble) = self.stack(entries, &start).await;
            let Some((_, tip)) = stack.last() else { return (left, trouble) };
            match self.checked(tip).await {
                Err(why) => {
                    left.extend(stack.into_iter().map(|(entry, _)| entry));
                    return (left, Some(why));
                }
                Ok(Ok(())) => {
                    let (more, why) = self.advance(stack, &start).await;
                    left.extend(more);
                    trouble = why.or(trouble);
                }
                Ok(Err(why)) if stack.len() == 1 => {
                    let why = format!("the target would break: {why}");
                    stack.into_iter().for_each(|(entry, _)| entry.end(Landing::Refused { why: why.clone() }));
                }
                Ok(Err(_)) => {
                    let second = stack.split_off(stack.len() / 2);
                    for half in [stack, second] {
                        let (more, why) = self.land(half.into_iter().map(|(entry, _)| entry).collect()).await;
                        left.extend(more);
                        trouble = why.or(trouble);
                    }
                }
            }
            (left, trouble)
        })
    }

    /// Puts each on top of the one before; what conflicts ends as a conflict.
    async fn stack(&self, entries: Vec<Entry>, start: &str) -> (Stack, Vec<Entry>, Option<GitError>) {
        let (mut stack, mut left, mut trouble) = (Stack::new(), Vec::new(), None);
        let mut tip = start.to_owned();
        for entry in entries {
            if let Some(commit) = self.workspaces.landed(&entry.claim).await {
                entry.end(Landing::Landed { commit });
                continue;
            }
            if !(entry.alive)() {
                entry.end(Landing::Withdrawn);
                continue;
            }
            match self.workspaces.merge(&entry.claim, &tip).await {
                Ok(Merged::Clean(commit)) => {
                    tip.clone_from(&commit);
                    stack.push((entry, commit));
                }
                // With what has not landed itself yet: looked at again when that is known.
                Ok(Merged::Conflict(_)) if !stack.is_empty() => left.push(entry),
                Ok(Merged::Conflict(files)) => entry.end(Landing::Conflict { files }),
                Err(why) => {
                    left.push(entry);
                    trouble = Some(why);
                }
            }
        }
        (stack, left, trouble)
    }

    /// Runs the checks in a checkout of its own: what they see is what would land.
    async fn checked(&self, commit: &str) -> Result<Result<(), RunError>, GitError> {
        if self.workspaces.settings.checks.is_empty() {
            return Ok(Ok(()));
        }
        let folder = self.workspaces.settings.folder().join("merge");
        self.workspaces.check_out(&folder, commit).await?;
        let said = (self.check)(folder.clone()).await;
        clear(folder).await?;
        Ok(said)
    }

    async fn advance(&self, stack: Stack, start: &str) -> Left {
        (self.may_act)().await;
        if stack.iter().any(|(entry, _)| !(entry.alive)()) {
            return self.land(stack.into_iter().map(|(entry, _)| entry).collect()).await;
        }
        let Some(to) = stack.last().map(|(_, commit)| commit.clone()) else { return (Vec::new(), None) };
        let claims: Vec<(Key, String)> =
            stack.iter().map(|(entry, commit)| (entry.claim.key, commit.clone())).collect();
        match self.workspaces.advance(start, &to, &claims).await {
            Ok(()) => {
                stack.into_iter().for_each(|(entry, commit)| entry.end(Landing::Landed { commit }));
                (Vec::new(), None)
            }
            Err(why) => (stack.into_iter().map(|(entry, _)| entry).collect(), Some(why)),
        }
    }
}

impl Entry {
    fn end(self, landing: Landing) {
        (self.done)(landing);
    }
}

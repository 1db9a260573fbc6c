//! Trees in the life of a task: made before an attempt, sealed after it, landed when it is accepted.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::attempt::{self, Errand, Surroundings};
use crate::event::Fact;
use crate::fault::{ErrorClass, Fault};
use crate::id::{Epoch, RunId, TaskId};
use crate::op::{End, Op};
use crate::outcome::{Check, Outcome};
use crate::plan::Workstream;
use crate::plugin::capability::process::run_to_end;
use crate::plugin::capability::{Fence, Meter};
use crate::scope::Glob;
use crate::store::{Reader, read};
use crate::task::Task;
use crate::workspace::queue::{self, Entry, Landing};
use crate::workspace::{Change, Claim, Site, Tree, Workspaces, attr};

/// Where an attempt works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Where the configuration says.
    Configured,
    /// In a tree of its own; `keep` takes up the one of the attempt before.
    Own { keep: bool },
    /// In the tree whose content it is to judge.
    Judged(PathBuf),
}

/// Makes the ground ready.
///
/// # Errors
/// Git could not make the tree.
pub async fn begin(
    workspaces: Option<&Arc<Workspaces>>,
    ground: Ground,
    site: Site<'_>,
) -> Result<(Option<PathBuf>, Option<Tree>), Fault> {
    let (Some(workspaces), Ground::Own { keep }) = (workspaces, &ground) else {
        return Ok(match ground {
            Ground::Judged(folder) => (Some(folder), None),
            Ground::Configured | Ground::Own { .. } => (None, None),
        });
    };
    let began = workspaces.begin(site, *keep).await;
    let tree = began.map_err(|why| {
        Fault::new(ErrorClass::Environment, format!("no working tree could be made for it: {why}"))
    })?;
    Ok((Some(tree.path.clone()), Some(tree)))
}

/// After an attempt: a claim's changes are committed and told in its outcome, anything else is thrown away. The tree of
/// an attempt that waits for a person stays.
pub async fn seal(
    workspaces: &Workspaces,
    tree: Tree,
    spec: &Workstream,
    result: attempt::Result,
) -> attempt::Result {
    match result {
        attempt::Result::Claimed(mut outcome) => {
            let sealed = workspaces.seal(&tree, &message(spec, &outcome)).await;
            match sealed {
                Ok((head, changes)) => {
                    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
                    let told = [
                        (attr::TREE, tree.path.display().to_string()),
                        (attr::BRANCH, tree.branch),
                        (attr::BASE, tree.base),
                        (attr::HEAD, head),
                        (attr::CHANGED, json(serde_json::to_string(&changes))),
                        (attr::PATHS, json(serde_json::to_string(&spec.paths))),
                    ];
                    outcome.attrs.extend(told.map(|(name, value)| (name.to_owned(), value)));
                    attempt::Result::Claimed(outcome)
                }
                Err(why) => {
                    let fault =
                        Fault::new(ErrorClass::Other, format!("its changes can't be committed: {why}"));
                    workspaces.discard(&tree).await;
                    attempt::Result::Over(End::Failed { fault, checks: Vec::new() })
                }
            }
        }
        attempt::Result::Over(end) => {
            workspaces.discard(&tree).await;
            attempt::Result::Over(end)
        }
        attempt::Result::Asked => attempt::Result::Asked,
    }
}

fn message(spec: &Workstream, outcome: &Outcome) -> String {
    let title = if spec.title.is_empty() { &spec.id } else { &spec.title };
    format!("{title}\n\n{}\n\nBaton-Task: {}\n", outcome.summary, spec.id)
}

/// What an outcome claims to have changed, if it had a tree.
#[must_use]
pub fn claim(outcome: &Outcome) -> Option<Claim> {
    let value = |name: &str| outcome.attrs.get(name).cloned();
    let tree =
        Tree { path: value(attr::TREE)?.into(), branch: value(attr::BRANCH)?, base: value(attr::BASE)? };
    Some(Claim { tree, head: value(attr::HEAD)? })
}

/// The paths that a claim changed, as patterns; none if one of them can't be written as such.
#[must_use]
pub fn changed(outcome: &Outcome) -> Option<Vec<Glob>> {
    let changes: Vec<Change> = serde_json::from_str(outcome.attrs.get(attr::CHANGED)?).ok()?;
    let paths = changes.into_iter().flat_map(|change| [Some(change.path), change.from]).flatten();
    paths.map(|path| path.parse().ok()).collect()
}

/// Takes what the host says of a tree from one outcome over to another.
pub fn inherit(outcome: &mut Outcome, from: &Outcome) {
    let told = from.attrs.iter().filter(|(name, _)| name.starts_with("workspace."));
    outcome.attrs.extend(told.map(|(name, value)| (name.clone(), value.clone())));
}

/// An accepted claim on its way to the target.
pub struct Accepted {
    pub task: TaskId,
    pub epoch: Epoch,
    pub run: RunId,
    pub claim: Claim,
    pub outcome: Option<Outcome>,
    pub checks: Vec<Check>,
}

/// Hands it to the queue; what it comes to is told as the end of the task, after which its tree is taken away.
pub fn land(
    landing: &UnboundedSender<Entry>,
    workspaces: &Workspaces,
    accepted: Accepted,
    alive: impl Fn() -> bool + Send + Sync + 'static,
    tell: impl FnOnce(Vec<Op>) + Send + 'static,
) {
    let Accepted { task, epoch, run, claim, outcome, checks } = accepted;
    let target = workspaces.settings.target.clone();
    let done = Box::new(move |landed| tell(ends(task, epoch, run, (outcome, checks), target, landed)));
    let _ = landing.send(Entry { task, claim, alive: Box::new(alive), done });
}

fn ends(
    task: TaskId,
    epoch: Epoch,
    run: RunId,
    (outcome, mut checks): (Option<Outcome>, Vec<Check>),
    target: String,
    landed: Landing,
) -> Vec<Op> {
    let check = |passed: bool, explanation: String| Check {
        validator: "merge".into(),
        place: usize::MAX,
        name: "merge".into(),
        score: f64::from(u8::from(passed)),
        passed,
        label: if passed { "landed" } else { "refused" }.into(),
        explanation,
    };
    let failed = |fault, checks| Op::Finish { task, epoch, end: End::Failed { fault, checks } };
    match landed {
        Landing::Landed { commit } => {
            checks.push(check(true, format!("{target} is at {commit}")));
            let fact = Fact::Landed { commit, target };
            vec![
                Op::Note { run: Some(run), task: Some(task), fact },
                Op::Finish { task, epoch, end: End::Accepted { outcome, checks } },
            ]
        }
        Landing::Refused { why } => {
            checks.push(check(false, why.clone()));
            vec![failed(Fault::new(ErrorClass::Unaccepted, format!("merge: {why}")), checks)]
        }
        // Refused as stale where the task went another way.
        Landing::Withdrawn => {
            let why = "the host had lost its right to land it";
            vec![failed(Fault::new(ErrorClass::Transient, why), checks)]
        }
        Landing::Failed { why } => {
            vec![failed(Fault::new(ErrorClass::Transient, format!("it could not be merged: {why}")), checks)]
        }
    }
}

/// Whose tree a branch is.
pub struct Owner {
    pub task: Task,
    /// The task and all above it have ended: the tree is of no more use.
    pub over: bool,
}

/// The task that a branch `baton/r1/t7.2-name` belongs to, if it is one of this store.
///
/// # Errors
/// The store can't be read.
pub fn owner(conn: &Reader, branch: &str) -> read::Reading<Option<Owner>> {
    let id = branch.rsplit('/').next().and_then(|own| own.split('.').next()?.parse::<TaskId>().ok());
    let Some(task) = id.map(|id| read::task(conn, id)).transpose()?.flatten() else { return Ok(None) };
    let mut over = true;
    for id in read::cost::lineage(conn, task.id)? {
        over &= read::task(conn, id)?.is_none_or(|task| task.state.is_terminal());
    }
    Ok(Some(Owner { task, over }))
}

/// Takes away what a host left that was killed before it could.
///
/// # Errors
/// The store can't be read.
pub async fn clear(workspaces: &Workspaces, conn: &Reader) -> read::Reading<()> {
    for (path, branch) in workspaces.list().await.unwrap_or_default() {
        if owner(conn, &branch)?.is_some_and(|owner| owner.over) {
            workspaces.discard(&Tree { path, branch, base: String::new() }).await;
        }
    }
    Ok(())
}

/// The operator's checks, run one after the other in a tree.
#[must_use]
pub fn check(around: Surroundings, profiles: Vec<String>) -> queue::Check {
    Arc::new(move |folder| {
        let (around, profiles) = (around.clone(), profiles.clone());
        Box::pin(async move {
            let errand = Errand {
                task: TaskId(0),
                epoch: Epoch(0),
                idempotency_key: "merge".into(),
                deadline: around.clock.now() + std::time::Duration::from_secs(3600),
                meter: Arc::new(Meter::default()),
                folder: Some(folder),
            };
            let powers = around.own_powers(errand, Arc::new(Fence::default()));
            for profile in &profiles {
                run_to_end(&powers, profile, &[], Vec::new()).await?;
            }
            Ok(())
        })
    })
}

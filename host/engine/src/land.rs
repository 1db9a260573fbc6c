//! Trees in the life of a task: made before an attempt, sealed after it, landed when it is accepted.

use std::path::PathBuf;
use std::sync::Arc;

use baton_core::event::Fact;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::{Epoch, RunId, TaskId};
use baton_core::op::{End, Op};
use baton_core::outcome::{Check, Outcome};
use baton_core::plan::Workstream;
use baton_core::scope::Glob;
use baton_core::task::Task;
use baton_plugin::capability::process::run_to_end;
use baton_plugin::capability::{Cancellation, UsageMeter};
use baton_store::{Reader, Reading, read};
use tokio::sync::mpsc::UnboundedSender;

use super::attempt::{self, CallScope, HostContext};
use crate::workspace::queue::{self, Entry, Landing};
use crate::workspace::{Change, Claim, Key, SealError, Sealed, Site, Tree, Workspaces, attr};

/// Where an attempt works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkDir {
    /// Where the configuration says.
    Configured,
    /// In a tree of its own; `keep` takes up the one of the attempt before.
    Own { keep: bool },
    /// In the tree whose content it is to judge.
    Judged(PathBuf),
}

/// Makes the working directory ready.
///
/// # Errors
/// Git could not make the tree.
pub async fn begin(
    workspaces: Option<&Arc<Workspaces>>,
    work_dir: WorkDir,
    site: Site<'_>,
) -> Result<(Option<PathBuf>, Option<Tree>), Fault> {
    let (Some(workspaces), WorkDir::Own { keep }) = (workspaces, &work_dir) else {
        return Ok(match work_dir {
            WorkDir::Judged(folder) => (Some(folder), None),
            WorkDir::Configured | WorkDir::Own { .. } => (None, None),
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
        attempt::Result::Claimed(outcome) => match sealed(workspaces, &tree, spec, outcome).await {
            Ok(outcome) => attempt::Result::Claimed(outcome),
            Err(fault) => {
                workspaces.discard(tree.key).await;
                attempt::Result::Over(End::Failed { fault, checks: Vec::new() })
            }
        },
        attempt::Result::Over(end) => {
            workspaces.discard(tree.key).await;
            attempt::Result::Over(end)
        }
        attempt::Result::Asked => attempt::Result::Asked,
    }
}

/// After which pauses a tree is sealed again where git itself failed: its work is done and paid for.
const AGAIN: [std::time::Duration; 3] = [
    std::time::Duration::from_millis(200),
    std::time::Duration::from_secs(2),
    std::time::Duration::from_secs(10),
];

async fn sealed(
    workspaces: &Workspaces,
    tree: &Tree,
    spec: &Workstream,
    mut outcome: Outcome,
) -> Result<Outcome, Fault> {
    let message = message(spec, &outcome, tree.key);
    let mut sealed = workspaces.seal(tree, &message).await;
    for pause in AGAIN {
        if !matches!(sealed, Err(SealError::Git(_))) {
            break;
        }
        tokio::time::sleep(pause).await;
        sealed = workspaces.seal(tree, &message).await;
    }
    let Sealed { head, changes } = sealed.map_err(|why| match why {
        SealError::Left(why) => Fault::new(ErrorClass::Unaccepted, why),
        SealError::Git(why) => {
            Fault::new(ErrorClass::Transient, format!("its changes can't be committed: {why}"))
        }
    })?;
    if changes.is_empty() && !spec.allow_no_change {
        let left_out = workspaces.left_out(tree).await.map(|why| format!(": {why}")).unwrap_or_default();
        let why = format!("it claims to be done and has changed no file of its tree{left_out}");
        return Err(Fault::new(ErrorClass::Unaccepted, why));
    }
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    let told = [
        (attr::TREE, tree.path.display().to_string()),
        (attr::CLAIM, tree.key.to_string()),
        (attr::BASE, tree.base.clone()),
        (attr::HEAD, head),
        (attr::CHANGED, json(serde_json::to_string(&changes))),
        (attr::PATHS, json(serde_json::to_string(&spec.paths))),
    ];
    outcome.attrs.extend(told.map(|(name, value)| (name.to_owned(), value)));
    Ok(outcome)
}

/// Characters of a title that a commit's first line has; of a summary, those that its message has.
const TITLE: usize = 100;
const SUMMARY: usize = 10_000;

/// The message of the commit with which a claim lands. Git takes no NUL in it, and its first line is its title.
fn message(spec: &Workstream, outcome: &Outcome, key: Key) -> String {
    let title = if spec.title.trim().is_empty() { &spec.id } else { &spec.title };
    let title: String = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = title.chars().filter(|c| !c.is_control()).take(TITLE).collect();
    let harmless = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let summary: String = outcome.summary.chars().filter(harmless).take(SUMMARY).collect();
    let summary = summary.trim();
    let body = if summary.is_empty() { String::new() } else { format!("{summary}\n\n") };
    format!("{short}\n\n{body}Baton-Task: {}\nBaton-Attempt: {key}\n", spec.id)
}

/// What an outcome claims to have changed, if it had a tree.
#[must_use]
pub fn claim(outcome: &Outcome) -> Option<Claim> {
    let value = |name: &str| outcome.attrs.get(name).cloned();
    Some(Claim {
        key: value(attr::CLAIM)?.parse().ok()?,
        tree: value(attr::TREE)?.into(),
        base: value(attr::BASE)?,
        head: value(attr::HEAD)?,
    })
}

/// The paths that a claim changed, as patterns; none if one of them can't be written as such.
#[must_use]
pub fn changed(outcome: &Outcome) -> Option<Vec<Glob>> {
    let changes: Vec<Change> = serde_json::from_str(outcome.attrs.get(attr::CHANGED)?).ok()?;
    let paths = changes.into_iter().flat_map(|change| [Some(change.path), change.from]).flatten();
    paths.map(|path| path.parse().ok()).collect()
}

/// Whether an outcome, or a part of it, came with a changed file.
#[must_use]
pub fn has_changed(outcome: &Outcome) -> bool {
    let own = claim(outcome).is_some_and(|claim| !claim.is_empty());
    own || outcome.attrs.contains_key(attr::BELOW)
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

/// How the queue reports on a claim.
pub struct Callbacks {
    pub alive: Box<dyn Fn() -> bool + Send + Sync>,
    pub stalled: Box<dyn Fn(String) + Send + Sync>,
    pub tell: Box<dyn FnOnce(Vec<Op>) + Send>,
}

/// Hands it to the queue; what it comes to is told as the end of the task, after which its tree is taken away.
pub fn land(
    landing: &UnboundedSender<Entry>,
    workspaces: &Workspaces,
    accepted: Accepted,
    callbacks: Callbacks,
) {
    let Accepted { task, epoch, run, claim, outcome, checks } = accepted;
    let Callbacks { alive, stalled, tell } = callbacks;
    let target = workspaces.settings.target.clone();
    let done = Box::new(move |landed| tell(ends(task, epoch, run, (outcome, checks), target, landed)));
    let _ = landing.send(Entry { task, claim, alive, stalled, done });
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
            checks.push(check(true, format!("{target} has it since {commit}")));
            let fact = Fact::Landed { commit, target };
            vec![
                Op::Note { run: Some(run), task: Some(task), fact },
                Op::Finish { task, epoch, end: End::Accepted { outcome, checks } },
            ]
        }
        Landing::Conflict { files } => {
            let why = format!("it conflicts with what landed meanwhile, in {}", files.join(", "));
            checks.push(check(false, why));
            vec![Op::Finish { task, epoch, end: End::Conflicted { files, checks } }]
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
    }
}

/// Whose tree it is.
pub struct Owner {
    pub task: Task,
    /// The task and all above it have ended: the tree is of no more use.
    pub over: bool,
}

/// The task that a tree belongs to.
///
/// # Errors
/// The store can't be read.
pub fn owner(conn: &Reader, key: Key) -> Reading<Option<Owner>> {
    let Some(task) = read::task(conn, key.task)?.filter(|task| task.run == key.run) else { return Ok(None) };
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
pub async fn clear(workspaces: &Workspaces, conn: &Reader) -> Reading<()> {
    let mut over = Vec::new();
    let kept = workspaces.list().into_iter().map(|tree| tree.key);
    for key in kept.chain(workspaces.marked().await) {
        if owner(conn, key)?.is_none_or(|owner| owner.over) {
            over.push(key);
        }
    }
    workspaces.sweep(&over).await;
    workspaces.clear_gone().await;
    Ok(())
}

/// The operator's checks, run one after the other in a tree.
#[must_use]
pub fn check(host: HostContext, profiles: Vec<String>) -> queue::Check {
    Arc::new(move |folder| {
        let (host, profiles) = (host.clone(), profiles.clone());
        Box::pin(async move {
            let scope = CallScope {
                task: TaskId(0),
                epoch: Epoch(0),
                idempotency_key: "merge".into(),
                deadline: host.clock.now() + std::time::Duration::from_secs(3600),
                meter: Arc::new(UsageMeter::default()),
                folder: Some(folder),
                may_write: true,
            };
            let capabilities = host.own_capabilities(scope, Arc::new(Cancellation::default()));
            for profile in &profiles {
                run_to_end(&capabilities, profile, &[], Vec::new()).await?;
            }
            Ok(())
        })
    })
}

#[cfg(test)]
mod tests {
    use baton_core::id::RunId;

    use super::*;

    #[test]
    fn a_commit_has_its_title_its_summary_if_any_and_where_it_is_from() {
        let key = Key { run: RunId(1), task: TaskId(2), epoch: Epoch(3) };
        let of = |summary: &str| {
            let outcome = Outcome { summary: summary.to_owned(), ..Outcome::default() };
            message(&Workstream::named("ws-1"), &outcome, key)
        };
        let trailers = format!("Baton-Task: ws-1\nBaton-Attempt: {key}\n");
        assert_eq!(of("Did it.\n"), format!("ws-1\n\nDid it.\n\n{trailers}"));
        assert_eq!(of(" \n"), format!("ws-1\n\n{trailers}"));
    }
}

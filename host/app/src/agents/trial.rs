//! Two small tasks for a configured agent, in a store of their own.

use std::path::PathBuf;

use baton_core::agent::Card;
use baton_core::budget::{Basis, Money};
use baton_core::command::Command;
use baton_core::id::RunId;
use baton_core::op::Submission;
use baton_core::plan::{Plan, Validator, Workstream};
use baton_core::seed::Seed;
use baton_core::span::Span;
use baton_core::task::State;
use baton_core::task::policy::{Effects, Retry, Timeouts};
use baton_plugin::conformance::RuleResult;
use baton_store::read::{self, history};
use baton_store::{Home, Lock, Reader, Store, reader};
use serde_json::json;

use crate::config::Config;
use crate::{App, AppError, host, routers, submit};

/// How long each of the tasks may take.
const PATIENCE: Span = Span::from_secs(300);

/// A folder that goes away with the trial.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn tasks(agent: &str) -> Vec<Workstream> {
    let task = |id: &str, title: &str| Workstream {
        title: title.to_owned(),
        agent: Some(agent.to_owned()),
        effects: Effects::Pure,
        retry: Retry { attempts: 1, ..Retry::default() },
        timeouts: Timeouts { attempt: PATIENCE, ..Timeouts::default() },
        ..Workstream::named(id)
    };
    let contract = json!({
        "type": "object", "required": ["word"], "properties": { "word": { "type": "string" } },
    });
    vec![
        Workstream {
            contract: Some(contract),
            validators: vec![Validator { uses: "schema".into(), ..Validator::default() }],
            ..task("contract", "Answer with a JSON object whose member `word` is \"ready\".")
        },
        task("words", "Answer with the word ready."),
    ]
}

/// Has the agent do them, and says how it did. Whatever that costs is spent.
///
/// # Errors
/// A store can't be made, or its host broke.
pub fn run(app: &App, card: Card) -> Result<Vec<RuleResult>, AppError> {
    let folder = Folder(std::env::temp_dir().join(format!("baton-trial-{}", std::process::id())));
    let home = Home::at(&folder.0);
    let store = Store::open(&home, Lock::take(&home)?)?;
    let library = app.library()?;
    let plan = Plan { name: "trial".into(), workstreams: tasks(&card.name) };
    let router = routers::chosen("least-loaded", &library)?;
    let submission = Submission { plan, seed: Seed(1), router, key: None };
    let config = Config { agents: vec![card], workspace: None, ..app.config.clone() };
    let setup = host::Setup::of(&config, library);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let host = host::start(&config, &home, store, setup).await?;
        let live = host.live();
        let (run, _) = submit::opened(live.command(Command::Submit(Box::new(submission))).await?)?;
        live.wait(run).await;
        host.drain().await?;
        Ok::<_, AppError>(())
    })?;
    findings(&home)
}

fn findings(home: &Home) -> Result<Vec<RuleResult>, AppError> {
    let conn = reader(home)?;
    let mut findings = Vec::new();
    for (name, rule) in [("words", "does a small task"), ("contract", "keeps to a JSON Schema")] {
        findings.push(finding(&conn, name, rule)?);
    }
    let bills = read::cost::items(&conn).map_err(AppError::unreadable)?;
    let tokens: u64 =
        bills.iter().map(|item| item.bill.usage.input_tokens + item.bill.usage.output_tokens).sum();
    findings.push(RuleResult {
        rule: "says what it used",
        passed: true,
        detail: if tokens > 0 {
            format!("{tokens} tokens")
        } else {
            "nothing: caps on tokens can't bind".into()
        },
    });
    let known = bills.iter().all(|item| matches!(item.bill.basis, Basis::Reported | Basis::Priced));
    let spent: u64 = bills.iter().map(|item| item.bill.cost.0).sum();
    findings.push(RuleResult {
        rule: "has a price",
        passed: true,
        detail: if known && !bills.is_empty() {
            format!("{} was spent", Money(spent))
        } else {
            "none is known: see [prices] and cost in baton.toml".into()
        },
    });
    Ok(findings)
}

fn finding(conn: &Reader, name: &str, rule: &'static str) -> Result<RuleResult, AppError> {
    let run = RunId(1);
    let id = read::task_named(conn, run, name).map_err(AppError::unreadable)?;
    let id = id.ok_or_else(|| AppError::unavailable("the trial was not recorded"))?;
    let task = read::task(conn, id).map_err(AppError::unreadable)?;
    let passed = task.is_some_and(|task| matches!(task.state, State::Succeeded { .. }));
    let last = history::attempts(conn, id).map_err(AppError::unreadable)?.pop();
    let detail = last.map_or_else(
        || "it was not started".to_owned(),
        |attempt| match (attempt.report.fault, attempt.report.outcome) {
            (Some(fault), _) => fault.to_string(),
            (None, Some(outcome)) => outcome.summary,
            (None, None) => "no answer".to_owned(),
        },
    );
    Ok(RuleResult { rule, passed, detail })
}

//! The conformance tests behind `baton plugin test`: rules that every plugin of a kind must satisfy.

mod agent;

use std::collections::BTreeMap;

use baton_core::clock::Time;
use baton_core::id::{Epoch, RunId, TaskId, TermsId};
use baton_core::outcome::{Outcome, Report};
use baton_core::plan::Workstream;
use baton_core::seed::Seed;
use baton_core::task::child::{AttemptTotals, Child};
use baton_core::task::{State, StateName, Task};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::PluginError;
use super::executor::{self, Step};
use super::library::Library;
use super::router::{
    Agent, Attr, Experience, Feature, Lesson, Request, Router, SkillStats, Snapshot, Verdict, request,
};
use super::validator;
use baton_core::kind::Kind;

/// The result of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleResult {
    /// The rule, as a sentence about the plugin.
    pub rule: &'static str,
    /// Whether the plugin satisfies it.
    pub passed: bool,
    /// Why not; empty if it passed.
    pub detail: String,
}

fn finding(rule: &'static str, found: Result<(), String>) -> RuleResult {
    RuleResult { rule, passed: found.is_ok(), detail: found.err().unwrap_or_default() }
}

/// Runs the rules of a kind. `input` is a task input that the plugin can handle, or for a validator the output of an
/// outcome; without one, built-in inputs are tried.
///
/// # Errors
/// The plugin can't be loaded.
pub fn test(
    library: &Library,
    name: &str,
    kind: Kind,
    input: Option<&Value>,
) -> Result<Vec<RuleResult>, PluginError> {
    match kind {
        Kind::Router => router(library, name, input),
        Kind::Executor => executor(library, name, input),
        Kind::Validator => validator(library, name, input),
        Kind::Agent => agent::rules(library, name, input),
    }
}

fn task() -> Task {
    Task {
        id: TaskId(1),
        run: RunId(1),
        parent: None,
        terms: TermsId(1),
        state: State::Ready { since: Time(0) },
        held: false,
        cancelling: false,
        epoch: Epoch(0),
        attempts: 0,
        crashes: 0,
        conflicts: 0,
        priority: 0,
        created: Time(0),
        deadline: None,
    }
}

fn spec(index: usize, input: Value) -> Workstream {
    let skills = if index.is_multiple_of(2) { vec!["rust".to_owned()] } else { Vec::new() };
    Workstream { title: format!("Task {index}"), input, skills, ..Workstream::named(format!("task-{index}")) }
}

/// Inputs that careless code can't handle.
fn hostile() -> Vec<Value> {
    vec![
        Value::Null,
        json!({}),
        json!([]),
        json!("\u{0}\u{202e}'; DROP TABLE task; --"),
        json!({ "steps": -1, "branches": "none" }),
        json!("x".repeat(1 << 20)),
        json!(vec![0; 10_000]),
    ]
}

/// A generated snapshot of this size: the same for the same arguments. Used by these rules and by benchmarks.
#[must_use]
pub fn snapshot(agents: u32, requests: usize, seed: u64) -> Snapshot {
    let agent = |index: u32| Agent {
        id: format!("agent-{index:04}"),
        kind: format!("mock:{}", index % 2),
        skills: if index.is_multiple_of(3) { vec!["go".into(), "rust".into()] } else { vec!["rust".into()] },
        tracks: Vec::new(),
        capacity: 1 + index % 4,
        running: index % 2,
        stats: vec![SkillStats {
            skill: "rust".into(),
            accepted: index,
            refused: index % 3,
            failed: index % 5,
            successes: f64::from(index.min(60)),
            trials: f64::from(index.min(60) + index % 3 + index % 5),
            latency: 1000,
            cost_micros: index.is_multiple_of(2).then_some(u64::from(index) * 10),
            quality: None,
            last: 0,
            attrs: Vec::new(),
        }],
        attrs: Vec::new(),
    };
    let sets = vec![(0..agents).collect::<Vec<_>>(), (0..agents).step_by(2).collect()];
    let one = |index: usize| -> Request {
        request(
            &task(),
            &spec(index, json!({ "number": index })),
            Vec::new(),
            u32::from(index.is_multiple_of(2)),
            5,
            None,
        )
    };
    Snapshot {
        now: 1_700_000_000_000,
        seed,
        agents: (0..agents).map(agent).collect(),
        candidate_sets: sets,
        requests: (0..requests).map(one).collect(),
        config: Vec::<Attr>::new(),
        state: Vec::new(),
    }
}

fn router(library: &Library, name: &str, input: Option<&Value>) -> Result<Vec<RuleResult>, PluginError> {
    let router = library.router(name)?;
    // A router that must be configured with an agent gets one.
    let config = match router.route(&snapshot(1, 1, 7)) {
        Ok(_) => Vec::new(),
        Err(_) => vec![Attr { name: "agent".into(), value: "agent-0000".into() }],
    };
    let ask = |asked: &Snapshot| {
        let asked = Snapshot { config: config.clone(), ..asked.clone() };
        router.route(&asked).map_err(|why| why.to_string())
    };
    let mut findings = Vec::new();
    let keeps = |agents, requests| {
        let mut asked = snapshot(agents, requests, 7);
        if let Some(input) = input {
            asked.requests.iter_mut().for_each(|request| request.task.input = input.to_string());
        }
        ask(&asked).map(|_| ())
    };
    findings.push(finding("one agent, one task", keeps(1, 1)));
    findings.push(finding("decides for each of 64 tasks, within the candidates", keeps(16, 64)));
    findings.push(finding("stays within its limits for 1,000 agents and 256 tasks", keeps(1000, 256)));
    findings.push(finding("the same question gets the same answer, byte for byte", twice(&ask)));
    findings.push(finding("goes on from its own state", from_state(&ask)));
    findings.push(finding(
        "a state that is not its own is refused or forgotten, not trusted",
        foreign_state(&ask),
    ));
    findings.push(finding("survives hostile task inputs", hostile_tasks(&ask)));
    findings.push(finding("totals are the sums of values times weights", totals(&ask)));
    if router.learns() {
        findings
            .push(finding("learns the same twice, and decides with what it learned", learns(&router, &ask)));
    }
    Ok(findings)
}

/// A generated attempt for a lesson.
fn experience(index: u32) -> Experience {
    Experience {
        task: format!("task-{index}"),
        run: "r1".into(),
        skills: vec!["rust".into()],
        features: vec![Feature { name: "plan.difficulty".into(), value: f64::from(index % 7) / 7.0 }],
        agent: format!("agent-{:04}", index % 16),
        agent_kind: format!("mock:{}", index % 2),
        verdict: if index.is_multiple_of(3) { Verdict::Refused } else { Verdict::Accepted },
        latency: 1000,
        cost_micros: None,
        quality: None,
        at: 1_700_000_000_000,
    }
}

fn learns(router: &Router, ask: Ask<'_>) -> Result<(), String> {
    let experiences: Vec<Experience> = (0..256).map(experience).collect();
    let mut state = Vec::new();
    for _ in 0..4 {
        let lesson = Lesson { experiences: experiences.clone(), config: Vec::new(), state };
        let [first, second] = [router.learn(&lesson), router.learn(&lesson)];
        let first = first.map_err(|why| why.to_string())?;
        if second.map_err(|why| why.to_string())? != first {
            return Err("two answers to the same lesson differ".into());
        }
        state = first.0;
    }
    ask(&Snapshot { state, ..snapshot(16, 32, 5) }).map(|_| ())
}

type Ask<'a> = &'a dyn Fn(&Snapshot) -> Result<super::router::Routed, String>;

fn twice(ask: Ask<'_>) -> Result<(), String> {
    for seed in 0..5 {
        let asked = snapshot(8, 32, seed);
        let (first, second) = (ask(&asked)?, ask(&asked)?);
        if first != second {
            return Err(format!("two answers to the snapshot with seed {seed} differ"));
        }
    }
    Ok(())
}

fn from_state(ask: Ask<'_>) -> Result<(), String> {
    let mut asked = snapshot(4, 3, 1);
    for _ in 0..5 {
        asked.state = ask(&asked)?.answer.state;
    }
    Ok(())
}

fn foreign_state(ask: Ask<'_>) -> Result<(), String> {
    for state in [vec![0xff; 3], vec![0; 1000], b"{}".to_vec()] {
        ask(&Snapshot { state, ..snapshot(4, 3, 1) })?;
    }
    Ok(())
}

fn hostile_tasks(ask: Ask<'_>) -> Result<(), String> {
    for value in hostile() {
        let mut asked = snapshot(3, 1, 1);
        asked.requests = vec![request(&task(), &spec(0, value), vec!["\u{0}".into()], 0, u64::MAX, None)];
        ask(&asked)?;
    }
    Ok(())
}

fn totals(ask: Ask<'_>) -> Result<(), String> {
    let answer = ask(&snapshot(8, 16, 3))?.answer;
    for decision in &answer.decisions {
        let super::router::Choice::Assign(assignment) = &decision.choice else { continue };
        for score in &assignment.scores {
            let sum: f64 =
                score.values.iter().zip(&answer.factors).map(|(value, factor)| value * factor.weight).sum();
            if (sum - score.total).abs() > 1e-6 * sum.abs().max(1.0) {
                return Err(format!(
                    "request {}: total {} but the factors give {sum}",
                    decision.request, score.total
                ));
            }
        }
    }
    Ok(())
}

/// Task inputs to try: the given one, or one for each bundled executor.
fn divisible(input: Option<&Value>) -> Vec<(&'static str, Workstream)> {
    let part = |name: &str| json!({ "name": name, "title": "A part", "input": { "x": 1 } });
    if let Some(input) = input {
        return vec![("the input that was given", spec(0, input.clone()))];
    }
    vec![
        ("a list of steps", spec(0, json!({ "steps": [part("a"), part("b")] }))),
        ("a list of branches", spec(0, json!({ "branches": [part("a"), part("b")] }))),
        ("a goal", spec(0, json!({ "goal": "anything" }))),
        ("an input", spec(0, json!({ "input": 1 }))),
        ("an input, and a time", spec(0, json!({ "title": "A part", "input": 1, "after_ms": 1000 }))),
    ]
}

fn executor(library: &Library, name: &str, input: Option<&Value>) -> Result<Vec<RuleResult>, PluginError> {
    let executor = library.executor(name)?;
    let config = BTreeMap::new();
    let ask = |spec: &Workstream, children: &[Child]| {
        executor.advance(&executor::AdvanceRequest {
            task: &task(),
            spec,
            feedback: Vec::new(),
            children,
            now: Time(1_700_000_000_000),
            seed: Seed(7),
            config: &config,
            rounds: 0,
        })
    };
    let mut findings = Vec::new();
    let mut refusals = Vec::new();
    let mut divides = false;
    for (case, spec) in divisible(input) {
        match ask(&spec, &[]) {
            Ok(Step::Spawn { children, .. }) => {
                divides = true;
                let again = ask(&spec, &[]);
                let same = matches!(again, Ok(Step::Spawn { children: second, .. }) if second == children);
                let same = same.then_some(()).ok_or_else(|| format!("two answers to {case} differ"));
                findings.push(finding("the same question gets the same answer", same));
                let ended = ends(&ask, &spec, &children).map_err(|why| format!("{case}: {why}"));
                findings.push(finding("ends, whatever its children come to", ended));
            }
            Ok(Step::Wait(_) | Step::Finish(_) | Step::Fail(_)) => {
                refusals.push(format!("{case}: no children"))
            }
            Err(why) => refusals.push(format!("{case}: {why}")),
        }
    }
    let start = divides.then_some(()).ok_or_else(|| {
        let hint = "give one that it is made for: `baton plugin test PLUGIN --input JSON`";
        format!("it spawned nothing for any input of the kit ({}); {hint}", refusals.join("; "))
    });
    findings.push(finding("divides work into children", start));
    let mut survived = Ok(());
    for value in hostile() {
        if let Err(
            why @ (PluginError::Trapped { .. }
            | PluginError::OverLimit { .. }
            | PluginError::InvalidAnswer { .. }),
        ) = ask(&spec(0, value), &[])
        {
            survived = Err(why.to_string());
        }
    }
    findings.push(finding("survives hostile inputs", survived));
    Ok(findings)
}

type Advance<'a> = &'a dyn Fn(&Workstream, &[Child]) -> Result<Step, PluginError>;

/// Ends children, all successfully or all with a failure, until the executor finishes.
fn ends(ask: Advance<'_>, spec: &Workstream, first: &[Workstream]) -> Result<(), String> {
    for state in [StateName::Succeeded, StateName::Failed] {
        let child = |one: &Workstream| Child {
            task: TaskId(2),
            name: one.id.clone(),
            state,
            totals: AttemptTotals::default(),
            report: Report {
                outcome: (state == StateName::Succeeded).then(|| Outcome {
                    summary: "done".into(),
                    output: json!({ "k": 1 }),
                    ..Outcome::default()
                }),
                fault: (state == StateName::Failed)
                    .then(|| baton_core::fault::Fault::new(baton_core::fault::ErrorClass::Transient, "no")),
                checks: Vec::new(),
            },
        };
        let mut children: Vec<Child> = first.iter().map(child).collect();
        let mut rounds = 0;
        loop {
            rounds += 1;
            match ask(spec, &children).map_err(|why| why.to_string())? {
                Step::Finish(_) | Step::Fail(_) => break,
                Step::Spawn { children: more, .. } if rounds < 100 => children.extend(more.iter().map(child)),
                Step::Spawn { .. } | Step::Wait(_) => {
                    return Err(format!("it does not end when its children are {state}"));
                }
            }
        }
    }
    Ok(())
}

fn validator(library: &Library, name: &str, input: Option<&Value>) -> Result<Vec<RuleResult>, PluginError> {
    let validator = library.validator(name)?;
    let config = BTreeMap::from([("agent".to_owned(), "checker".to_owned())]);
    let none = BTreeMap::new();
    let ask = |outcome: &Outcome, contract: Option<Value>, config: &BTreeMap<String, String>| {
        let spec = Workstream { contract, ..spec(0, json!({})) };
        let question = validator::ValidationRequest {
            task: &task(),
            spec: &spec,
            outcome,
            evidence: &[],
            now: Time(0),
            config,
        };
        validator.validate(&question)
    };
    let contract = || Some(json!({ "type": "object", "required": ["k"] }));
    let output = input.cloned().unwrap_or_else(|| json!({ "k": 1 }));
    let good = Outcome { summary: "done".into(), output, ..Outcome::default() };
    let answers = |outcome: &Outcome| match ask(outcome, contract(), &none) {
        Ok(verdict) => Ok(verdict),
        Err(PluginError::Refused { .. }) => ask(outcome, contract(), &config),
        Err(why) => Err(why),
    };
    let mut findings = Vec::new();
    findings
        .push(finding("judges a sound outcome", answers(&good).map(|_| ()).map_err(|why| why.to_string())));
    let same = match (answers(&good), answers(&good)) {
        (Ok(one), Ok(two)) if one == two => Ok(()),
        (Ok(_), Ok(_)) => Err("two answers to the same question differ".to_owned()),
        (Err(why), _) | (_, Err(why)) => Err(why.to_string()),
    };
    findings.push(finding("the same question gets the same answer", same));
    let mut survived = Ok(());
    for output in hostile() {
        let outcome = Outcome { output, ..Outcome::default() };
        if let Err(
            why @ (PluginError::Trapped { .. }
            | PluginError::OverLimit { .. }
            | PluginError::InvalidAnswer { .. }),
        ) = answers(&outcome)
        {
            survived = Err(why.to_string());
        }
    }
    findings.push(finding("survives hostile outcomes", survived));
    Ok(findings)
}

//! Executors and validators, end to end.

use baton_core::ending::Ending;
use baton_core::fault::ErrorClass;
use baton_core::task::{Role, StateName};
use serde_json::json;

use crate::support::{Env, plan};

fn env(agents: &str, workstreams: serde_json::Value) -> Env {
    let env = Env::new();
    env.write("baton.toml", agents);
    env.write("plan.json", &plan(workstreams));
    env
}

const ECHO: &str = "[agents.echo]\nadapter = \"mock\"\nconfig = { echo = true }\n";

fn output(env: &Env, task: &str) -> serde_json::Value {
    let shown = env.baton(&["show", task, "--json"]).json();
    let attempts = shown["attempts"].as_array().cloned().unwrap_or_default();
    attempts.last().map(|attempt| attempt["report"]["outcome"]["output"].clone()).unwrap_or_default()
}

#[test]
fn sequential_steps_hand_over_what_came_before() {
    let steps = json!({ "steps": [
        { "name": "draft", "title": "Draft", "input": { "text": "hello" } },
        { "name": "review", "title": "Review", "input": { "strict": true } },
    ] });
    let env = env(ECHO, json!([{ "id": "essay", "executor": "sequential", "input": steps }]));
    env.baton(&["run", "plan.json"]).ok();
    let handed = output(&env, "essay/review");
    assert_eq!(handed["strict"], true);
    assert_eq!(handed["handoff_from_draft"]["key_outputs"]["text"], "hello");
    assert_eq!(output(&env, "essay")["strict"], true, "the last step's output is the whole's");
}

#[test]
fn parallel_branches_are_joined_and_a_failed_one_fails_the_whole() {
    let branches = json!({ "branches": [
        { "name": "left", "title": "Left", "input": 1 }, { "name": "right", "title": "Right", "input": 2 },
    ] });
    let good = env(ECHO, json!([{ "id": "both", "executor": "parallel", "input": branches }]));
    good.baton(&["run", "plan.json"]).ok();
    assert_eq!(output(&good, "both"), json!({ "left": 1, "right": 2 }));
    let bad = env(
        "[agents.bad]\nadapter = \"mock\"\nconfig = { fail-first = 9, fault = \"invalid-input\" }\n",
        json!([{ "id": "both", "executor": "parallel", "input": branches, "retry": { "attempts": 1 } }]),
    );
    assert_eq!(bad.baton(&["run", "plan.json"]).code, Some(1));
    assert!(bad.baton(&["why", "both"]).ok().contains("both failed at "));
}

#[test]
fn an_outcome_that_breaks_its_contract_is_refused_and_the_reason_reaches_the_next_attempt() {
    let contract = json!({ "type": "object", "required": ["answer"] });
    let env = env(
        "[agents.sh]\nadapter = \"command\"\nconfig = { profile = \"try\" }\n[profiles.try]\nenv = [\"PATH\"]\n\
         argv = [\"sh\", \"-c\", \"cat > seen-$0.json; if grep -q 'answer.*required' seen-$0.json; then echo '{\\\"answer\\\": 42}'; else echo '{}'; fi\", \"{attempt}\"]\n",
        json!([{ "id": "q", "contract": contract, "validators": [{ "use": "schema" }], "retry": { "base": "1ms" } }]),
    );
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(env.stored().task().task.attempts, 2);
    assert_eq!(env.stored().attempts()[0].ending, Some(Ending::Failed(ErrorClass::Unaccepted)));
    assert_eq!(output(&env, "q"), json!({ "answer": 42 }));
}

#[test]
fn a_command_validator_asks_for_evidence_and_judges_by_it() {
    let config = |test: &str| {
        format!(
            "{ECHO}[agents.tests]\nadapter = \"command\"\nskills = [\"never-by-skill\"]\nconfig = {{ profile = \"test\" }}\n\
             [profiles.test]\nenv = [\"PATH\"]\nargv = [\"sh\", \"-c\", \"{test}\"]\n"
        )
    };
    let workstreams = json!([{
        "id": "w", "skills": [], "agent": "echo", "retry": { "attempts": 1 },
        "validators": [{ "use": "command", "with": { "agent": "tests" } }],
    }]);
    let good = env(&config("echo all good"), workstreams.clone());
    good.baton(&["run", "plan.json"]).ok();
    assert_eq!(
        good.stored()
            .tasks_as(Role::Evidence)
            .iter()
            .map(|stored| stored.task.state.name())
            .collect::<Vec<_>>(),
        [StateName::Succeeded],
        "the evidence is a task"
    );
    let bad = env(&config("echo broken >&2; exit 65"), workstreams);
    assert_eq!(bad.baton(&["run", "plan.json"]).code, Some(1));
    assert!(bad.baton(&["why", "w"]).ok().contains("unaccepted: command: "));
}

#[test]
fn an_agent_that_claims_what_is_not_json_is_not_believed() {
    let env = env(
        "[agents.liar]\nadapter = \"mock\"\nconfig = { garbage = true }\n",
        json!([{ "id": "w", "retry": { "attempts": 1 } }]),
    );
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(1));
    assert!(env.baton(&["why", "w"]).ok().contains("invalid-output: outcome.output is not JSON"));
}

#[test]
fn a_composite_task_that_is_cancelled_leaves_a_sound_store() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.slow]\nadapter = \"mock\"\nskills = [\"work\"]\nconfig = { latency-ms = 60000 }\n",
    );
    env.write(
        "plan.json",
        r#"[{"id": "all", "executor": "parallel", "input": {"branches": [{"title": "x", "input": 1, "skills": ["work"]}]}}]"#,
    );
    let host = env.start(&["run", "plan.json"]);
    env.until("a running branch", |stored| stored.tasks_in(StateName::Running) == 1);
    env.baton(&["cancel", "r1"]).ok();
    assert_eq!(host.wait().code, Some(1));
    env.baton(&["db", "check"]).ok();
}

/// Sixty facts that nobody can guess, far apart in a text that says nothing else.
fn long_report() -> (String, Vec<String>) {
    let facts: Vec<String> =
        (0..60).map(|at| format!("Service {} answers on port {}.", 7 * at + 3, 20_000 + 137 * at)).collect();
    let filler = |at: usize| {
        let words = ["work", "goes", "on", "as", "planned", "and", "the", "team", "is", "calm"];
        let word = |place: usize| words[(place * (at % 7 + 1) + at / 7) % words.len()];
        (0..40)
            .map(|line| (0..12).map(|place| word(place + line)).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .join(". ")
    };
    let parts: Vec<String> =
        facts.iter().enumerate().map(|(at, fact)| format!("{}. {fact}", filler(at))).collect();
    (parts.join(" "), facts)
}

#[test]
fn of_a_long_output_what_says_most_reaches_the_third_step_and_the_rest_is_told() {
    let (text, facts) = long_report();
    assert!(text.len() > 130_000, "{}", text.len());
    let output = json!({ "text": text }).to_string();
    let writer = format!(
        "[agents.writer]\nadapter = \"mock\"\nskills = [\"write\"]\nconfig = {{ output = {} }}\n",
        json!(output)
    );
    let echo = "[agents.echo]\nadapter = \"mock\"\nskills = [\"read\"]\nconfig = { echo = true }\n";
    let step =
        |name: &str, skill: &str| json!({ "name": name, "title": name, "input": {}, "skills": [skill] });
    let steps = json!({ "steps": [step("one", "write"), step("two", "read"), step("three", "read")] });
    let env = env(
        &[&writer, echo].concat(),
        json!([{ "id": "all", "executor": "sequential", "input": steps, "effects": "pure" }]),
    );
    env.baton(&["run", "-q", "plan.json"]).ok();
    let third = output_of(&env, "all/three");
    let kept = facts.iter().filter(|fact| third.contains(fact.as_str())).count();
    assert!(kept * 100 >= facts.len() * 95, "{kept} of {} facts reached the third step", facts.len());
    let shown = env.baton(&["show", "all/two"]).ok();
    let said = format!(" of {} bytes from one, by what says most", output.len());
    assert!(shown.contains("handed on") && shown.contains(&said), "{}", &shown[shown.len() - 2000..]);
    let report = env.baton(&["report"]).ok();
    assert!(report.contains("hand-offs  1 shortened"), "{report}");
}

fn output_of(env: &Env, task: &str) -> String {
    output(env, task).to_string()
}

/// Retried, checked, silent or stopped: the figures of a whole are the sums of its attempts' rows.
#[test]
fn the_figures_of_a_whole_are_those_of_its_attempts() {
    let agent = |name: &str, config: &str| {
        format!(
            "[agents.{name}]\nadapter = \"mock\"\nskills = [\"try\"]\ncost = 0.25\nconfig = {{ latency-ms = 40{config} }}\n"
        )
    };
    let agents =
        [agent("ann", ""), agent("bob", ", fail-first = 1"), agent("eve", ", output = \"[1]\"")].concat();
    let input = json!({ "input": 1, "agents": ["ann", "bob", "eve"] });
    let env = env(
        &agents,
        json!([{ "id": "all", "executor": "collaborative", "input": input, "effects": "pure" }]),
    );
    env.baton(&["run", "-q", "plan.json"]).ok();
    let metrics = output(&env, "all")["metrics"].clone();
    let attempts = env.stored().agents_attempts();
    let work: i64 = attempts
        .iter()
        .map(|attempt| attempt.claimed.or(attempt.ended).expect("it is over").0 - attempt.started.0)
        .sum();
    assert_eq!(metrics["work_ms"], work);
    let cost: u64 = attempts.iter().filter_map(|attempt| Some(attempt.bill.as_ref()?.cost.0)).sum();
    assert_eq!(metrics["cost_micros"], cost);
    assert_eq!(metrics["cost_micros"], 4 * 250_000, "the attempt that failed counts");
    assert_eq!(metrics["cost_known"], true);
    assert_eq!(metrics["agents_used"], json!(["ann", "bob", "eve"]), "also those who had nothing to say");
    let shown = env.baton(&["show", "all/round-1.2"]).ok();
    assert!(shown.contains("attempt 1 by bob") && shown.contains("attempt 2 by bob"), "{shown}");
    let report = env.baton(&["report", "--json"]).json();
    assert_eq!(report["totals"]["busy_ms"], work);
}

#[test]
fn what_acts_on_the_world_is_not_tried_by_several_through_auto_either() {
    let input = json!({ "goal": "Write a poem and publish it", "kind": "creative", "skills": ["try"] });
    let env = env(
        "[agents.ann]\nadapter = \"mock\"\nskills = [\"try\"]\n",
        json!([{ "id": "all", "executor": "auto", "input": input, "effects": "external" }]),
    );
    let said = env.baton(&["run", "plan.json"]).fails(1);
    let failed = env.baton(&["why", "all"]).ok();
    assert!(
        failed.contains("the task has external effects, and each candidate would do them"),
        "{failed}{said}"
    );
    assert_eq!(env.stored().agents_attempts().len(), 0);
}

//! Executors and validators in the real host: what they divide, what wins, and that their figures are the database's.

use baton_core::ending::Ending;
use baton_core::id::RunId;
use baton_core::task::StateName;
use baton_store::testing::{StoredAttempt, StoredDecision};
use serde_json::{Value, json};

use crate::support::Env;
use crate::support::model::{Asked, Model, Reply};
use crate::support::stored::{Stored, lasted};

/// Three agents with names, one model behind them, and prices.
fn env(model: &Model) -> Env {
    let env = Env::new();
    let agent = |name: &str| {
        format!(
            "[agents.{name}]\nadapter = \"openai\"\nskills = [\"think\", \"{name}\"]\n\
             config = {{ service = \"llm\", model = \"scripted-1\", stream = false, system = \"You are {name}.\" }}\n"
        )
    };
    env.write(
        "baton.toml",
        &format!(
            "{}{}{}[services.llm]\nurl = \"http://127.0.0.1:{}/v1\"\nprivate = true\n[prices.\"scripted-1\"]\ninput = 1.0\noutput = 1.0\n",
            agent("ann"),
            agent("bob"),
            agent("eve"),
            model.port
        ),
    );
    env
}

fn run(env: &Env, task: &Value) {
    env.write("plan.json", &json!([task]).to_string());
    env.baton(&["run", "plan.json"]).ok();
}

/// The outcome of a task, as its attempt has it.
fn output(env: &Env, name: &str) -> Value {
    let accepted = env.stored().attempts_that(Ending::Accepted);
    let own = accepted.iter().find(|attempt| attempt.name == name).expect("it was accepted");
    Stored::report(own)["outcome"]["output"].clone()
}

fn system(asked: &Asked) -> String {
    asked.json()["messages"][0]["content"].as_str().unwrap_or_default().to_owned()
}

fn prompt(asked: &Asked) -> String {
    let messages = asked.json()["messages"].clone();
    messages.as_array().and_then(|all| all.last()).map(|last| last["content"].to_string()).unwrap_or_default()
}

#[test]
fn of_three_that_try_the_best_wins_and_its_figures_are_those_of_the_database() {
    let model = Model::start(|_, asked| match system(asked).as_str() {
        "You are bob." => Reply::chat(r#"{"answer": 42, "why": "counted"}"#, 90, 10),
        _ => Reply::chat(r#"{"answer": "many"}"#, 50, 10),
    });
    let env = env(&model);
    run(
        &env,
        &json!({
            "id": "best", "title": "How many?", "executor": "collaborative", "effects": "pure",
            "input": { "input": "Count them.", "skills": ["think"], "count": 3, "choose": "vote" },
        }),
    );
    let output = output(&env, "best");
    let agents = env.stored().agents_used();
    assert_eq!(agents, 3, "each try went to another agent");
    assert_eq!(output["best"]["text"], r#"{"answer": "many"}"#, "two of three say so");
    assert_eq!(output["consensus"]["votes"][0]["count"], 2);
    let metrics = &output["metrics"];
    assert_eq!(metrics["agents_used"], json!(["ann", "bob", "eve"]));
    assert_eq!(metrics["successful_agents"], 3);
    let attempts = env.stored().agents_attempts();
    let cost: u64 = attempts.iter().filter_map(|attempt| Some(attempt.bill.as_ref()?.cost.0)).sum();
    assert_eq!(metrics["cost_micros"].as_u64(), Some(cost));
    assert_eq!(metrics["cost_known"], true);
    let last = attempts.iter().filter_map(|attempt| attempt.ended).max().expect("they are over");
    let span = last.0 - attempts.iter().map(|attempt| attempt.started.0).min().expect("there are some");
    assert_eq!(metrics["execution_ms"].as_i64(), Some(span));
    let work: i64 = attempts.iter().map(lasted).sum();
    assert_eq!(metrics["work_ms"].as_i64(), Some(work));
}

#[test]
fn a_goal_becomes_a_plan_that_is_mended_once_and_then_run() {
    let model = Model::start(|_, asked| {
        let prompt = prompt(asked);
        let wrong = json!({ "tasks": [{ "name": "a", "title": "A", "input": 1, "depends_on": ["nobody"] }] });
        let right = json!({ "tasks": [
            { "name": "a", "title": "Do A", "input": 1 },
            { "name": "b", "title": "Do B", "input": 2, "depends_on": ["a"] },
        ] });
        let text = match () {
            () if prompt.contains("Do A") && !prompt.contains("Do B") => json!({ "made": "a" }),
            () if prompt.contains("Do B") => json!({ "made": "b" }),
            () if prompt.contains("nobody") => right,
            () => wrong,
        };
        Reply::chat(&text.to_string(), 10, 10)
    });
    let env = env(&model);
    run(
        &env,
        &json!({
            "id": "goal", "title": "Reach it", "executor": "plan", "effects": "pure",
            "input": { "goal": "Make a and b.", "planner": { "skills": ["think"] } },
        }),
    );
    assert_eq!(
        output(&env, "goal")["tasks"],
        json!({ "a": { "text": r#"{"made":"a"}"# }, "b": { "text": r#"{"made":"b"}"# } })
    );
    let names: Vec<String> = env.stored().tasks().into_iter().map(|stored| stored.name).collect();
    assert_eq!(names, ["goal", "goal/plan-1", "goal/plan-2", "goal/a", "goal/b"]);
}

#[test]
fn a_late_attempt_is_hedged_and_the_loser_is_stopped() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.a-slow]\nadapter = \"mock\"\nskills = [\"work\"]\nconfig = { latency-ms = 60000 }\n\
         [agents.b-quick]\nadapter = \"mock\"\nskills = [\"work\"]\nconfig = { latency-ms = 1 }\n\
         [router]\nuse = \"round-robin\"\n",
    );
    run(
        &env,
        &json!({
            "id": "h", "title": "Soon", "executor": "hedge", "effects": "pure",
            "input": { "title": "Soon", "input": {}, "skills": ["work"], "after_ms": 50 },
        }),
    );
    let accepted = env.stored().attempts_that(Ending::Accepted);
    let by_quick = |attempt: &StoredAttempt| attempt.agent.as_deref() == Some("b-quick");
    assert!(accepted.iter().any(by_quick), "{accepted:?}");
    assert_eq!(env.stored().tasks_in(StateName::Running), 0, "nothing runs any more");
}

#[test]
fn a_judge_scores_and_its_judgement_is_marked_as_one() {
    let model = Model::start(|_, asked| {
        let judged = prompt(asked).contains("judg") || prompt(asked).contains("rubric");
        let text = if judged && asked.json().to_string().contains("score") {
            r#"{"scores": [{"criterion": "quality", "score": 0.9, "reason": "clear"}], "score": 0.9, "reason": "clear"}"#
        } else {
            "A poem."
        };
        Reply::chat(text, 10, 10)
    });
    let env = env(&model);
    env.write(
        "plan.json",
        &json!([{
            "id": "poem", "title": "Write a poem", "skills": ["ann"], "effects": "pure",
            "validators": [{ "use": "rubric", "with": { "agent": "bob", "rubric": "Is it a poem?", "threshold": "0.5" } }],
            "retry": { "attempts": 1 },
        }])
        .to_string(),
    );
    let ran = env.baton(&["run", "plan.json"]);
    let attempts = env.stored().attempts();
    let report =
        Stored::report(attempts.iter().rfind(|attempt| attempt.name == "poem").expect("it was tried"));
    let check = &report["checks"][0];
    assert_eq!(check["name"], "rubric", "{ran:?} {report}");
    assert!(check["label"].as_str().unwrap_or_default().starts_with("judgement"), "{check}");
}

#[test]
fn a_person_s_verdict_is_a_check_and_reaches_the_router() {
    let env = Env::with_mocks();
    env.write("plan.json", r#"[{"id": "a", "skills": ["work"]}]"#);
    env.baton(&["run", "plan.json"]).ok();
    env.baton(&["feedback", "a", "--score", "0.2", "--note", "Too short.", "--by", "ann"]).ok();
    assert_eq!(Stored::report(&env.stored().attempts()[0])["checks"][0]["label"], "bad by ann");
    let wrong = env.baton(&["feedback", "a", "--score", "2"]).fails(2);
    assert!(wrong.contains("a score is 0.0 to 1.0, not 2"), "{wrong}");
    env.baton(&["run", "plan.json", "--again"]).ok();
    let is_told = |decision: &&StoredDecision| {
        let score = decision.input.split_once("feedback.score");
        decision.run == RunId(2) && score.is_some_and(|(_, after)| after.contains("0.2"))
    };
    assert_eq!(env.stored().decisions().iter().filter(is_told).count(), 1, "the router was told");
}

#[test]
fn what_is_limited_by_key_never_runs_twice_at_once() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.ann]\nadapter = \"mock\"\nskills = [\"work\"]\ncapacity = 8\nconfig = { latency-ms = 30 }\n[keys]\ngpu = 1\n",
    );
    let tasks: Vec<Value> = (0..4)
        .map(|index| json!({ "id": format!("t{index}"), "skills": ["work"], "keys": ["gpu"] }))
        .collect();
    env.write("plan.json", &Value::from(tasks).to_string());
    env.baton(&["run", "plan.json"]).ok();
    let mut attempts = env.stored().attempts();
    attempts.sort_by_key(|attempt| attempt.started);
    let overlap = attempts.windows(2).find(|pair| pair[0].ended > Some(pair[1].started));
    assert_eq!(overlap, None);
}

#[test]
fn an_agent_s_contract_is_held_against_input_and_output() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.ann]\nadapter = \"mock\"\nskills = [\"work\"]\nconfig = { output = '{\"x\": \"one\"}' }\n\
         input = { type = \"object\", required = [\"n\"] }\noutput = { type = \"object\", properties = { x = { type = \"number\" } } }\n",
    );
    env.write(
        "plan.json",
        r#"[{"id": "a", "skills": ["work"], "input": {}, "retry": {"attempts": 1}},
            {"id": "b", "skills": ["work"], "input": {"n": 1}, "retry": {"attempts": 1}}]"#,
    );
    env.baton(&["run", "plan.json"]).fails(1);
    let a = env.baton(&["why", "a"]).ok();
    assert!(
        a.contains("invalid-input: ann does not take such an input: \"n\" is a required property"),
        "{a}"
    );
    let b = env.baton(&["why", "b"]).ok();
    assert!(
        b.contains("invalid-output: ann broke its contract: \"one\" is not of type \"number\" at \"/x\""),
        "{b}"
    );
}

#[test]
fn who_waits_for_a_key_does_not_keep_others_from_their_agent() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.ann]\nadapter = \"mock\"\nskills = [\"work\"]\ncapacity = 2\nconfig = { latency-ms = 200 }\n[keys]\ngpu = 1\n",
    );
    let task = |id: &str, keys: &[&str]| json!({ "id": id, "skills": ["work"], "keys": keys });
    let tasks = [task("a1", &["gpu"]), task("a2", &["gpu"]), task("z1", &[]), task("z2", &[])];
    env.write("plan.json", &Value::from(tasks.to_vec()).to_string());
    env.baton(&["run", "plan.json"]).ok();
    let mut attempts = env.stored().attempts();
    attempts.sort_by(|one, other| (one.started, &one.name).cmp(&(other.started, &other.name)));
    assert_eq!([attempts[0].name.as_str(), attempts[1].name.as_str()], ["a1", "z1"]);
}

#[test]
fn what_could_never_be_accepted_is_refused_before_it_starts() {
    let env = Env::with_mocks();
    env.write(
        "plan.json",
        r#"[{"id": "a", "validators": [{"use": "schema"}], "acceptance": {"quorum": 2}}, {"id": "b", "acceptance": {"threshold": 0.5}}]"#,
    );
    let wrong = env.baton(&["plan", "check", "plan.json"]).fails(2);
    insta::assert_snapshot!(wrong, @r"
    baton: plan.json#/0/acceptance/quorum: 2 validators must pass, and the workstream has 1
        plan.json#/1/acceptance/threshold: a threshold needs validators whose scores it is about
        the plan has 2 errors
    ");
}

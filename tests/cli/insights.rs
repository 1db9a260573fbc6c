//! What the record teaches: statistics, patterns that become plans, notes that reach later tasks.

use baton_core::id::RunId;
use baton_store::testing::tamper::{Alteration, named};
use serde_json::{Value, json};

use crate::support::{Env, plan};

#[test]
fn what_is_known_of_agents_is_printed_with_intervals_and_rebuilt_by_replay() {
    let env = Env::with_mocks();
    let tasks: Vec<Value> =
        (0..30).map(|index| json!({ "id": format!("t{index}"), "skills": ["work"] })).collect();
    env.write("plan.json", &plan(json!(tasks)));
    env.baton(&["run", "plan.json", "--quiet"]).ok();
    let shown = env.baton(&["agents", "show", "ann", "--json"]).json();
    let work = &shown["skills"]["work"];
    let accepted = work["accepted"].as_u64().expect("a count");
    assert!(accepted > 0, "{shown}");
    let share = &work["expected"]["share"];
    let (low, high) = (share["low"].as_f64().expect("low"), share["high"].as_f64().expect("high"));
    assert!(0.5 < low && low < high && high < 1.0, "{share}");
    let skills = env.baton(&["skills"]).ok();
    assert!(skills.lines().any(|line| line.starts_with("work") && line.contains('%')), "{skills}");
    env.baton(&["db", "check"]).ok();
    let rows = named("tally", "skill", "work");
    env.alter(&[Alteration::Replace { rows, column: "tally", from: "\"accepted\":", to: "\"accepted\":1" }]);
    let wrong = env.baton(&["db", "check"]);
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.stdout.contains("what is known of a1 on \"work\" is not what its events say"),
        "{}",
        wrong.stdout
    );
}

/// A plan of two steps, which is run again and again.
fn two_steps() -> String {
    plan(json!([
        { "id": "build", "skills": ["work"], "input": { "prompt": "Build the login page" }, "metadata": { "kind": "build" } },
        { "id": "check", "skills": ["other"], "input": "Check it", "depends_on": ["build"], "metadata": { "kind": "check" } },
    ]))
}

#[test]
fn a_pattern_becomes_a_plan_with_parameters() {
    let env = Env::with_mocks();
    env.write("plan.json", &two_steps());
    for _ in 0..5 {
        env.baton(&["run", "plan.json", "--again", "--quiet"]).ok();
    }
    let patterns = env.baton(&["insights", "patterns"]).ok();
    assert!(patterns.contains("1. build → check: in 5 runs, 5 times"), "{patterns}");
    env.baton(&["template", "save", "page", "--pattern", "1"]).ok();
    env.write("bare.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    env.baton(&["run", "bare.json", "--detach"]).ok();
    let saved = env.baton(&["template", "save", "bare", "--run", "r6"]).ok();
    assert!(saved.ends_with("/templates/bare.json: 1 workstreams, no parameters\n"), "{saved}");
    std::fs::remove_file(env.path("templates/bare.json")).expect("it was written");
    env.baton(&["cancel", "r6"]).ok();
    let listed = env.baton(&["template", "list"]).ok();
    insta::assert_snapshot!(listed, @r#"
    page (2 workstreams)
      build.prompt = "Build the login page"
      check.input = "Check it"
    "#);
    env.baton(&["template", "run", "page", "--set", "build.prompt=Build the logout page"]).ok();
    let tasks = env.stored().tasks();
    let build = tasks.iter().find(|stored| stored.task.run == RunId(7) && stored.name == "build");
    assert_eq!(build.expect("it was made").spec.input["prompt"], "Build the logout page");
    let wrong = env.baton(&["template", "run", "page", "--set", "build.promt=x"]).fails(2);
    assert!(wrong.contains("did you mean \"build.prompt\"?"), "{wrong}");
}

#[test]
fn what_a_refusal_taught_reaches_later_tasks_of_the_kind_until_it_is_forgotten() {
    let env = Env::new();
    let here = env.path("").to_string_lossy().into_owned();
    let config = r#"
[agents.ann]
adapter = "command"
skills = ["text"]
config = { profile = "work" }

[profiles.work]
argv = ["sh", "HERE/work.sh"]
env = ["PATH"]
"#;
    env.write("baton.toml", &config.replace("HERE/", &here));
    // Forgets the colour at first, and keeps what it was told.
    env.write("work.sh", "cd \"$(dirname \"$0\")\"; n=$(ls told-* 2>/dev/null | wc -l); cat > told-$n.json; [ $n -eq 0 ] && echo '{}' || echo '{\"colour\": \"red\"}'\n");
    env.write(
        "plan.json",
        &plan(json!([{
            "id": "paint", "skills": ["text"], "effects": "pure", "contract": { "required": ["colour"] },
            "validators": [{ "use": "schema" }], "retry": { "attempts": 3, "base": "1ms", "cap": "1ms" },
        }])),
    );
    env.baton(&["run", "plan.json"]).ok();
    let notes = env.baton(&["notes", "list", "--json"]).json();
    assert_eq!(notes.as_array().map(Vec::len), Some(1), "{notes}");
    assert!(notes[0]["text"].as_str().unwrap_or_default().contains("colour"), "{notes}");
    env.baton(&["run", "plan.json", "--again"]).ok();
    let told = |number: usize| -> Value {
        let text = std::fs::read_to_string(env.path(&format!("told-{number}.json"))).expect("it was asked");
        serde_json::from_str(&text).expect("JSON")
    };
    assert_eq!(told(1)["notes"], Value::Null, "the note was not there yet");
    assert!(told(2)["notes"].as_str().is_some_and(|notes| notes.contains("colour")), "{}", told(2));
    env.baton(&["notes", "forget", "1"]).ok();
    env.baton(&["run", "plan.json", "--again"]).ok();
    assert_eq!(told(3)["notes"], Value::Null);
    let none = env.baton(&["notes", "forget", "1"]).fails(2);
    assert!(none.contains("note 1"), "{none}");
}

#[test]
fn consolidation_goes_on_where_it_was_and_adds_nothing_twice() {
    let env = Env::with_mocks();
    let tasks: Vec<Value> =
        (0..700).map(|index| json!({ "id": format!("t{index}"), "skills": ["work"] })).collect();
    env.write("plan.json", &plan(json!(tasks)));
    env.baton(&["run", "plan.json", "--quiet"]).ok();
    for _ in 0..2 {
        env.baton(&["insights"]).ok();
        assert_eq!(env.stored().episodes().len(), 700);
    }
}

//! `baton run`: what it prints, its exit codes, and going on where it was.

use baton_core::id::RunId;
use baton_core::task::StateName;
use serde_json::json;

use crate::support::stored::lasted;
use crate::support::{Env, chain, plan};

fn three(env: &Env) {
    env.write(
        "plan.json",
        &plan(json!([
            { "id": "a", "skills": ["work"] },
            { "id": "b", "skills": ["work"], "depends_on": ["a"] },
            { "id": "c", "skills": ["other"], "depends_on": ["b"] },
        ])),
    );
}

#[test]
fn a_plan_is_run_in_order_and_its_report_equals_what_sql_says() {
    let env = Env::with_mocks();
    three(&env);
    let said = env.baton(&["run", "plan.json"]).ok();
    let lines: Vec<&str> = said.lines().map(|line| line.split(" (").next().unwrap_or(line)).collect();
    insta::assert_snapshot!(lines[..7].join("\n"), @"
    r1: 3 tasks
    a → ann
    a accepted
    b → ann
    b accepted
    c → bob
    c accepted
    ");
    let report = env.baton(&["report", "--json"]).json();
    let stored = env.stored();
    assert_eq!(report["totals"]["succeeded"], stored.tasks_in(StateName::Succeeded));
    assert_eq!(report["totals"]["attempts"], stored.attempts().len());
    assert_eq!(report["totals"]["events"], stored.events_of(RunId(1)).len());
    assert_eq!(report["totals"]["busy_ms"], stored.attempts().iter().map(lasted).sum::<i64>());
    assert_eq!(report["totals"]["decisions"], stored.decisions().len());
    let markdown = env.baton(&["report", "--md"]).ok();
    assert!(markdown.starts_with("# r1: test\n"), "{markdown}");
}

#[test]
fn ndjson_has_every_event_of_the_run_in_order() {
    let env = Env::with_mocks();
    three(&env);
    let said = env.baton(&["run", "plan.json", "--json"]).ok();
    let kinds: Vec<String> = said
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON"))
        .map(|event| {
            format!(
                "{} {}",
                event["fact"]["kind"].as_str().unwrap_or(""),
                event["name"].as_str().unwrap_or("")
            )
        })
        .collect();
    insta::assert_snapshot!(kinds.join("\n"), @"
    run-submitted 
    router-used 
    submitted a
    submitted b
    submitted c
    assigned a
    accepted a
    readied b
    assigned b
    accepted b
    readied c
    assigned c
    accepted c
    run-settled 
    ");
    assert_eq!(env.stored().events_of(RunId(1)).len(), 14);
}

#[test]
fn quiet_prints_the_summary_alone() {
    let env = Env::with_mocks();
    three(&env);
    let said = env.baton(&["run", "plan.json", "--quiet"]).ok();
    assert!(said.starts_with("r1 test: 3 of 3 accepted in "), "{said}");
    assert_eq!(said.lines().count(), 1);
}

#[test]
fn the_same_command_again_finds_the_run_and_again_opens_another() {
    let env = Env::with_mocks();
    three(&env);
    env.baton(&["run", "plan.json"]).ok();
    let said = env.baton(&["run", "plan.json"]).ok();
    assert!(said.starts_with("r1: goes on, 3 of 3 tasks are accepted\n"), "{said}");
    let said = env.baton(&["run", "plan.json", "--again"]).ok();
    assert!(said.starts_with("r2: 3 tasks\n"), "{said}");
    assert_eq!(env.stored().runs().len(), 2);
}

#[test]
fn a_dry_run_predicts_the_real_one_and_writes_nothing() {
    let env = Env::with_mocks();
    three(&env);
    let predicted = env.baton(&["run", "plan.json", "--dry-run", "--json"]).json();
    assert!(!env.path(".baton").exists(), "a dry run leaves nothing behind");
    env.baton(&["run", "plan.json"]).ok();
    for slot in predicted.as_array().expect("a list of tasks") {
        let task = slot["task"].as_str().expect("a name");
        let status = env.stored().workstream_status();
        let line = status.iter().find(|line| line.workstream == task).expect("it is in the plan");
        assert_eq!(slot["agent"].as_str(), line.agent.as_deref(), "{task}");
    }
}

/// Of what is left to chance, the same comes of the same seed as in the run itself.
#[test]
fn a_dry_run_draws_by_the_seed_that_is_given() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(chain(12, "work")));
    let predicted = |seed: &str| {
        let args = ["run", "plan.json", "--router", "random", "--seed", seed, "--dry-run", "--json"];
        let slots = env.baton(&args).json();
        let agents = slots.as_array().expect("a list of tasks").iter().map(|slot| slot["agent"].to_string());
        agents.collect::<Vec<_>>()
    };
    assert_eq!(predicted("1"), predicted("1"));
    assert_ne!(predicted("1"), predicted("2"));
}

/// Every task once, also where nothing can be done at all.
#[test]
fn a_dry_run_says_of_each_task_why_it_would_not_be_done() {
    let env = Env::with_mocks();
    env.write(
        "plan.json",
        &plan(json!([
            { "id": "a", "skills": ["work"] },
            { "id": "behind", "skills": ["work"], "depends_on": ["ghost"] },
            { "id": "ghost", "skills": ["nope"] },
            { "id": "late", "skills": ["work"], "estimate": "2m", "timeouts": { "deadline": "30s" } },
            { "id": "many", "executor": "parallel" },
            { "id": "poor", "skills": ["work"], "budget": { "tokens": 0 } },
        ])),
    );
    let dry = env.baton(&["run", "plan.json", "--dry-run", "--json"]);
    assert_eq!(dry.code, Some(1));
    let lines: serde_json::Value = serde_json::from_str(&dry.stdout).expect("it is JSON");
    let text = |line: &serde_json::Value| {
        let word = |key: &str| line[key].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}: {}", word("task"), word("agent"), line["start_ms"], word("reason"))
    };
    let lines: Vec<String> = lines.as_array().expect("a list").iter().map(text).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    a ann 0: ann has the 1 wanted skill(s) and 0 other(s), and is 0 % busy
    many bob 0: counts as one piece of work: executor parallel divides it when it runs
    behind - null: depends on ghost
    ghost - null: has no capable agent: ann does not declare nope; bob does not declare nope; add "nope" to the skills of an agent in baton.toml, or change the plan
    late - null: fails: timeout: no answer before the deadline
    poor - null: fails: budget: its attempts have used up its cap of 0 tokens
    "#);
    assert_eq!(dry.stderr, "4 of 6 tasks would not be done: the last rows say why\n");
    env.write("none.json", &plan(json!([{ "id": "ghost", "skills": ["nope"] }])));
    let none = env.baton(&["run", "none.json", "--dry-run"]);
    insta::assert_snapshot!(none.stdout, @r#"
    start  end  task   agent  why
    -      -    ghost  -      has no capable agent: ann does not declare nope; bob does not declare nope; add "nope" to the skills of an agent in baton.toml, or change the plan
    "#);
}

#[test]
fn a_failure_stops_only_what_depends_on_it_and_exits_with_1() {
    let env = Env::with_mocks();
    let config = format!(
        "{}\n[agents.broken]\nadapter = \"mock\"\nskills = [\"break\"]\nconfig = {{ fail-first = 99, fault = \"invalid-input\" }}\n",
        crate::support::MOCKS
    );
    env.write("baton.toml", &config);
    env.write(
        "plan.json",
        &plan(json!([
            { "id": "bad", "skills": ["break"] },
            { "id": "behind", "skills": ["work"], "depends_on": ["bad"] },
            { "id": "far", "skills": ["work"], "depends_on": ["behind"] },
            { "id": "free", "skills": ["work"] },
        ])),
    );
    let output = env.baton(&["run", "plan.json"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.contains("1 of 4 accepted, 1 failed, 2 not done"), "{}", output.stdout);
    let why = |task| env.baton(&["why", task]).ok().trim_end().to_owned();
    insta::assert_snapshot!(why("behind"), @"behind waits for bad, which failed: `baton retry bad` or `baton dead drop bad`");
    insta::assert_snapshot!(why("far"), @"far waits for behind, which is blocked behind bad: `baton retry bad` or `baton dead drop bad`");
}

#[test]
fn of_many_failures_the_summary_names_ten() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.broken]\nadapter = \"mock\"\ncapacity = 16\nconfig = { fail-first = 99, fault = \"invalid-input\" }\n",
    );
    let tasks: Vec<_> = (10..22).map(|index| json!({ "id": format!("t{index}") })).collect();
    env.write("plan.json", &plan(json!(tasks)));
    let output = env.baton(&["run", "plan.json", "--quiet"]);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert_eq!(output.stdout.matches(" failed after ").count(), 10, "{}", output.stdout);
    let rest = "  and 2 more (baton dead list)\n  once the cause is fixed: baton retry TASK\n";
    assert!(output.stdout.ends_with(rest), "{}", output.stdout);
}

#[test]
fn a_plan_that_changed_is_refused_with_the_difference() {
    let env = Env::with_mocks();
    three(&env);
    env.baton(&["run", "plan.json"]).ok();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"], "priority": 5 }, { "id": "d" }])));
    let said = env.baton(&["run", "plan.json"]).fails(2);
    insta::assert_snapshot!(said, @"
    baton: the plan changed since r1 was opened:
        - b
        - c
        + d
        ~ a: priority
        `baton plan amend r1 PLAN` takes the change over, `baton run PLAN --again` starts anew
    ");
}

#[test]
fn an_unknown_plugin_is_named_before_anything_starts() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "executor": "paralel" }])));
    let said = env.baton(&["run", "plan.json"]).fails(2);
    insta::assert_snapshot!(said, @"baton: paralel can't be loaded: no executor of this name is installed or bundled (bundled: auto, collaborative, hedge, hierarchical, parallel, plan, sequential)");
    assert!(!env.path(".baton/baton.db").exists());
}

#[test]
fn init_writes_what_runs() {
    let env = Env::new();
    env.baton(&["init"]).ok();
    let said = env.baton(&["run", "plan.json"]).ok();
    assert!(said.contains("r1 hello: 4 of 4 accepted"), "{said}");
    let said = env.baton(&["init"]).fails(2);
    assert!(said.contains("baton.toml exists already"), "{said}");
}

#[test]
fn usage_errors_exit_with_2() {
    let env = Env::new();
    assert!(env.baton(&["fly"]).fails(2).contains("unrecognized subcommand"));
    assert!(env.baton(&["run", "nowhere.json"]).fails(2).contains("nowhere.json: can't be read"));
    assert!(env.baton(&["status"]).fails(2).contains("there is no store"));
    env.write("baton.toml", "[agents.a]\nadapter = \"mock\"\ncapacity = \"many\"\n");
    env.write("plan.json", &plan(json!([{ "id": "a" }])));
    let said = env.baton(&["run", "plan.json"]).fails(2);
    assert!(said.contains("baton.toml:3:12: invalid type: string \"many\", expected u32"), "{said}");
}

#[test]
fn a_run_that_is_refused_starts_nothing() {
    let env = Env::with_mocks();
    env.write(
        "plan.json",
        &plan(json!([{ "id": "a", "skills": ["work"] }, { "id": "b", "skills": ["work"] }])),
    );
    env.baton(&["run", "--detach", "plan.json"]).ok();
    env.write(
        "plan.json",
        &plan(
            json!([{ "id": "a", "skills": ["work"], "title": "Other" }, { "id": "b", "skills": ["work"] }]),
        ),
    );
    let said = env.baton(&["run", "plan.json"]).fails(2);
    assert!(said.contains("the plan changed since r1 was opened"), "{said}");
    assert_eq!(env.stored().events_of_kinds(&["assigned", "host-started"]).len(), 0);
    let said = env.baton(&["run", "--again", "plan.json"]);
    assert!(said.stderr.contains("still open, and carried out as well: r1"), "{said:?}");
}

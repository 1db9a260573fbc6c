//! Money: caps bind, whatever attempts do at once and whatever is known of prices.

use crate::support::Env;
use crate::support::model::{Model, Reply};

/// `tasks` tasks for a model that says that each costs 1,000 tokens, under these caps.
fn env(model: &Model, tasks: usize, config: &str) -> Env {
    let env = Env::new();
    let agent = "[agents.writer]\nadapter = \"openai\"\nskills = [\"write\"]\ncapacity = 4\n\
                 config = { service = \"llm\", model = \"scripted-1\", stream = false }\n";
    let service = format!("[services.llm]\nurl = \"http://127.0.0.1:{}/v1\"\nprivate = true\n", model.port);
    env.write("baton.toml", &format!("{agent}{service}{config}"));
    let plan: Vec<serde_json::Value> = (0..tasks)
        .map(|index| {
            serde_json::json!({ "id": format!("t{index}"), "title": "Write", "skills": ["write"], "effects": "pure" })
        })
        .collect();
    env.write("plan.json", &serde_json::Value::from(plan).to_string());
    env
}

fn model() -> Model {
    Model::start(|_, _| Reply::chat("Done.", 900, 100))
}

/// 1,000 tokens of these prices cost 0.0011.
const PRICES: &str = "[prices.\"scripted-1\"]\ninput = 1.0\noutput = 2.0\n";

#[test]
fn a_run_stops_before_it_spends_more_than_its_cap_and_goes_on_when_that_is_raised() {
    let model = model();
    let caps =
        |run: &str| format!("{PRICES}[budget]\nattempt = {{ money = 0.002 }}\nrun = {{ money = {run} }}\n");
    let env = env(&model, 10, &caps("0.004"));
    let run = env.baton(&["run", "plan.json"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    let sent = model.asked().len();
    // Two at once set the whole cap aside; what they give back lets a third and a fourth start.
    assert!((3..=4).contains(&sent), "{sent} requests");
    let spent = env.baton(&["cost", "--json"]).json();
    let cost = spent["total"]["cost"].as_f64().unwrap();
    assert!(cost <= 0.0044 + 1e-9, "{spent}");
    let again = env.baton(&["run", "plan.json"]);
    let warned = env.stored().events_of_kinds(&["budget-low", "budget-spent"]).len();
    assert!(warned >= 1, "{again:?}");
    let config = std::fs::read_to_string(env.path("baton.toml")).unwrap();
    env.write("baton.toml", &config.replace("run = { money = 0.004 }", "run = { money = 1.0 }"));
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(model.asked().len(), 10);
    let table = env.baton(&["cost", "--by", "model"]).ok();
    insta::assert_snapshot!(table, @r"
    model       attempts  input  output  unpriced  cost
    scripted-1  10        9000   1000    0         0.011
    total       10        9000   1000    0         0.011
    ");
}

#[test]
fn a_cap_binds_when_no_price_is_known() {
    let model = model();
    let env = env(&model, 10, "[budget]\nattempt = { money = 0.5 }\nrun = { money = 1.0 }\n");
    let run = env.baton(&["run", "plan.json"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert_eq!(model.asked().len(), 2);
    let table = env.baton(&["cost"]).ok();
    insta::assert_snapshot!(table, @r#"
    run    attempts  input  output  unpriced  cost
    r1     2         1800   200     2         1.00
    total  2         1800   200     2         1.00
    nobody knows what 2 of these attempts cost; 1.00 of the total is what was set aside for them. Add [prices."MODEL"] input and output (for a million tokens), or cost to their agents (for an attempt), to baton.toml
    "#);
}

#[test]
fn tokens_are_capped_without_any_money() {
    let model = model();
    let env = env(&model, 10, "[budget]\nattempt = { tokens = 1000 }\nday = { tokens = 3000 }\n");
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(5));
    assert_eq!(model.asked().len(), 3);
}

#[test]
fn a_task_that_used_up_its_own_budget_fails_and_names_it() {
    let model = Model::start(|_, _| Reply::chat("not JSON", 900, 100));
    let env = env(&model, 1, PRICES);
    env.write(
        "plan.json",
        r#"[{"id": "a", "title": "Write", "skills": ["write"], "effects": "pure", "budget": {"money": 0.0015},
            "retry": {"attempts": 9, "base": "1ms", "cap": "1ms"},
            "contract": {"type": "object", "required": ["x"]}, "validators": [{"use": "schema"}]}]"#,
    );
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(model.asked().len(), 2);
    let why = env.baton(&["why", "a"]).ok();
    assert!(why.contains("its attempts have used up its cap of 0.0015"), "{why}");
}

#[test]
fn an_agent_that_costs_nothing_is_declared_so() {
    let model = model();
    let config = "[agents.free]\nadapter = \"mock\"\nskills = [\"think\"]\ncost = 0\n[budget]\nrun = { money = 0.1 }\nattempt = { money = 0.1 }\n";
    let env = env(&model, 1, config);
    env.write(
        "plan.json",
        r#"[{"id": "a", "title": "x", "skills": ["think"], "effects": "pure"},
            {"id": "b", "title": "x", "skills": ["think"], "effects": "pure"}]"#,
    );
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(env.baton(&["cost", "--json"]).json()["total"]["cost"], 0.0);
}

#[test]
fn what_a_composite_task_may_use_binds_all_that_is_below_it() {
    let model = model();
    let env = env(&model, 1, PRICES);
    let branch = |index: usize| serde_json::json!({ "title": "Write", "input": index, "skills": ["write"] });
    let plan = serde_json::json!([{
        "id": "all", "title": "Write a lot", "executor": "parallel", "effects": "pure", "budget": { "money": 0.002 },
        "retry": { "attempts": 1 }, "input": { "branches": (0..6).map(branch).collect::<Vec<_>>() },
    }]);
    env.write("plan.json", &plan.to_string());
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(model.asked().len(), 2, "two calls cost 0.0022");
    let why = env.baton(&["why", "all"]).ok();
    assert!(why.contains("have used up its cap of 0.002"), "{why}");
}

#[test]
fn usage_that_can_not_be_true_does_not_break_the_store() {
    let model = Model::start(|_, _| Reply::chat("Done.", u64::MAX, u64::MAX));
    let env = env(&model, 1, PRICES);
    env.baton(&["run", "plan.json"]).ok();
    env.baton(&["cost"]).ok();
    env.baton(&["db", "check"]).ok();
    env.baton(&["run", "plan.json", "--again"]).ok();
}

#[test]
fn siblings_that_wait_for_money_wait_quietly() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.ann]\nadapter = \"mock\"\nskills = [\"work\"]\ncapacity = 4\ncost = 0.1\nconfig = { latency-ms = 300 }\n",
    );
    let branch = |index: usize| serde_json::json!({ "title": "x", "input": index, "skills": ["work"] });
    let plan = serde_json::json!([{
        "id": "all", "executor": "parallel", "effects": "pure", "budget": { "money": 1.0 },
        "input": { "branches": (0..3).map(branch).collect::<Vec<_>>() },
    }]);
    env.write("plan.json", &plan.to_string());
    env.baton(&["run", "plan.json"]).ok();
    let decisions = env.stored().decisions().len();
    assert!(decisions <= 6, "{decisions} decisions for three tasks");
}

/// What each attempt was charged and how that is known, by task.
fn bills(env: &Env) -> Vec<String> {
    let rows = env.baton(&["events", "--json", "--kind", "charged"]).ok();
    let bill = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).expect("events are JSON");
        let bill = &event["fact"]["bill"];
        format!("{} {}", bill["cost"], bill["basis"].as_str().unwrap_or_default())
    };
    rows.lines().map(bill).collect()
}

#[test]
fn an_agents_own_price_is_charged_however_its_attempts_end() {
    for cost in ["1.0", "0"] {
        let env = Env::new();
        let codes = [0, 1, 64, 65, 69, 72, 75, 77];
        let mut config = String::new();
        let mut plan = Vec::new();
        for code in codes {
            config.push_str(&format!(
                "[agents.x{code}]\nadapter = \"command\"\nskills = [\"s{code}\"]\ncost = {cost}\n\
                 config = {{ profile = \"x{code}\" }}\n[profiles.x{code}]\nargv = [\"sh\", \"-c\", \"exit {code}\"]\n\
                 env = [\"PATH\"]\n"
            ));
            plan.push(
                serde_json::json!({ "id": format!("t{code}"), "title": "x", "skills": [format!("s{code}")],
                "effects": "pure", "retry": { "attempts": 1 } }),
            );
        }
        env.write("baton.toml", &config);
        env.write("plan.json", &serde_json::Value::from(plan).to_string());
        env.baton(&["run", "plan.json"]).fails(1);
        assert_eq!(bills(&env), vec![format!("{:?} priced", cost.parse::<f64>().unwrap()); codes.len()]);
    }
}

/// Codex tells its tokens at the end of its turn only, and none comes.
#[test]
fn a_killed_agent_costs_what_was_set_aside() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.codex]\nadapter = \"codex\"\nskills = [\"code\"]\n\
         config = { profile = \"codex\", model = \"m\", silence-s = 1 }\n\
         [profiles.codex]\nargv = [\"sh\", \"-c\", '''echo '{\"type\":\"thread.started\",\"thread_id\":\"t\"}'; sleep 60''']\n\
         env = [\"PATH\"]\n[prices.m]\ninput = 1.0\noutput = 2.0\n[budget]\nattempt = { money = 0.2 }\n",
    );
    env.write(
        "plan.json",
        r#"[{"id": "a", "title": "x", "skills": ["code"], "effects": "pure", "retry": {"attempts": 1}}]"#,
    );
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(bills(&env), ["0.2 reserved"]);
}

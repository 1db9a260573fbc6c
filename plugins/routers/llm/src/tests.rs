//! The whole router: what it asks, what it makes of answers, and that it asks no more than it may.

use baton_sdk::fixture::{agent, snapshot, stats};
use baton_sdk::router::{Agent, Assignment, Attr, Feature, NewTask, SkillStats};
use serde_json::{Value, json};

use super::*;

fn roomy(agent: Agent, capacity: u32, running: u32) -> Agent {
    Agent { capacity, running, ..agent }
}

/// Three candidates for one task that wants Rust and would like SQL; `lead` is asked.
fn team() -> Snapshot {
    let agents = vec![
        roomy(agent("a", &["rust"]), 4, 0),
        roomy(agent("b", &["rust", "sql"]), 4, 2),
        roomy(agent("c", &["rust", "sql"]), 4, 1),
        agent("lead", &["lead"]),
    ];
    let mut snapshot = snapshot(agents, &["rust"], 1);
    snapshot.candidate_sets = vec![vec![0, 1, 2]];
    snapshot.config = vec![Attr::new("agent", "lead")];
    snapshot.requests[0].task.prefers = vec![String::from("sql")];
    snapshot
}

fn answer(snapshot: &Snapshot) -> Answer {
    let answer = decide(snapshot).unwrap();
    assert_eq!(answer, decide(snapshot).unwrap());
    answer
}

/// The first decision, with the state put where the next call finds it.
fn step(snapshot: &mut Snapshot) -> Choice {
    let answer = answer(snapshot);
    snapshot.state = answer.state;
    answer.decisions.into_iter().next().unwrap().choice
}

fn assigned(choice: Choice) -> Assignment {
    match choice {
        Choice::Assign(assignment) => assignment,
        other => panic!("not an assignment: {other:?}"),
    }
}

fn asked(choice: Choice) -> NewTask {
    match choice {
        Choice::Consult(new) => new,
        other => panic!("not a question: {other:?}"),
    }
}

fn told(new: &NewTask, name: &str) -> Option<String> {
    new.attrs.iter().find(|attr| attr.name == name).map(|attr| attr.value.clone())
}

/// What becomes of the team's task when its question is answered so.
fn after(outcome: Outcome) -> Assignment {
    let mut snapshot = team();
    asked(step(&mut snapshot));
    snapshot.requests[0].consulted = Some(outcome);
    assigned(step(&mut snapshot))
}

fn by_itself(why: &str) -> String {
    format!("{why}; c declares 2 of 2 wanted skill(s) and is 25 % busy")
}

#[test]
fn a_configuration_without_anybody_to_ask_is_refused() {
    let mut snapshot = team();
    snapshot.config.clear();
    let why = "is required, or `skills`: who is to be asked";
    assert_eq!(decide(&snapshot), Err(RouteError::BadConfig(Attr::new("agent", why))));
}

#[test]
fn the_question_tells_the_task_and_the_candidates() {
    let mut snapshot = team();
    let seen = |skill: &str, successes, trials| SkillStats { successes, trials, ..stats(skill) };
    let all = SkillStats { accepted: 5, refused: 2, failed: 1, ..seen("", 9.0, 10.0) };
    snapshot.agents[1].stats = vec![all, seen("go", 0.0, 7.0), seen("rust", 1.0, 2.0), seen("sql", 1.0, 1.0)];
    let request = &mut snapshot.requests[0];
    request.task.input = String::from(r#"{"n": 1.50}"#);
    request.task.priority = 7;
    request.features = vec![Feature { name: String::from("paths"), value: 2.0 }];
    let new = asked(step(&mut snapshot));
    assert_eq!((new.name.as_str(), new.title.as_str()), ("route", "Choose who does: Title"));
    assert_eq!((new.agent.as_deref(), new.skills.len(), new.executor.as_ref()), (Some("lead"), 0, None));
    let input: Value = serde_json::from_str(&new.input).unwrap();
    assert!(input["prompt"].as_str().unwrap().contains("exactly one of `candidates`"));
    let task = json!({
        "title": "Title", "input": "{\"n\": 1.50}", "skills": ["rust"], "prefers": ["sql"],
        "features": {"paths": 2.0},
    });
    assert_eq!(input["task"], task);
    let idle = |id: &str, skills: Value, running: u32| {
        json!({
            "id": id, "skills": skills, "running": running, "capacity": 4,
            "accepted": 0, "refused": 0, "failed": 0, "recent": null,
        })
    };
    let known = json!({
        "id": "b", "skills": ["rust", "sql"], "running": 2, "capacity": 4,
        "accepted": 5, "refused": 2, "failed": 1, "recent": 0.667,
    });
    let candidates = json!([idle("a", json!(["rust"]), 0), known, idle("c", json!(["rust", "sql"]), 1)]);
    assert_eq!(input["candidates"], candidates);
    assert_eq!(told(&new, "baton.effects").as_deref(), Some("pure"));
    assert_eq!(told(&new, "baton.attempts").as_deref(), Some("2"));
    assert_eq!(told(&new, "baton.priority").as_deref(), Some("7"));
    let contract: Value = serde_json::from_str(&told(&new, "baton.contract").unwrap()).unwrap();
    let properties = json!({"agent": {"enum": ["a", "b", "c"]}, "reason": {"type": "string"}});
    assert_eq!(contract, json!({"type": "object", "required": ["agent"], "properties": properties}));
}

#[test]
fn whoever_has_the_skills_may_be_asked() {
    let mut snapshot = team();
    snapshot.config = vec![Attr::new("skills", "lead")];
    let new = asked(step(&mut snapshot));
    assert_eq!((new.agent, new.skills), (None, vec![String::from("lead")]));
}

#[test]
fn what_is_large_is_cut_in_the_question() {
    let agents = (0..100).map(|index| {
        let skills: &[&str] = if index >= 90 { &["rust", "sql"] } else { &["rust"] };
        roomy(agent(&format!("agent-{index:02}"), skills), 100, 100 - index)
    });
    let mut snapshot = snapshot(agents.collect(), &["rust"], 1);
    snapshot.config = vec![Attr::new("agent", "agent-00")];
    snapshot.requests[0].task.prefers = vec![String::from("sql")];
    snapshot.requests[0].task.input = json!("é".repeat(4000)).to_string();
    let new = asked(step(&mut snapshot));
    let input: Value = serde_json::from_str(&new.input).unwrap();
    assert_eq!(input["task"]["input"], json!("é".repeat(2048)));
    assert_eq!(input["task"]["input_cut_from_bytes"], json!(8000));
    let shown: Vec<&str> =
        input["candidates"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!((shown.len(), shown[0], shown[63]), (64, "agent-36", "agent-99"));
    assert_eq!(input["more_candidates_not_shown"], json!(36));
    snapshot.requests[0].consulted = Some(Outcome::json("", &json!({"agent": "agent-03"})));
    assert_eq!(assigned(step(&mut snapshot)).agent, 3);
}

#[test]
fn the_agent_that_is_named_does_it() {
    let assignment = after(Outcome::json("", &json!({"agent": "b", "reason": "It knows SQL."})));
    assert_eq!(assignment.agent, 1);
    assert_eq!(assignment.reason, "b: lead chose it: It knows SQL.");
    assert_eq!(assignment.fallbacks, [2, 0]);
    let values: Vec<&[f64]> = assignment.scores.iter().map(|score| score.values.as_slice()).collect();
    assert_eq!(values, [[0.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 2.0, 0.25]]);
    let totals: Vec<f64> = assignment.scores.iter().map(|score| score.total).collect();
    assert_eq!(totals, [1e3, 1e9 + 2e3 - 0.5, 2e3 - 0.25]);
    let propensities: Vec<f64> = assignment.scores.iter().map(|score| score.propensity).collect();
    assert_eq!(propensities, [0.0, 1.0, 0.0]);
}

#[test]
fn fenced_and_quoted_answers_are_read() {
    for outcome in [
        Outcome::text("I choose:\n```json\n{\"agent\": \"a\"}\n```"),
        Outcome::text("```\n{\"agent\": \"a\"}\n```"),
        Outcome::json("", &json!("{\"agent\": \"a\"}")),
        Outcome::json("", &json!({"text": "{\"agent\": \"a\"}"})),
        Outcome::json("", &json!("a")),
    ] {
        let assignment = after(outcome);
        assert_eq!((assignment.agent, assignment.reason.as_str()), (0, "a: lead chose it: no reason given"));
    }
}

#[test]
fn who_is_no_candidate_is_not_taken() {
    for ghost in ["ghost", "lead", "B", " b", "", "0"] {
        let assignment = after(Outcome::json("", &json!({"agent": ghost})));
        assert_eq!(assignment.agent, 2);
        let why = format!("lead named {:?}, which is no candidate", ghost.trim());
        assert_eq!(assignment.reason, by_itself(&why));
        assert!(assignment.scores.iter().all(|score| score.values[0] == 0.0));
    }
}

#[test]
fn a_malformed_answer_leaves_the_choice_to_the_router() {
    let why = "lead was asked and its answer names no agent";
    for outcome in [
        Outcome::text("{\"agent\": \"b\""),
        Outcome::text("b would be best"),
        Outcome::raw("", String::from("{\"agent\":")),
        Outcome::json("", &json!(["b"])),
        Outcome::json("", &json!({"agents": ["b"]})),
    ] {
        let assignment = after(outcome);
        assert_eq!((assignment.agent, assignment.reason), (2, by_itself(why)));
    }
    let number = after(Outcome::json("", &json!({"agent": 1})));
    assert_eq!(number.reason, by_itself("lead was asked and its `agent` is 1, not a text"));
}

#[test]
fn a_question_that_failed_is_not_asked_again() {
    let mut snapshot = team();
    asked(step(&mut snapshot));
    for _ in 0..4 {
        let assignment = assigned(step(&mut snapshot));
        assert_eq!(assignment.agent, 2);
        assert_eq!(assignment.reason, by_itself("lead was asked and gave no answer of use"));
    }
    snapshot.requests[0].task.id = String::from("another");
    asked(step(&mut snapshot));
}

#[test]
fn nor_is_one_whose_answer_was_of_no_use() {
    let mut snapshot = team();
    asked(step(&mut snapshot));
    snapshot.requests[0].consulted = Some(Outcome::json("", &json!({"agent": "ghost"})));
    assigned(step(&mut snapshot));
    assigned(step(&mut snapshot));
    snapshot.requests[0].consulted = None;
    snapshot.requests[0].task.attempts = 1;
    let reason = assigned(step(&mut snapshot)).reason;
    assert_eq!(reason, by_itself("lead was asked and gave no answer of use"));
}

#[test]
fn a_task_of_another_run_is_asked_about_for_itself() {
    let mut snapshot = team();
    asked(step(&mut snapshot));
    assigned(step(&mut snapshot));
    snapshot.requests[0].task.run = String::from("r2");
    asked(step(&mut snapshot));
}

#[test]
fn its_own_questions_are_assigned_without_asking() {
    let mut snapshot = team();
    let new = asked(step(&mut snapshot));
    let task = &mut snapshot.requests[0].task;
    task.prefers.clear();
    task.metadata = new.attrs.into_iter().filter(|attr| !attr.name.starts_with("baton.")).collect();
    let marked = assigned(step(&mut snapshot));
    assert_eq!(marked.agent, 0);
    let why =
        "who answers this router's question is not asked; a declares 1 of 1 wanted skill(s) and is 0 % busy";
    assert_eq!(marked.reason, why);
    snapshot.requests[0].task.metadata.clear();
    for id in ["t/route-1", "t/x/route-2", "t/route-3", "t/route-1~2", "t~2/route-3~14"] {
        snapshot.requests[0].task.id = String::from(id);
        assert_eq!(assigned(step(&mut snapshot)).agent, 0, "{id}");
    }
    for id in ["route-1", "t/route-4", "t/route-11", "t/reroute-1", "t/route-1~x", "t/route", "t/route-1/x"] {
        snapshot.requests[0].task.id = String::from(id);
        asked(step(&mut snapshot));
    }
}

#[test]
fn where_one_alone_is_eligible_nobody_is_asked() {
    let mut snapshot = team();
    snapshot.candidate_sets = vec![vec![3]];
    let assignment = assigned(step(&mut snapshot));
    assert_eq!(assignment.agent, 3);
    assert_eq!(
        assignment.reason,
        "nobody else is eligible; lead declares 0 of 2 wanted skill(s) and is 0 % busy"
    );
    snapshot.candidate_sets.clear();
    assert_eq!(step(&mut snapshot), Choice::Reject(String::from("no agent is eligible")));
}

#[test]
fn where_nobody_can_answer_nobody_is_asked() {
    for (key, value, why) in [
        ("agent", "gone", "there is no agent gone to be asked"),
        ("skills", "lead, sql", "there is not an agent with lead, sql to be asked"),
    ] {
        let mut snapshot = team();
        snapshot.config = vec![Attr::new(key, value)];
        assert_eq!(assigned(step(&mut snapshot)).reason, by_itself(why));
    }
    let mut snapshot = team();
    snapshot.requests[0].task.id = String::from("1/2/3/4/5/6/7/8");
    let why = "it is nested too deep for a question below it";
    assert_eq!(assigned(step(&mut snapshot)).reason, by_itself(why));
    snapshot.requests[0].task.id = String::from("1/2/3/4/5/6/7");
    asked(step(&mut snapshot));
}

#[test]
fn an_equal_question_is_answered_from_the_cache() {
    let mut snapshot = team();
    asked(step(&mut snapshot));
    snapshot.requests[0].consulted = Some(Outcome::json("", &json!({"agent": "b"})));
    assert_eq!(assigned(step(&mut snapshot)).agent, 1);
    snapshot.requests[0].consulted = None;
    snapshot.requests[0].task.id = String::from("another");
    snapshot.requests[0].task.run = String::from("r2");
    let assignment = assigned(step(&mut snapshot));
    assert_eq!(
        (assignment.agent, assignment.reason.as_str()),
        (1, "b: lead chose it when this was asked before")
    );
    assert_eq!(assignment.scores[1].values[0], 1.0);
    let changes: [fn(&mut Snapshot); 6] = [
        |snapshot| snapshot.requests[0].task.title.push('!'),
        |snapshot| snapshot.requests[0].task.input = String::from("1"),
        |snapshot| snapshot.requests[0].task.skills.clear(),
        |snapshot| snapshot.requests[0].task.prefers.clear(),
        |snapshot| snapshot.candidate_sets = vec![vec![0, 1]],
        |snapshot| snapshot.agents[3].id = String::from("boss"),
    ];
    for change in changes {
        let mut other = snapshot.clone();
        change(&mut other);
        if other.agents[3].id == "boss" {
            other.config = vec![Attr::new("agent", "boss")];
        }
        asked(step(&mut other));
    }
}

#[test]
fn the_cache_forgets_what_was_used_longest_ago() {
    let mut snapshot = team();
    snapshot.config.push(Attr::new("cache", "2"));
    let ask = |snapshot: &mut Snapshot, title: &str, consulted: Option<Outcome>| {
        snapshot.requests[0].task.title = String::from(title);
        snapshot.requests[0].task.id.push('x');
        snapshot.requests[0].consulted = consulted;
        matches!(step(snapshot), Choice::Consult(_))
    };
    for title in ["one", "two", "one", "three"] {
        ask(&mut snapshot, title, Some(Outcome::json("", &json!({"agent": "b"}))));
    }
    assert!(!ask(&mut snapshot, "one", None));
    assert!(!ask(&mut snapshot, "three", None));
    assert!(ask(&mut snapshot, "two", None));
    snapshot.config[1].value = String::from("0");
    assert!(ask(&mut snapshot, "three", None));
}

#[test]
fn state_of_another_router_is_refused() {
    let mut snapshot = team();
    for state in [&b"\x01a"[..], b"{}", &[0; 1000], b"llm\x02"] {
        snapshot.state = state.to_vec();
        assert!(matches!(decide(&snapshot), Err(RouteError::BadState(_))));
    }
}

#[test]
fn a_large_batch_stays_within_the_limits_of_the_host() {
    let agents = (0..1000).map(|index| agent(&format!("agent-{index:04}"), &["go", "rust"]));
    let mut snapshot = snapshot(agents.collect(), &["rust"], 256);
    snapshot.config = vec![Attr::new("agent", "agent-0000")];
    for (request, number) in snapshot.requests.iter_mut().zip(0..) {
        request.task.id = format!("t{number}");
        request.task.input = json!("\u{0}".repeat(10_000)).to_string();
    }
    let mut bytes = 0;
    for decision in answer(&snapshot).decisions {
        let new = asked(decision.choice);
        bytes += new.input.len() + new.attrs.iter().map(|attr| attr.value.len()).sum::<usize>();
    }
    assert!(bytes < 12 << 20, "{bytes}");
    let mut next = snapshot.clone();
    next.state = answer(&snapshot).state;
    assert!(next.state.len() < 48 << 10);
    for (decision, number) in answer(&next).decisions.into_iter().zip(0..) {
        assert_eq!(assigned(decision.choice).agent, number);
    }
}

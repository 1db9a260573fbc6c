//! Agents that speak the Agent Client Protocol.

use serde_json::json;

use super::{endings, fact, heard, kinds, methods, one_task, report, stage, starts, transcript};

#[test]
fn a_session_is_opened_in_the_tree_and_its_last_words_are_the_summary() {
    let env = stage("acp", "", &[&transcript("acp", "good.jsonl")]);
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(methods(&env), ["initialize", "session/new", "session/prompt"]);
    let opened = heard(&env)[1]["params"]["cwd"].as_str().unwrap_or_default().to_owned();
    assert!(opened.contains("/.baton/worktrees/r1/") && opened.ends_with("-a"), "{opened}");
    assert_eq!(heard(&env)[2]["params"]["prompt"], json!([{ "type": "text", "text": "Mend it" }]));
    let outcome = report(&env)["outcome"].clone();
    assert_eq!(outcome["summary"], "Mended a.rs.");
    assert_eq!(outcome["output"], json!({ "text": "Mended a.rs.\n\nThe rest was fine." }));
    assert_eq!(
        outcome["usage"],
        json!({ "input_tokens": 1100, "output_tokens": 40, "cost_micros": 45000, "requests": 0, "cached_input_tokens": 90 })
    );
    assert_eq!(kinds(&env), "submitted,assigned,charged,claimed,accepted");
    insta::assert_snapshot!(env.baton(&["cost"]).ok(), @r"
    run    attempts  input  output  unpriced  cost
    r1     1         1100   40      0         0.045
    total  1         1100   40      0         0.045
    ");
}

#[test]
fn leave_is_asked_of_a_person_and_the_session_is_loaded_when_it_was_given() {
    let env = stage(
        "acp",
        ", permissions = \"ask\"",
        &[&transcript("acp", "permission-ask.jsonl"), &transcript("acp", "permission-resumed.jsonl")],
    );
    let asked = env.baton(&["run", "plan.json"]);
    assert_eq!(asked.code, Some(4), "{asked:?}");
    let questions = env.baton(&["questions"]).ok();
    assert!(questions.contains("q1"), "{questions}");
    assert!(questions.contains("The agent asks for leave: execute: Run cargo test"), "{questions}");
    assert_eq!(
        fact(&env, "asked", "text"),
        "The agent asks for leave: execute: Run cargo test\nInput: {\"command\":\"cargo test\"}"
    );
    assert_eq!(fact(&env, "asked", "choices"), r#"["Allow","Always","Reject"]"#);
    env.baton(&["answer", "q1", "Allow", "--by", "ann"]).ok();
    env.baton(&["run", "plan.json"]).ok();
    let said = methods(&env);
    let resumed = said.iter().rposition(|method| method == "initialize").expect("it began again");
    assert_eq!(said[resumed..], ["initialize", "session/load", "session/prompt"]);
    assert_eq!(starts(&env).len(), 2);
    assert_eq!(report(&env)["outcome"]["summary"], "All tests pass.");
    assert_eq!(env.stored().answers(), ["ann: Allow"]);
    assert_eq!(env.stored().task().task.attempts, 1, "waiting for a person costs no attempt");
    assert_eq!(kinds(&env), "submitted,assigned,asked,answered,assigned,charged,claimed,accepted");
}

#[test]
fn an_attempt_that_ended_in_a_question_costs_what_was_set_aside() {
    let env = stage("acp", ", permissions = \"ask\"", &[&transcript("acp", "permission-ask.jsonl")]);
    let config = std::fs::read_to_string(env.path("baton.toml")).expect("a configuration");
    env.write("baton.toml", &format!("{config}\n[budget]\nattempt = {{ money = 0.2 }}\n"));
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(4));
    assert_eq!(fact(&env, "charged", "bill.basis"), "reserved");
    assert_eq!(env.baton(&["cost", "--json"]).json()["total"]["cost"], 0.2);
}

#[test]
fn silence_is_a_timeout() {
    let env = stage("acp", ", silence-s = 1, tool-timeout-s = 2", &[&transcript("acp", "hang.jsonl")]);
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(endings(&env), "timeout");
    assert_eq!(report(&env)["fault"]["class"], "timeout");
    // It was asked to stop before it was made to.
    assert_eq!(methods(&env), ["initialize", "session/new", "session/prompt", "session/cancel"]);
}

#[test]
fn a_program_that_dies_has_crashed_and_is_tried_again() {
    let died = transcript("acp", "closed.jsonl").replace("!closed", "!signal 9");
    let env = stage("acp", "", &[&died, &transcript("acp", "good.jsonl")]);
    env.write("plan.json", &one_task(2, json!({})));
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(endings(&env), "crashed,accepted");
    assert_eq!(env.stored().task().task.crashes, 1);
    assert_eq!(starts(&env).len(), 2);
}

/// Each sign of life begins the silence anew that a task allows.
#[test]
fn what_it_reports_counts_as_progress() {
    let sign = "< {\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{\"sessionId\":\"sess-1\",\"update\":{\"sessionUpdate\":\"agent_thought_chunk\",\"content\":{\"type\":\"text\",\"text\":\"Hm.\"}}}}\n!sleep 1.0\n";
    let good = transcript("acp", "good.jsonl");
    let (before, end) = good.trim_end().rsplit_once('\n').expect("it has lines");
    let env = stage("acp", "", &[&format!("{before}\n{}{end}\n", sign.repeat(4))]);
    env.write("plan.json", &one_task(1, json!({ "timeouts": { "progress": "3s" } })));
    env.baton(&["run", "plan.json"]).ok();
    let env = stage("acp", "", &[&transcript("acp", "hang.jsonl")]);
    env.write("plan.json", &one_task(1, json!({ "timeouts": { "progress": "3s" } })));
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(report(&env)["fault"]["message"], "no sign of progress for 3s (timeouts.progress)");
}

/// Asking for leave ends the attempt: the agent is told that its turn is over.
#[test]
fn the_turn_in_which_leave_was_asked_is_cancelled() {
    let env = stage("acp", ", permissions = \"ask\"", &[&transcript("acp", "permission-ask.jsonl")]);
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(4));
    assert_eq!(methods(&env), ["initialize", "session/new", "session/prompt", "session/cancel"]);
}

/// What was spent before a question is charged, though the run ends with the question.
#[test]
fn leave_that_is_refused_is_told_and_what_was_spent_before_is_charged() {
    let spent = "< {\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{\"sessionId\":\"sess-1\",\"update\":{\"sessionUpdate\":\"usage_update\",\"used\":10,\"size\":100,\"cost\":{\"amount\":0.5,\"currency\":\"USD\"}}}}";
    let ask = transcript("acp", "permission-ask.jsonl");
    let wish = ask.find("< {\"jsonrpc\":\"2.0\",\"id\":\"p1\"").expect("it asks for leave");
    let first = format!("{}{spent}\n{}", &ask[..wish], &ask[wish..]);
    let refused = transcript("acp", "permission-resumed.jsonl")
        .replace("\"optionId\":\"yes\"}}}", "\"optionId\":\"no\"}}}");
    let env = stage("acp", ", permissions = \"ask\"", &[&first, &refused]);
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(4));
    env.baton(&["answer", "q1", "Reject"]).ok();
    // It was to change files, and did nothing that it asked leave for.
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(endings(&env), "asked,environment");
    let answer = heard(&env).into_iter().rfind(|line| line["id"] == "p1").expect("it was answered");
    assert_eq!(answer["result"]["outcome"], json!({ "outcome": "selected", "optionId": "no" }));
    assert_eq!(env.baton(&["cost", "--json"]).json()["total"]["cost"], 0.75);
}

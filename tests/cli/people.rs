//! People in the loop: a question is a row, the task waits without its agent, and an answer lets it go on.

use baton_core::ending::Ending;

use crate::support::Env;
use crate::support::model::{Model, Reply};
use crate::support::stored::Stored;

fn env(config: &str) -> Env {
    let env = Env::new();
    env.write("baton.toml", &format!("[agents.me]\nadapter = \"person\"\nskills = [\"decide\"]\n{config}"));
    env.write(
        "plan.json",
        r#"[{"id": "a", "title": "Ship it?", "skills": ["decide"], "effects": "pure",
             "input": {"question": "Ship it?", "choices": ["yes", "no"]}}]"#,
    );
    env
}

#[test]
fn a_question_waits_through_a_restart_and_its_answer_is_the_outcome() {
    let env = env("");
    let asked = env.baton(&["run", "plan.json"]);
    assert_eq!(asked.code, Some(4), "{asked:?}");
    assert!(asked.stdout.contains("baton answer q1 \"yes\" | \"no\""), "{}", asked.stdout);
    insta::assert_snapshot!(env.baton(&["why", "a"]).ok(), @r"
    a waits for a person: Ship it?

        Ship it? (`baton answer q1`)
    ");
    assert_eq!(env.stored().task().task.attempts, 0, "waiting for a person costs no attempt");
    let refused = env.baton(&["answer", "q1", "maybe"]).fails(2);
    assert!(refused.contains("expected one of yes, no, not \"maybe\""), "{refused}");
    env.baton(&["answer", "q1", "1", "--by", "ann"]).ok();
    let twice = env.baton(&["answer", "q1", "no"]).fails(2);
    assert!(twice.contains("q1 was answered before: \"yes\""), "{twice}");
    env.baton(&["run", "plan.json"]).ok();
    let accepted = env.stored().attempts_that(Ending::Accepted);
    assert_eq!(Stored::report(&accepted[0])["outcome"]["output"]["answer"], "yes");
    assert_eq!(env.stored().facts("answered")[0]["by"], "ann");
}

#[test]
fn a_policy_answers_when_nobody_does() {
    let env = env("[people]\nunanswered = \"auto\"\n");
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(env.stored().answers(), ["policy: yes"]);
    assert_eq!(env.stored().attempts().len(), 1, "it was answered on the spot");
}

#[test]
fn a_question_that_no_policy_can_answer_fails_its_task_when_its_time_is_over() {
    let env = env("[people]\nunanswered = \"deny\"\nafter = \"100ms\"\n");
    env.baton(&["run", "plan.json"]).fails(1);
    let why = env.baton(&["why", "a"]).ok();
    assert!(why.contains("nobody has answered q1: Ship it?"), "{why}");
}

#[test]
fn people_are_told_of_a_question_by_a_program() {
    let env = env(
        "[people]\nnotify-profile = \"tell\"\n[profiles.tell]\nargv = [\"sh\", \"-c\", \"cat > told.json\"]\nenv = [\"PATH\"]\n",
    );
    let host = env.start(&["host"]);
    env.until("a store", |_| true);
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(4));
    for _ in 0..200 {
        if std::fs::metadata(env.path("told.json")).is_ok_and(|file| file.len() > 0) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let told: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(env.path("told.json")).unwrap()).unwrap();
    assert_eq!(told["task"], "a");
    assert_eq!(told["choices"], serde_json::json!(["yes", "no"]));
    drop(host);
}

#[test]
fn people_are_told_of_a_question_by_a_request() {
    let model = Model::start(|_, _| Reply::status(204));
    let env = env(&format!(
        "[people]\nnotify-service = \"hook\"\n[services.hook]\nurl = \"http://127.0.0.1:{}/hook\"\nprivate = true\n",
        model.port
    ));
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(4));
    let [told] = model.asked().try_into().expect("one request, before the command ended");
    assert_eq!(told.line, "POST /hook");
    assert_eq!(told.json()["text"].as_str().map(|text| text.contains("Ship it?")), Some(true));
}

/// What statistics leave out, lessons leave out as well.
#[test]
fn a_question_that_nobody_answered_teaches_nothing_about_its_agent() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.me]\nadapter = \"person\"\nskills = [\"decide\"]\n[agents.ann]\nadapter = \"mock\"\nskills = [\"work\"]\n\
         [router]\nuse = \"predictive\"\n[people]\nunanswered = \"deny\"\nafter = \"50ms\"\n",
    );
    env.write(
        "plan.json",
        r#"[{"id": "asked", "skills": ["decide"], "effects": "pure", "input": {"question": "Well?", "choices": ["yes", "no"]}},
            {"id": "worked", "skills": ["work"]}]"#,
    );
    env.baton(&["run", "plan.json"]).fails(1);
    env.write("more.json", r#"[{"id": "more", "skills": ["work"]}]"#);
    env.baton(&["run", "more.json"]).ok();
    let lessons = env.stored().lessons().concat();
    assert!(lessons.contains("\"worked\""), "{lessons}");
    assert!(!lessons.contains("\"asked\""), "{lessons}");
    assert_eq!(env.stored().tallies_of("me"), 0);
    let report = env.baton(&["report", "r1", "--json"]).json();
    let me = report["agents"].as_array().expect("a list").iter().find(|one| one["agent"] == "me").cloned();
    assert_eq!(me.expect("it was asked")["failed"], 0);
}

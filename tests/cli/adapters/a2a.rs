//! Agents that speak A2A 1.0.

use serde_json::{Value, json};

use super::{fact, kinds, report, service};
use crate::support::Env;
use crate::support::model::{Asked, Model, Reply};

pub fn card(streaming: bool) -> Value {
    json!({
        "name": "Route planner", "description": "Plans routes.", "version": "1.2.0",
        "supportedInterfaces": [
            { "url": "http://far.example/a2a/v1", "protocolBinding": "JSONRPC", "protocolVersion": "1.0" },
        ],
        "capabilities": { "streaming": streaming }, "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"], "skills": [],
    })
}

pub fn method(asked: &Asked) -> String {
    match asked.line.as_str() {
        "GET /.well-known/agent-card.json" => String::from("card"),
        _ => asked.json()["method"].as_str().unwrap_or_default().to_owned(),
    }
}

pub fn result(asked: &Asked, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": asked.json()["id"], "result": result })
}

fn status(state: &str, words: &str) -> Value {
    json!({ "state": state, "message": { "messageId": "m-1", "role": "ROLE_AGENT", "parts": [{ "text": words }] } })
}

#[test]
fn a_streamed_task_is_followed_to_its_artifacts() {
    let model = Model::start(|_, asked| {
        if method(asked) == "card" {
            return Reply::json(&card(true));
        }
        let told = |told: Value| result(asked, told);
        let artifact = |text: &str, append: bool| {
            told(json!({ "artifactUpdate": { "taskId": "t-1", "contextId": "c-1", "append": append,
                "artifact": { "artifactId": "a-1", "name": "Report", "parts": [{ "text": text }] } } }))
        };
        Reply::events(&[
            told(
                json!({ "task": { "id": "t-1", "contextId": "c-1", "status": { "state": "TASK_STATE_SUBMITTED" } } }),
            ),
            artifact("From A ", false),
            artifact("to B.\n\nTurn left.", true),
            told(
                json!({ "statusUpdate": { "taskId": "t-1", "contextId": "c-1", "status": { "state": "TASK_STATE_COMPLETED" } } }),
            ),
        ])
    });
    let env = Env::new();
    service(&env, "a2a", "", model.port, "", "");
    env.baton(&["run", "plan.json"]).ok();
    let asked: Vec<String> = model.asked().iter().map(method).collect();
    assert_eq!(asked, ["card", "SendStreamingMessage"]);
    let message = model.asked()[1].json()["params"]["message"].clone();
    assert_eq!(message["parts"], json!([{ "text": "Mend it" }]));
    let outcome = report(&env)["outcome"].clone();
    assert_eq!(outcome["summary"], "From A to B.");
    assert_eq!(outcome["output"], json!({ "text": "From A to B.\n\nTurn left." }));
}

#[test]
fn what_the_agent_wants_to_know_is_asked_of_a_person_and_its_task_goes_on() {
    let model = Model::start(|_, asked| {
        let task = |status: Value| json!({ "id": "t-1", "contextId": "c-1", "status": status });
        match method(asked).as_str() {
            "card" => Reply::json(&card(false)),
            "GetTask" => {
                Reply::json(&result(asked, task(status("TASK_STATE_INPUT_REQUIRED", "From where?"))))
            }
            _ if asked.json()["params"]["message"]["taskId"] == "t-1" => {
                Reply::json(&result(asked, json!({ "task": task(status("TASK_STATE_COMPLETED", "Done.")) })))
            }
            _ => Reply::json(&result(
                asked,
                json!({ "task": task(status("TASK_STATE_INPUT_REQUIRED", "From where?")) }),
            )),
        }
    });
    let env = Env::new();
    service(&env, "a2a", "", model.port, "", "");
    let run = env.baton(&["run", "plan.json"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert_eq!(fact(&env, "asked", "text"), "From where?");
    env.baton(&["answer", "q1", "Oslo"]).ok();
    env.baton(&["run", "plan.json"]).ok();
    let asked = model.asked();
    let methods: Vec<String> = asked.iter().map(method).collect();
    assert_eq!(methods, ["card", "SendMessage", "card", "GetTask", "SendMessage"]);
    assert_eq!(asked[4].json()["params"]["message"]["parts"], json!([{ "text": "Oslo" }]));
    assert_eq!(report(&env)["outcome"]["summary"], "Done.");
    let kinds = kinds(&env);
    assert_eq!(kinds.replace(",charged", ""), "submitted,assigned,asked,answered,assigned,accepted");
}

/// An adapter says what it used after it was told that its question waits.
#[test]
fn what_an_attempt_used_that_asked_is_never_lost() {
    let model = Model::start(|_, asked| match method(asked).as_str() {
        "card" => Reply::json(&card(false)),
        _ => Reply::json(&result(
            asked,
            json!({ "task": { "id": "t-1", "contextId": "c-1", "status": status("TASK_STATE_INPUT_REQUIRED", "Where?") } }),
        )),
    });
    for _ in 0..20 {
        let env = Env::new();
        service(&env, "a2a", "", model.port, "", "");
        assert_eq!(env.baton(&["run", "plan.json"]).code, Some(4));
        assert_eq!(fact(&env, "charged", "bill.usage.requests"), "2");
    }
}

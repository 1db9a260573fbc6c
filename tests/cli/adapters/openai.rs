//! Models behind a service: what is streamed, what is repaired, what is shared.

use std::time::Duration;

use serde_json::{Value, json};

use super::{endings, one_task, report, service};
use crate::support::Env;
use crate::support::model::{Model, Reply};

fn piece(delta: Value, finish: Value) -> Value {
    json!({
        "id": "c1", "object": "chat.completion.chunk", "model": "scripted-1",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
    })
}

#[test]
fn an_answer_that_is_streamed_is_put_together_and_its_tokens_are_counted() {
    let model = Model::start(|_, _| {
        Reply::events(&[
            piece(json!({ "role": "assistant", "content": "Hello " }), Value::Null),
            piece(json!({ "content": "there." }), Value::Null),
            piece(json!({}), json!("stop")),
            json!({ "id": "c1", "object": "chat.completion.chunk", "model": "scripted-1", "choices": [],
                "usage": { "prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15 } }),
            json!("[DONE]"),
        ])
    });
    let env = Env::new();
    service(&env, "openai", ", model = \"scripted-1\"", model.port, "/v1", "");
    env.baton(&["run", "plan.json"]).ok();
    let asked = model.asked();
    assert_eq!(asked[0].json()["stream"], true);
    assert_eq!(asked[0].json()["stream_options"], json!({ "include_usage": true }));
    let outcome = report(&env)["outcome"].clone();
    assert_eq!(outcome["summary"], "Hello there.");
    assert_eq!(
        [&outcome["usage"]["input_tokens"], &outcome["usage"]["output_tokens"]],
        [&json!(12), &json!(3)]
    );
}

#[test]
fn an_answer_that_breaks_the_contract_is_repaired_by_the_next_attempt() {
    let model = Model::start(|before, _| match before {
        0 => Reply::chat("{\"answer\": \"many\"}", 10, 5),
        _ => Reply::chat("{\"answer\": 42}", 20, 5),
    });
    let env = Env::new();
    service(&env, "openai", ", model = \"scripted-1\", stream = false", model.port, "/v1", "");
    let contract = json!({
        "type": "object", "required": ["answer"], "properties": { "answer": { "type": "integer" } },
    });
    env.write("plan.json", &one_task(2, json!({ "effects": "pure", "contract": contract, "validators": [{ "use": "schema" }] })));
    env.baton(&["run", "plan.json"]).ok();
    let asked = model.asked();
    assert_eq!(asked.len(), 2);
    let prompt = |index: usize| asked[index].json()["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
    assert!(prompt(0).contains("Answer with JSON that satisfies this schema:"), "{}", prompt(0));
    assert!(!prompt(0).contains("Earlier attempts"), "{}", prompt(0));
    assert!(prompt(1).contains("Earlier attempts were not accepted:"), "{}", prompt(1));
    assert!(prompt(1).contains("integer"), "{}", prompt(1));
    assert_eq!(endings(&env), "unaccepted,accepted");
    assert_eq!(report(&env)["outcome"]["output"], json!({ "answer": 42 }));
}

/// Two agents, four tasks, one service.
#[test]
fn agents_that_share_a_service_share_its_places() {
    let model = Model::start(|_, _| {
        std::thread::sleep(Duration::from_millis(100));
        Reply::chat("Done.", 1, 1)
    });
    let env = Env::new();
    let agent = |name: &str| {
        format!(
            "[agents.{name}]\nadapter = \"openai\"\nskills = [\"work\"]\ncapacity = 2\n\
             config = {{ service = \"far\", model = \"scripted-1\", stream = false }}\n"
        )
    };
    let service = |more: &str| {
        format!("[services.far]\nurl = \"http://127.0.0.1:{}/v1\"\nprivate = true\n{more}", model.port)
    };
    let both = format!("{}{}", agent("ann"), agent("bob"));
    env.write("baton.toml", &format!("{both}{}", service("concurrency = 1\nper-minute = 600\n")));
    let tasks: Vec<Value> = (0..4)
        .map(|index| json!({ "id": format!("t{index}"), "title": "Write", "skills": ["work"], "effects": "pure" }))
        .collect();
    env.write("plan.json", &Value::from(tasks).to_string());
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(model.asked().len(), 4);
    assert_eq!(model.most_at_once(), 1);
    let agents = env.sql::<i64>("SELECT count(DISTINCT agent_id) FROM attempt");
    assert_eq!(agents, 2);
    env.write("baton.toml", &format!("{both}{}", service("")));
    env.baton(&["run", "--again", "plan.json"]).ok();
    assert!(model.most_at_once() > 1, "without a cap they are at once, or this test shows nothing");
}

#[test]
fn a_secret_is_in_no_event_whatever_the_service_says_of_it() {
    // It says the key back: in an error, and in an answer.
    let model = Model::start(|before, asked| {
        let key = asked.header("authorization").unwrap_or_default().to_owned();
        match before {
            0 => Reply { status: 500, ..Reply::json(&json!({ "error": { "message": format!("bad key {key}") } })) },
            _ => Reply::chat(&format!("Your key is {key}"), 1, 1),
        }
    });
    let env = Env::new();
    service(
        &env,
        "openai",
        ", model = \"scripted-1\", stream = false",
        model.port,
        "/v1",
        "headers = { authorization = \"Bearer {key}\" }\n[secrets]\nkey = { file = \"key.txt\" }\n",
    );
    env.write("key.txt", "s3cr3t-of-the-test\n");
    env.write("plan.json", &one_task(2, json!({ "effects": "pure" })));
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(model.asked().len(), 2);
    let sent = model.asked()[1].header("authorization").map(str::to_owned);
    assert_eq!(sent.as_deref(), Some("Bearer s3cr3t-of-the-test"));
    for shown in [env.baton(&["events"]).ok(), env.baton(&["show", "a"]).ok(), env.baton(&["--json", "report"]).ok()] {
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
    let told = env.sql::<i64>("SELECT count(*) FROM event WHERE instr(CAST(fact AS TEXT), 's3cr3t') > 0");
    assert_eq!(told, 0);
}

//! Models behind a service: what is streamed, what is repaired, what is shared.

use std::time::Duration;

use baton_core::task::StateName;
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
fn the_responses_api_is_streamed_as_well() {
    let model = Model::start(|_, _| {
        let item = json!({ "type": "message", "id": "m1", "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": "Hello there." }] });
        Reply::events(&[
            json!({ "type": "response.created", "response": { "id": "r", "status": "in_progress" } }),
            json!({ "type": "response.output_text.delta", "item_id": "m1", "output_index": 0, "delta": "Hello " }),
            json!({ "type": "response.output_text.delta", "item_id": "m1", "output_index": 0, "delta": "there." }),
            json!({ "type": "response.completed", "response": { "id": "r", "status": "completed",
                "model": "scripted-1", "output": [item],
                "usage": { "input_tokens": 12, "output_tokens": 3, "total_tokens": 15 } } }),
        ])
    });
    let env = Env::new();
    service(&env, "openai", ", model = \"scripted-1\", api = \"responses\"", model.port, "/v1", "");
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(model.asked()[0].line, "POST /v1/responses");
    let outcome = report(&env)["outcome"].clone();
    assert_eq!(outcome["summary"], "Hello there.");
    assert_eq!(outcome["usage"]["input_tokens"], 12);
}

#[test]
fn a_stream_that_breaks_off_is_no_answer_and_is_asked_for_again() {
    let model = Model::start(|before, _| match before {
        0 => Reply::events(&[piece(json!({ "role": "assistant", "content": "Hello " }), Value::Null)]),
        _ => Reply::events(&[
            piece(json!({ "role": "assistant", "content": "Hello there." }), json!("stop")),
            json!("[DONE]"),
        ]),
    });
    let env = Env::new();
    service(&env, "openai", ", model = \"scripted-1\"", model.port, "/v1", "");
    env.write("plan.json", &one_task(2, json!({ "effects": "pure" })));
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(endings(&env), "transient,accepted");
    assert_eq!(report(&env)["outcome"]["summary"], "Hello there.");
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
    env.write(
        "plan.json",
        &one_task(2, json!({ "effects": "pure", "contract": contract, "validators": [{ "use": "schema" }] })),
    );
    env.baton(&["run", "plan.json"]).ok();
    let asked = model.asked();
    assert_eq!(asked.len(), 2);
    let prompt =
        |index: usize| asked[index].json()["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
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
    let agents = env.stored().agents_used();
    assert_eq!(agents, 2);
    env.write("baton.toml", &format!("{both}{}", service("")));
    env.baton(&["run", "--again", "plan.json"]).ok();
    assert!(model.most_at_once() > 1, "without a cap they are at once, or this test shows nothing");
}

/// The second request of a minute that has but one is not sent, whichever agent would send it.
#[test]
fn agents_that_share_a_service_share_its_minute() {
    let model = Model::start(|_, _| Reply::chat("Done.", 1, 1));
    let env = Env::new();
    let agent = |name: &str| {
        format!(
            "[agents.{name}]\nadapter = \"openai\"\nskills = [\"{name}\"]\n\
             config = {{ service = \"far\", model = \"scripted-1\", stream = false }}\n"
        )
    };
    env.write(
        "baton.toml",
        &format!(
            "{}{}[services.far]\nurl = \"http://127.0.0.1:{}/v1\"\nprivate = true\nper-minute = 1\n",
            agent("ann"),
            agent("bob"),
            model.port
        ),
    );
    env.write(
        "plan.json",
        r#"[{"id": "a", "title": "Write", "skills": ["ann"], "effects": "pure"},
            {"id": "b", "title": "Write", "skills": ["bob"], "effects": "pure"}]"#,
    );
    let host = env.start(&["host"]);
    env.until("a host", |stored| stored.hosts() > 0);
    env.baton(&["run", "--detach", "plan.json"]).ok();
    env.until("one that is done", |stored| stored.tasks_in(StateName::Succeeded) == 1);
    env.until("one that waits", |stored| stored.tasks_in(StateName::Running) == 1);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(model.asked().len(), 1);
    drop(host);
}

const KEY: &str = "headers = { authorization = \"Bearer {key}\" }\n[secrets]\nkey = { file = \"key.txt\" }\n";

/// No word of the key in what a person sees and in what is stored.
fn says_nothing_of(secret: &str, env: &Env) {
    for shown in [&["events"][..], &["show", "a"], &["--json", "report"], &["why", "a"], &["dead", "list"]] {
        let output = env.baton(shown);
        assert!(!output.stdout.contains(secret) && !output.stderr.contains(secret), "{shown:?}: {output:?}");
    }
    let told = env
        .stored()
        .record()
        .iter()
        .filter(|event| serde_json::to_string(&event.fact).expect("it is data").contains(secret))
        .count();
    assert_eq!(told, 0);
}

#[test]
fn a_secret_is_in_no_event_when_it_is_refused() {
    let model = Model::start(|_, _| Reply {
        status: 401,
        ..Reply::json(&json!({ "error": { "message": "Incorrect API key provided" } }))
    });
    let env = Env::new();
    service(&env, "openai", ", model = \"scripted-1\", stream = false", model.port, "/v1", KEY);
    env.write("key.txt", "s3cr3t-of-the-test\n");
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(endings(&env), "unauthorized");
    assert_eq!(model.asked()[0].header("authorization"), Some("Bearer s3cr3t-of-the-test"));
    says_nothing_of("s3cr3t", &env);
}

#[test]
fn a_secret_is_in_no_event_when_the_service_repeats_it() {
    let model = Model::start(|_, asked| {
        let key = asked.header("authorization").unwrap_or_default().to_owned();
        Reply { status: 500, ..Reply::json(&json!({ "error": { "message": format!("bad key {key}") } })) }
    });
    let env = Env::new();
    service(&env, "openai", ", model = \"scripted-1\", stream = false", model.port, "/v1", KEY);
    env.write("key.txt", "s3cr3t-of-the-test\n");
    env.baton(&["run", "plan.json"]).fails(1);
    says_nothing_of("s3cr3t", &env);
}

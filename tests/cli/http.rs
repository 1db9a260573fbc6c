//! Requests of adapters: what reaches a service, what does not, and what a plan's author sees of it.

use serde_json::json;

use crate::support::Env;
use crate::support::model::{Model, Reply};
use crate::support::stored::Stored;

/// One agent that asks a model at this address.
fn env(model: &Model, service: &str) -> Env {
    let env = Env::new();
    env.write(
        "baton.toml",
        &format!(
            "[agents.writer]\nadapter = \"openai\"\nskills = [\"write\"]\n\
             config = {{ service = \"llm\", model = \"scripted-1\", stream = false }}\n\n\
             [secrets]\nkey = {{ file = \"key.txt\" }}\n\n\
             [services.llm]\nurl = \"http://127.0.0.1:{}/v1\"\n{service}",
            model.port
        ),
    );
    env.write("key.txt", "s3cr3t\n");
    env.write(
        "plan.json",
        r#"[{"id": "a", "title": "Say hello", "skills": ["write"], "retry": {"attempts": 1}}]"#,
    );
    env
}

const OPEN: &str = "private = true\nheaders = { authorization = \"Bearer {key}\" }\n";

#[test]
fn a_model_does_a_task_and_its_key_stays_outside() {
    let model = Model::start(|_, _| Reply::chat("Hello there.", 12, 3));
    let env = env(&model, OPEN);
    env.baton(&["run", "plan.json"]).ok();
    let [asked] = model.asked().try_into().unwrap();
    assert_eq!(asked.line, "POST /v1/chat/completions");
    assert_eq!(asked.header("authorization"), Some("Bearer s3cr3t"));
    assert_eq!(asked.header("idempotency-key").map(|key| key.contains("r1/a")), Some(true));
    assert_eq!(asked.json()["messages"][0]["content"], "Say hello");
    let outcome = Stored::report(&env.stored().attempts()[0])["outcome"].clone();
    assert_eq!(outcome["summary"], "Hello there.");
    assert_eq!(outcome["output"], json!({ "text": "Hello there." }));
    assert_eq!(outcome["usage"]["input_tokens"], 12);
    assert_eq!(outcome["usage"]["model"], "scripted-1");
    let store = std::fs::read(env.path(".baton/baton.db")).unwrap();
    assert!(!store.windows(6).any(|window| window == b"s3cr3t"), "the secret is in the store");
}

#[test]
fn an_address_of_this_machine_is_refused_unless_it_is_meant() {
    let model = Model::start(|_, _| Reply::chat("never", 1, 1));
    let env = env(&model, "");
    env.baton(&["run", "plan.json"]).fails(1);
    let failed = env.baton(&["show", "a"]).ok();
    assert!(failed.contains("127.0.0.1 is on this machine or a private network"), "{failed}");
    assert!(failed.contains("set private = true"), "{failed}");
    assert_eq!(model.asked().len(), 0);
    let denied = env.stored().events("call-denied").len();
    assert_eq!(denied, 1);
}

#[test]
fn a_name_that_leads_inwards_is_refused_after_it_was_resolved() {
    let model = Model::start(|_, _| Reply::chat("never", 1, 1));
    let env = env(&model, "");
    let config = std::fs::read_to_string(env.path("baton.toml")).unwrap();
    env.write("baton.toml", &config.replace("127.0.0.1", "localhost"));
    env.baton(&["run", "plan.json"]).fails(1);
    let failed = env.baton(&["show", "a"]).ok();
    assert!(failed.contains("address refused"), "{failed}");
    assert_eq!(model.asked().len(), 0);
}

#[test]
fn a_redirect_is_not_followed() {
    let model = Model::start(|_, _| Reply::status(302).with("location", "http://127.0.0.1:9/elsewhere"));
    let env = env(&model, OPEN);
    env.baton(&["run", "plan.json"]).fails(1);
    let failed = env.baton(&["show", "a"]).ok();
    assert!(failed.contains("302"), "{failed}");
    assert_eq!(model.asked().len(), 1);
}

#[test]
fn a_method_that_is_not_allowed_is_not_sent() {
    let model = Model::start(|_, _| Reply::chat("never", 1, 1));
    let env = env(&model, "private = true\nmethods = [\"GET\"]\n");
    env.baton(&["run", "plan.json"]).fails(1);
    let failed = env.baton(&["show", "a"]).ok();
    assert!(failed.contains("service llm allows GET, not \"POST\": [services.llm] methods"), "{failed}");
    assert_eq!(model.asked().len(), 0);
}

#[test]
fn a_body_beyond_its_cap_is_not_taken() {
    let model = Model::start(|_, _| Reply::chat(&"x".repeat(100_000), 1, 1));
    let env = env(&model, "private = true\nmax-body = \"64KiB\"\n");
    env.baton(&["run", "plan.json"]).fails(1);
    let failed = env.baton(&["show", "a"]).ok();
    assert!(failed.contains("65536"), "{failed}");
}

#[test]
fn a_service_that_asks_to_wait_is_waited_for_and_costs_no_attempt() {
    let model = Model::start(|before, _| match before {
        0 => Reply::status(429).with("retry-after", "1"),
        _ => Reply::chat("At last.", 1, 1),
    });
    let env = env(&model, OPEN);
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(model.asked().len(), 2);
    assert_eq!(env.stored().task().task.attempts, 1);
    assert_eq!(env.stored().endings(), "rate-limited,accepted");
}

#[test]
fn a_secret_that_is_missing_is_named_before_anything_is_sent() {
    let model = Model::start(|_, _| Reply::chat("never", 1, 1));
    let env = env(&model, OPEN);
    std::fs::remove_file(env.path("key.txt")).unwrap();
    let said = env.baton(&["agents", "test", "writer"]);
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.contains("secret key:"), "{}", said.stdout);
    assert_eq!(model.asked().len(), 0);
}

#[test]
fn a_secret_may_not_travel_in_the_open() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[secrets]\nkey = { env = \"KEY\" }\n[services.s]\nurl = \"http://example.com\"\nheaders = { x = \"{key}\" }\n",
    );
    let wrong = env.baton(&["agents", "list"]).fails(2);
    assert!(wrong.contains("baton.toml:3:1: service s: a secret may not travel unencrypted"), "{wrong}");
}

#[test]
fn a_configured_agent_is_tried_with_small_tasks() {
    let model = Model::start(|_, asked| {
        if asked.line.starts_with("GET /v1/models") {
            return Reply::json(&json!({ "data": [{ "id": "scripted-1" }] }));
        }
        let wants = asked.json()["response_format"].is_object();
        Reply::chat(if wants { r#"{"word": "ready"}"# } else { "ready" }, 20, 5)
    });
    let env = env(&model, OPEN);
    let tried = env.baton(&["agents", "test", "writer", "--work"]).ok();
    insta::assert_snapshot!(tried, @r#"
    writer is ready
    ok   does a small task: ready
    ok   keeps to a JSON Schema: {"word": "ready"}
    ok   says what it used: 50 tokens
    ok   has a price: none is known: see [prices] and cost in baton.toml
    "#);
    assert!(!env.path(".baton").exists(), "it left no trace");
}

//! Claude Code as it is published, by its page: `claude -p`.

use super::*;

/// The configuration of the page, with the program of the tests and where it finds its model.
fn claude(port: u16) -> Env {
    let env = Env::new();
    let page = std::fs::read_to_string(root().join("host/cli/src/init/claude.toml")).expect("its page");
    let program = program("claude/node_modules/.bin/claude");
    let base = format!("ANTHROPIC_BASE_URL=http://127.0.0.1:{port}");
    let environment = environment(&env, &["ANTHROPIC_API_KEY=none", &base]);
    let config = page
        .replace("\"claude\", \"-p\"", &format!("{}, \"-p\"", json!(program)))
        .replace("[\"PATH\", \"HOME\", \"ANTHROPIC_API_KEY\"]", &environment)
        .replace("repository = \".\"", "repository = \"repo\"");
    assert!(config.matches(&environment).count() == 2, "the page names other variables: {page}");
    env.write("baton.toml", &config);
    repository(&env);
    env
}

/// One task for the skill of the page.
fn plan(attempts: u32, more: Value) -> String {
    one_task(attempts, more).replace("[\"work\"]", "[\"code\"]")
}

/// An answer of the Messages API: words, or the call of a tool.
pub fn message(block: &Value) -> Reply {
    let (kind, start, delta) = match block["type"].as_str() {
        Some("tool_use") => (
            "tool_use",
            json!({ "type": "tool_use", "id": block["id"], "name": block["name"], "input": {} }),
            json!({ "type": "input_json_delta", "partial_json": block["input"].to_string() }),
        ),
        _ => (
            "end_turn",
            json!({ "type": "text", "text": "" }),
            json!({ "type": "text_delta", "text": block["text"] }),
        ),
    };
    Reply::events(&[
        json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message", "role": "assistant",
            "model": "claude-scripted-1", "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": { "input_tokens": 100, "output_tokens": 1, "cache_read_input_tokens": 0,
                "cache_creation_input_tokens": 0 } } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": start }),
        json!({ "type": "content_block_delta", "index": 0, "delta": delta }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": kind, "stop_sequence": null },
            "usage": { "output_tokens": 10 } }),
        json!({ "type": "message_stop" }),
    ])
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn call(name: &str, input: &Value) -> Value {
    json!({ "type": "tool_use", "id": "toolu_1", "name": name, "input": input })
}

/// Answers the conversation by how many tools have returned in it; what else Claude asks for, as a title, is beside it.
fn model(answer: impl Fn(usize, &Asked) -> Value + Send + Sync + 'static) -> Model {
    Model::start(move |_, asked| {
        if asked.line.contains("count_tokens") {
            return Reply::json(&json!({ "input_tokens": 100 }));
        }
        if !is_turn(asked) {
            return message(&text("A title"));
        }
        message(&answer(asked.body.matches("\"tool_result\"").count(), asked))
    })
}

fn is_turn(asked: &Asked) -> bool {
    asked.line.starts_with("POST /v1/messages")
        && asked.body.starts_with('{')
        && asked.json()["tools"].as_array().is_some_and(|tools| !tools.is_empty())
}

/// Where the agent works, as it tells its model.
fn folder(asked: &Asked) -> String {
    let at = asked.body.find("/.baton/worktrees/").expect("it tells where it works");
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\\' | '`' | '\'');
    let start = asked.body[..at].rfind(is_end).map_or(0, |end| end + 1);
    let end = asked.body[at..].find(is_end).map_or(asked.body.len(), |end| at + end);
    asked.body[start..end].to_owned()
}

fn writes(asked: &Asked) -> Value {
    call("Write", &json!({ "file_path": format!("{}/b.txt", folder(asked)), "content": "mended\n" }))
}

#[test]
fn claude_writes_a_file() {
    let model = model(|returned, asked| match returned {
        0 => writes(asked),
        _ => text("Wrote b.txt."),
    });
    let env = claude(model.port);
    env.write("plan.json", &plan(1, json!({})));
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(git(&env.path("repo"), &["show", "baton/accepted:b.txt"]), "mended");
    let asked = model.asked();
    let turn = asked.iter().find(|asked| is_turn(asked)).expect("it asked");
    assert!(turn.body.contains("Mend it"), "{}", turn.body);
    let outcome = report(&env)["outcome"].clone();
    assert_eq!(outcome["summary"], "Wrote b.txt.");
    assert_eq!(outcome["attrs"]["workspace.changed"], r#"[{"path":"b.txt","status":"A"}]"#);
    let requests = asked.iter().filter(|asked| asked.line.starts_with("POST /v1/messages?")).count() as u64;
    assert_eq!(outcome["usage"]["input_tokens"], 100 * requests, "{asked:?}");
    assert_eq!(outcome["usage"]["output_tokens"], 10 * requests);
    let model = outcome["usage"]["model"].as_str().unwrap_or_default();
    assert!(model.starts_with("claude-") && !model.contains('['), "{model}");
}

/// What the page allows are edits and one command.
#[test]
fn claude_is_denied_what_the_page_does_not_allow() {
    let model = model(|returned, _| match returned {
        0 => call("Bash", &json!({ "command": "python3 -B -m unittest", "description": "Look" })),
        _ => text("I could not."),
    });
    let env = claude(model.port);
    env.write("plan.json", &plan(3, json!({})));
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(endings(&env), "environment", "the same would be denied again");
    let message = report(&env)["fault"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(
        message.contains("Bash: python3 -B -m unittest") && message.contains("--allowedTools"),
        "{message}"
    );
}

#[test]
fn what_the_provider_refuses_claude_is_not_tried_again() {
    let model = Model::start(|_, _| error(400, "max_tokens is too large", "invalid_request_error"));
    let env = claude(model.port);
    env.write("plan.json", &plan(3, json!({})));
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(endings(&env), "invalid-input");
}

#[test]
fn claude_is_gone_when_its_task_is_cancelled() {
    let model = Model::start(|_, _| {
        Reply::events(&[json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message",
            "role": "assistant", "model": "claude-scripted-1", "content": [], "usage": { "input_tokens": 1,
            "output_tokens": 1 } } })])
        .left_open()
    });
    let env = claude(model.port);
    env.write("plan.json", &plan(1, json!({})));
    let host = env.start(&["host"]);
    env.until("a host", |stored| stored.hosts() > 0);
    env.baton(&["run", "--detach", "plan.json"]).ok();
    within(30, "a request", || model.asked().iter().any(is_turn));
    assert!(processes(&env) > 0);
    env.baton(&["cancel", "a"]).ok();
    within(5, "its end", || processes(&env) == 0);
    drop(host);
}

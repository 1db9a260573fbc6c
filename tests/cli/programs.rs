//! The real programs of three adapters, as they are published, asking a scripted model on loopback. Their home is empty and
//! nothing else can be reached. `tests/programs/install.sh` installs them.

#[path = "programs/acp.rs"]
mod acp;
#[path = "programs/claude.rs"]
mod claude;

use std::path::PathBuf;

use baton_core::task::StateName;
use serde_json::{Value, json};

use crate::adapters::{endings, fact, one_task, report, repository, within};
use crate::support::model::{Asked, Model, Reply};
use crate::support::{Env, git, root};

/// Installed once, at the versions of the script; what is there already is left alone.
static INSTALLED: std::sync::LazyLock<()> =
    std::sync::LazyLock::new(|| install(&["codex", "claude", "aider"]));

/// A program that can't be installed fails the tests, and is named.
fn install(names: &[&str]) {
    let install = std::process::Command::new(root().join("tests/programs/install.sh")).args(names).output();
    let install = install.expect("tests/programs/install.sh can be started");
    let said = String::from_utf8_lossy(&install.stderr);
    assert!(install.status.success(), "tests/programs/install.sh failed: {said}");
}

/// A program by its path below `target/programs`.
fn program(path: &str) -> PathBuf {
    std::sync::LazyLock::force(&INSTALLED);
    root().join("target/programs").join(path)
}

/// What reaches the programs: a home of their own, and a proxy that is not there for all but loopback.
fn environment(env: &Env, more: &[&str]) -> String {
    for name in ["home/.codex", "home/.aider"] {
        std::fs::create_dir_all(env.path(name)).expect("folders can be made");
    }
    let nowhere = "http://127.0.0.1:9";
    let mut entries = vec![
        String::from("PATH"),
        format!("HOME={}", env.path("home").display()),
        format!("HTTP_PROXY={nowhere}"),
        format!("HTTPS_PROXY={nowhere}"),
        String::from("NO_PROXY=127.0.0.1"),
    ];
    entries.extend(more.iter().map(|entry| (*entry).to_owned()));
    json!(entries).to_string()
}

/// A response of the Responses API that says or calls this.
fn response(item: &Value, number: usize) -> Reply {
    let id = format!("resp_{number}");
    Reply::events(&[
        json!({ "type": "response.created", "response": { "id": id } }),
        json!({ "type": "response.output_item.done", "output_index": 0, "item": item }),
        json!({ "type": "response.completed", "response": { "id": id, "output": [item], "usage": {
            "input_tokens": 100, "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": 10,
            "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": 110 } } }),
    ])
}

fn words(text: &str) -> Value {
    json!({ "type": "message", "id": "msg_1", "role": "assistant",
        "content": [{ "type": "output_text", "text": text }] })
}

/// A patch as Codex's models write it, in a command of the shell.
fn patch() -> Value {
    let patch = "*** Begin Patch\n*** Update File: a.txt\n@@\n a\n+mended\n*** End Patch";
    let arguments = json!({ "cmd": format!("apply_patch <<'EOF'\n{patch}\nEOF\n") });
    json!({ "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "exec_command",
        "arguments": arguments.to_string() })
}

/// The requests for an answer.
fn turns(model: &Model) -> Vec<Asked> {
    model.asked().into_iter().filter(|asked| asked.line.starts_with("POST")).collect()
}

/// The configuration of the page, with the program of the tests; where the model is, Codex reads in its own configuration.
fn codex(port: u16) -> Env {
    let env = Env::new();
    let page = std::fs::read_to_string(root().join("host/cli/src/init/codex.toml")).expect("its page");
    let program = program("codex/node_modules/.bin/codex");
    let environment = environment(&env, &["OPENAI_API_KEY=none"]);
    let config = page
        .replace("\"codex\", \"exec\"", &format!("{}, \"exec\"", json!(program)))
        .replace("[\"PATH\", \"HOME\", \"OPENAI_API_KEY\"]", &environment)
        .replace("skills = [\"code\"]", "skills = [\"work\"]")
        .replace("repository = \".\"", "repository = \"repo\"");
    assert_eq!(config.matches(&environment).count(), 2, "the page names other variables: {page}");
    env.write("baton.toml", &config);
    env.write(
        "home/.codex/config.toml",
        &format!(
            "model_provider = \"s\"\n[model_providers.s]\nname = \"s\"\n\
             base_url = \"http://127.0.0.1:{port}/v1\"\nwire_api = \"responses\"\n"
        ),
    );
    repository(&env);
    env
}

#[test]
fn codex_mends_a_file() {
    let model = Model::start(|before, _| match before {
        0 => response(&patch(), before),
        _ => response(&words("Mended a.txt."), before),
    });
    let env = codex(model.port);
    env.write("plan.json", &one_task(1, json!({})));
    env.baton(&["run", "plan.json"]).ok();
    let asked = turns(&model);
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].line, "POST /v1/responses");
    assert_eq!(asked[0].json()["model"], "gpt-5-codex");
    assert!(asked[0].body.contains("Mend it"), "{}", asked[0].body);
    assert_eq!(git(&env.path("repo"), &["show", "baton/accepted:a.txt"]), "a\nmended");
    let outcome = report(&env)["outcome"].clone();
    assert_eq!(outcome["summary"], "Mended a.txt.");
    assert_eq!(outcome["usage"]["input_tokens"], 200);
    assert_eq!(outcome["usage"]["output_tokens"], 20);
    assert_eq!(outcome["attrs"]["workspace.changed"], r#"[{"path":"a.txt","status":"M"}]"#);
    let claimed = outcome["attrs"]["changed-files"].as_str().unwrap_or_default();
    assert!(claimed.ends_with("/a.txt\"]"), "{claimed}");
}

/// Its first attempt changes nothing and is refused; the second goes on in the same thread.
#[test]
fn codex_takes_up_its_thread_when_it_was_refused() {
    let model = Model::start(|before, _| match before {
        1 => response(&patch(), before),
        _ => response(&words("Mended a.txt."), before),
    });
    let env = codex(model.port);
    let judged = json!({ "paths": ["a.txt"], "validators": [{ "use": "diff-scope" }] });
    env.write("plan.json", &one_task(2, judged));
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(endings(&env), "unaccepted,accepted");
    let asked = turns(&model);
    assert_eq!(asked.len(), 3);
    let thread = |index: usize| asked[index].header("thread-id").map(str::to_owned);
    assert!(thread(0).is_some(), "{:?}", asked[0].headers);
    assert_eq!(thread(1), thread(0));
    assert_eq!(env.stored().memory()[0].value.lines().next().map(str::to_owned), thread(0));
    // Codex tells 300 tokens, for the whole thread.
    assert_eq!(report(&env)["outcome"]["usage"]["input_tokens"], 200);
    assert!(asked[1].body.contains("Earlier attempts were not accepted:"), "{}", asked[1].body);
}

/// A provider's error as it is written in the wild.
fn error(status: u16, message: &str, code: &str) -> Reply {
    let body = json!({ "error": { "message": message, "type": code, "code": code } });
    Reply { status, ..Reply::json(&body) }
}

#[test]
fn what_the_provider_refuses_codex_is_not_tried_again() {
    let quota = || error(429, "You exceeded your current quota.", "insufficient_quota");
    let long =
        || error(400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded");
    for (class, reply) in [("budget", quota()), ("invalid-input", long())] {
        let model = Model::start(move |_, _| reply.clone());
        let env = codex(model.port);
        env.write("plan.json", &one_task(3, json!({})));
        env.baton(&["run", "plan.json"]).fails(1);
        assert_eq!(endings(&env), class);
    }
}

/// The processes of a test's programs: their home is in its folder.
fn processes(env: &Env) -> usize {
    let home = format!("HOME={}", env.path("home").display()).into_bytes();
    let all = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let environs = all.filter_map(|process| std::fs::read(process.path().join("environ")).ok());
    environs.filter(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == home)).count()
}

#[test]
fn codex_is_gone_when_its_task_is_cancelled() {
    let model = Model::start(|_, _| {
        Reply::events(&[json!({ "type": "response.created", "response": {} })]).left_open()
    });
    let env = codex(model.port);
    env.write("plan.json", &one_task(1, json!({})));
    let host = env.start(&["host"]);
    env.until("a host", |stored| stored.hosts() > 0);
    env.baton(&["run", "--detach", "plan.json"]).ok();
    within(30, "a request", || !turns(&model).is_empty());
    assert!(processes(&env) > 0);
    env.baton(&["cancel", "a"]).ok();
    within(5, "its end", || processes(&env) == 0);
    within(5, "the cancellation", || env.stored().task().task.state.name() == StateName::Cancelled);
    drop(host);
}

fn aider(port: u16) -> Env {
    let env = Env::new();
    let argv = json!([
        program("aider/bin/aider"),
        "--message",
        "{prompt}",
        "--model",
        "{model}",
        "--edit-format",
        "whole",
        "--yes-always",
        "--no-pretty",
        "--no-stream",
        "--no-check-update",
        "--no-show-model-warnings",
        "--no-show-release-notes",
        "--no-detect-urls",
        "--no-suggest-shell-commands",
        "--analytics-disable",
        "--no-gitignore",
        "--no-auto-commits",
        "--map-tokens",
        "0",
        "--chat-history-file",
        "/dev/null",
        "--input-history-file",
        "/dev/null",
        "a.txt",
    ]);
    let base = format!("OPENAI_API_BASE=http://127.0.0.1:{port}/v1");
    let environment = environment(
        &env,
        &["COLUMNS=1000", "OPENAI_API_KEY=none", "LITELLM_LOCAL_MODEL_COST_MAP=True", &base],
    );
    env.write(
        "baton.toml",
        &format!(
            "[agents.worker]\nadapter = \"aider\"\nskills = [\"work\"]\n\
             config = {{ profile = \"aider\", model = \"openai/scripted-1\", silence-s = 120 }}\n\
             [profiles.aider]\nargv = {argv}\nenv = {environment}\n\
             confine = {{ write = [\"~/.aider\"] }}\n[workspace]\nrepository = \"repo\"\n"
        ),
    );
    // It keeps prices for a day before it looks for them elsewhere.
    let prices = json!({ "openai/scripted-1": {
        "litellm_provider": "openai", "mode": "chat", "max_input_tokens": 8192, "max_output_tokens": 1024,
        "input_cost_per_token": 0.0001, "output_cost_per_token": 0.0002 } });
    env.write("home/.aider/caches/model_prices_and_context_window.json", &prices.to_string());
    repository(&env);
    env.write("plan.json", &one_task(1, json!({})));
    env
}

#[test]
fn aider_mends_a_file() {
    let model = Model::start(|_, _| Reply::chat("I mend it.\n\na.txt\n```\na\nmended\n```\n", 120, 30));
    let env = aider(model.port);
    env.baton(&["run", "plan.json"]).ok();
    let asked = turns(&model);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "POST /v1/chat/completions");
    assert!(asked[0].body.contains("Mend it"), "{}", asked[0].body);
    assert_eq!(git(&env.path("repo"), &["show", "baton/accepted:a.txt"]), "a\nmended");
    let outcome = report(&env)["outcome"].clone();
    assert_eq!(outcome["summary"], "I mend it.");
    assert_eq!(
        outcome["usage"],
        json!({ "input_tokens": 120, "output_tokens": 30, "cost_micros": 20000, "requests": 1 })
    );
    assert_eq!(outcome["attrs"]["changed-files"], r#"["a.txt"]"#);
    assert_eq!(outcome["attrs"]["workspace.changed"], r#"[{"path":"a.txt","status":"M"}]"#);
}

#[test]
fn aider_that_only_talks_is_refused() {
    let model = Model::start(|_, _| Reply::chat("It looks fine to me.", 120, 3));
    let env = aider(model.port);
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(endings(&env), "invalid-output");
    assert_eq!(fact(&env, "charged", "bill.usage.input_tokens"), "120");
}

#[test]
fn aider_without_a_key_is_unauthorized() {
    let model = Model::start(|_, _| error(401, "Incorrect API key provided: none", "invalid_api_key"));
    let env = aider(model.port);
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(endings(&env), "unauthorized");
    assert_eq!(turns(&model).len(), 1);
}

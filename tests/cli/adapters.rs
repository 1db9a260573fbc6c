//! Every adapter, driven by the real host: programs are stood in for by `tests/actors/actor.py`, services by a scripted
//! server on loopback.

#[path = "adapters/a2a.rs"]
mod a2a;
#[path = "adapters/acp.rs"]
mod acp;
#[path = "adapters/aider.rs"]
mod aider;
#[path = "adapters/claude.rs"]
mod claude;
#[path = "adapters/codex.rs"]
mod codex;
#[path = "adapters/mcp.rs"]
mod mcp;
#[path = "adapters/openai.rs"]
mod openai;
#[path = "adapters/stop.rs"]
mod stop;

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Env, git, root};

/// What the actor writes down.
pub const LOG: &str = "actor.jsonl";

/// One task for the skill `work`, in a tree of its own where there is a `[workspace]`. Its retries do not wait.
pub fn one_task(attempts: u32, more: Value) -> String {
    let mut task = json!({
        "id": "a", "title": "Mend it", "skills": ["work"], "allow_no_change": true,
        "retry": { "attempts": attempts, "base": "1ms", "cap": "1ms" },
    });
    if let (Value::Object(task), Value::Object(more)) = (&mut task, more) {
        task.extend(more);
    }
    json!([task]).to_string()
}

/// A transcript of an adapter's own tests.
pub fn transcript(adapter: &str, file: &str) -> String {
    let path = root().join("plugins/agents").join(adapter).join("transcripts").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// An agent `worker` whose program plays these transcripts, one a start, in a repository of its own.
pub fn stage(adapter: &str, config: &str, transcripts: &[&str]) -> Env {
    needs_python();
    let env = Env::new();
    env.write(
        "baton.toml",
        &format!(
            "[agents.worker]\nadapter = \"{adapter}\"\nskills = [\"work\"]\n\
             config = {{ profile = \"actor\"{config} }}\n\n{}\n[workspace]\nrepository = \"repo\"\n",
            actor(&env, "actor", transcripts, &[])
        ),
    );
    repository(&env);
    env.write("plan.json", &one_task(1, json!({})));
    env
}

/// A profile whose program plays these transcripts. They are written into the test's folder, as is the log.
pub fn actor(env: &Env, profile: &str, transcripts: &[&str], arguments: &[&str]) -> String {
    let log = env.path(LOG);
    if !log.exists() {
        env.write(LOG, "");
    }
    let mut argv = vec![json!("python3"), json!(root().join("tests/actors/actor.py")), json!(log)];
    for (index, transcript) in transcripts.iter().enumerate() {
        argv.push(json!(env.write(&format!("{profile}/{index}.txt"), transcript)));
    }
    argv.push(json!("--"));
    argv.extend(arguments.iter().map(|argument| json!(argument)));
    let (argv, log, plays) = (Value::Array(argv), json!(log), json!(env.path(profile)));
    format!(
        "[profiles.{profile}]\nargv = {argv}\nenv = [\"PATH\"]\nconfine = {{ write = [{log}], read = [{plays}] }}\n"
    )
}

pub fn needs_python() {
    let version = Command::new("python3").arg("--version").output();
    assert!(
        version.is_ok_and(|version| version.status.success()),
        "there is no python3: the adapters are tested with programs that are written in it, so install Python 3"
    );
}

/// `repo` with one file.
pub fn repository(env: &Env) {
    env.write("repo/a.txt", "a\n");
    let repo = env.path("repo");
    git(&repo, &["init", "--quiet"]);
    git(&repo, &["add", "--all"]);
    git(&repo, &["commit", "--quiet", "--message", "First"]);
}

fn log(env: &Env, member: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(env.path(LOG)).unwrap_or_default();
    let entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    entries.filter(|entry| entry.get(member).is_some()).collect()
}

/// The lines that the actor was told, over all its starts.
pub fn heard(env: &Env) -> Vec<Value> {
    log(env, "heard").into_iter().map(|entry| entry["heard"].clone()).collect()
}

/// The methods of JSON-RPC that it was told, without responses.
pub fn methods(env: &Env) -> Vec<String> {
    heard(env).iter().filter_map(|line| Some(line.get("method")?.as_str()?.to_owned())).collect()
}

/// One entry for each start of the actor: its process id, what it plays, its arguments.
pub fn starts(env: &Env) -> Vec<Value> {
    log(env, "started")
}

/// What the latest attempt reported.
pub fn report(env: &Env) -> Value {
    let mut attempts = env.stored().attempts();
    attempts.retain(|attempt| attempt.report.is_some());
    let latest = attempts.into_iter().max_by_key(|attempt| attempt.epoch).expect("there is a report");
    serde_json::to_value(latest.report).expect("reports are JSON")
}

/// How the attempts ended, in their order.
pub fn endings(env: &Env) -> String {
    env.stored().endings()
}

/// What happened to tasks, in its order, but for signs of life.
pub fn kinds(env: &Env) -> String {
    env.stored().kinds(None).join(",")
}

/// One column of facts of a kind.
pub fn fact(env: &Env, kind: &str, path: &str) -> String {
    let fact = env.stored().facts(kind).pop().unwrap_or_else(|| panic!("there is no event {kind}"));
    let pointer = format!("/{}", path.replace('.', "/"));
    match fact.pointer(&pointer).unwrap_or_else(|| panic!("{fact} has no {path}")) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Waits, for a bounded time.
pub fn within(seconds: u64, what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..seconds * 50 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} did not come about in {seconds} s");
}

/// An agent `worker` of an adapter that talks with the service at this port.
pub fn service(env: &Env, adapter: &str, config: &str, port: u16, path: &str, more: &str) {
    env.write(
        "baton.toml",
        &format!(
            "[agents.worker]\nadapter = \"{adapter}\"\nskills = [\"work\"]\nconfig = {{ service = \"far\"{config} }}\n\n\
             [services.far]\nurl = \"http://127.0.0.1:{port}{path}\"\nprivate = true\n{more}"
        ),
    );
    env.write("plan.json", &one_task(1, json!({ "effects": "pure" })));
}

//! The programs that speak the Agent Client Protocol, as they are published: each edits a file, lands it, and tells what it
//! used to the token. `.ci/long` runs this: together they are a gigabyte, and some take half a minute to start.

use super::*;

struct Program {
    name: &'static str,
    argv: &'static [&'static str],
    /// Besides a home of its own, with the model's address for `{base}`.
    env: &'static [&'static str],
    /// A file of its home and what is in it.
    home: Option<(&'static str, &'static str)>,
    /// Whether it tells the tokens of its last request only.
    tells_last: bool,
}

const PROGRAMS: [Program; 6] = [
    Program {
        name: "gemini",
        argv: &["--experimental-acp"],
        env: &["GEMINI_API_KEY=none", "GOOGLE_GEMINI_BASE_URL={base}"],
        home: None,
        tells_last: false,
    },
    Program {
        name: "qwen",
        argv: &["--acp"],
        env: &["OPENAI_API_KEY=none", "OPENAI_BASE_URL={base}/v1", "OPENAI_MODEL=scripted-1"],
        home: None,
        tells_last: false,
    },
    Program {
        name: "copilot",
        argv: &["--acp"],
        env: &["COPILOT_PROVIDER_BASE_URL={base}/v1", "COPILOT_MODEL=scripted-1", "COPILOT_OFFLINE=true"],
        home: None,
        tells_last: false,
    },
    Program {
        name: "codex-acp",
        argv: &[],
        env: &["OPENAI_API_KEY=none"],
        home: Some((
            ".codex/config.toml",
            "model_provider = \"s\"\nmodel = \"gpt-5-codex\"\n[model_providers.s]\nname = \"s\"\n\
             base_url = \"{base}/v1\"\nenv_key = \"OPENAI_API_KEY\"\nwire_api = \"responses\"\n",
        )),
        tells_last: false,
    },
    Program {
        name: "claude-agent-acp",
        argv: &[],
        env: &["ANTHROPIC_API_KEY=none", "ANTHROPIC_BASE_URL={base}"],
        home: None,
        tells_last: false,
    },
    Program {
        name: "opencode",
        argv: &["acp"],
        env: &[],
        home: Some((
            ".config/opencode/opencode.json",
            r#"{"autoupdate":false,"share":"disabled","model":"s/scripted-1","small_model":"s/scripted-1","provider":{"s":{"npm":"@ai-sdk/openai-compatible","name":"S","options":{"baseURL":"{base}/v1","apiKey":"x"},"models":{"scripted-1":{"name":"S","cost":{"input":1,"output":2},"limit":{"context":100000,"output":8000}}}}}}"#,
        )),
        tells_last: true,
    },
];

/// What they call their shell.
const SHELLS: [&str; 5] = ["Bash", "run_shell_command", "bash", "exec_command", "shell"];

/// The shell that a request offers, if it is one of the conversation and not for a title.
fn shell(asked: &Asked) -> Option<&'static str> {
    let offers = |name: &&str| {
        asked.body.contains(&format!("\"name\":\"{name}\""))
            || asked.body.contains(&format!("\"name\": \"{name}\""))
    };
    SHELLS.into_iter().find(|name| asked.body.contains("Mend it") && offers(name))
}

/// How many tools have returned in the conversation, whichever interface it is told by.
fn returned(asked: &Asked) -> usize {
    let marks = ["\"role\":\"tool\"", "\"function_call_output\"", "\"tool_result\"", "\"functionResponse\""];
    marks.iter().map(|mark| asked.body.matches(mark).count()).sum()
}

/// Writes a file by the shell, and says so.
fn answer(asked: &Asked) -> Reply {
    match shell(asked) {
        Some(name) if returned(asked) == 0 => {
            let key = if name == "exec_command" { "cmd" } else { "command" };
            call(
                asked,
                name,
                &json!({ key: "echo mended > b.txt", "description": "Write b.txt", "is_background": false }),
            )
        }
        Some(_) => say(asked, "Wrote b.txt."),
        None => say(asked, "A title"),
    }
}

fn say(asked: &Asked, text: &str) -> Reply {
    match interface(asked) {
        Interface::Messages => claude::message(&json!({ "type": "text", "text": text })),
        Interface::Responses => response(&words(text), 1),
        Interface::Chat => chat(asked, &json!({ "role": "assistant", "content": text }), "stop"),
        Interface::Gemini => gemini(&json!({ "text": text })),
    }
}

fn call(asked: &Asked, name: &str, input: &Value) -> Reply {
    match interface(asked) {
        Interface::Messages => {
            claude::message(&json!({ "type": "tool_use", "id": "toolu_1", "name": name, "input": input }))
        }
        Interface::Responses => response(
            &json!({ "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name,
                "arguments": input.to_string() }),
            1,
        ),
        Interface::Chat => {
            let function = json!({ "name": name, "arguments": input.to_string() });
            let calls = json!([{ "index": 0, "id": "call_1", "type": "function", "function": function }]);
            chat(asked, &json!({ "role": "assistant", "content": null, "tool_calls": calls }), "tool_calls")
        }
        Interface::Gemini => gemini(&json!({ "functionCall": { "name": name, "args": input } })),
    }
}

enum Interface {
    Chat,
    Responses,
    Messages,
    Gemini,
}

fn interface(asked: &Asked) -> Interface {
    let is = |path: &str| asked.line.contains(path);
    if is("/chat/completions") {
        Interface::Chat
    } else if is("/responses") {
        Interface::Responses
    } else if is("/messages") {
        Interface::Messages
    } else {
        Interface::Gemini
    }
}

fn chat(asked: &Asked, message: &Value, reason: &str) -> Reply {
    let usage = json!({ "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110 });
    let head = json!({ "id": "c1", "created": 1, "model": "scripted-1" });
    let with = |more: Value| {
        let mut all = head.clone();
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
        all
    };
    if asked.body.contains("\"stream\":true") {
        let kind = "chat.completion.chunk";
        let delta =
            |delta: &Value, reason: Value| json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
        return Reply::events(&[
            with(json!({ "object": kind, "choices": delta(message, Value::Null) })),
            with(json!({ "object": kind, "choices": delta(&json!({}), json!(reason)) })),
            with(json!({ "object": kind, "choices": [], "usage": usage })),
            json!("[DONE]"),
        ]);
    }
    let choice = json!([{ "index": 0, "message": message, "finish_reason": reason }]);
    Reply::json(&with(json!({ "object": "chat.completion", "choices": choice, "usage": usage })))
}

fn gemini(part: &Value) -> Reply {
    Reply::events(&[json!({
        "candidates": [{ "content": { "role": "model", "parts": [part] }, "finishReason": "STOP", "index": 0 }],
        "usageMetadata": { "promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110 },
        "modelVersion": "gemini-scripted-1",
    })])
}

fn works(program: &Program) {
    let model = Model::start(|_, asked| {
        if asked.line.contains("countTokens") || asked.line.contains("count_tokens") {
            return Reply::json(&json!({ "totalTokens": 100, "input_tokens": 100 }));
        }
        if asked.line.starts_with("GET") {
            return Reply::json(
                &json!({ "object": "list", "data": [{ "id": "scripted-1", "object": "model" }] }),
            );
        }
        answer(asked)
    });
    let env = Env::new();
    let base = format!("http://127.0.0.1:{}", model.port);
    let own: Vec<String> = program.env.iter().map(|entry| entry.replace("{base}", &base)).collect();
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let environment = environment(&env, &own);
    if let Some((file, text)) = program.home {
        env.write(&format!("home/{file}"), &text.replace("{base}", &base));
    }
    let file = root().join(format!("target/programs/{0}/node_modules/.bin/{0}", program.name));
    let mut argv = vec![json!(file)];
    argv.extend(program.argv.iter().map(|argument| json!(argument)));
    env.write(
        "baton.toml",
        &format!(
            "[agents.worker]\nadapter = \"acp\"\nskills = [\"work\"]\n\
             config = {{ profile = \"p\", permissions = \"allow\" }}\n\
             [profiles.p]\nargv = {}\nenv = {environment}\ntimeout = \"3m\"\n[workspace]\nrepository = \"repo\"\n",
            Value::Array(argv)
        ),
    );
    repository(&env);
    env.write("plan.json", &one_task(1, json!({})));
    let run = env.baton(&["run", "plan.json"]);
    assert_eq!(run.code, Some(0), "{}: {run:?}", program.name);
    assert_eq!(git(&env.path("repo"), &["show", "baton/accepted:b.txt"]), "mended", "{}", program.name);
    let outcome = report(&env)["outcome"].clone();
    assert_eq!(outcome["summary"], "Wrote b.txt.", "{}", program.name);
    let asked = model.asked();
    let turns =
        if program.tells_last { 1 } else { asked.iter().filter(|asked| shell(asked).is_some()).count() };
    assert_eq!(outcome["usage"]["input_tokens"], 100 * turns, "{}", program.name);
    assert_eq!(outcome["usage"]["output_tokens"], 10 * turns, "{}", program.name);
}

#[test]
#[ignore = "takes minutes and a gigabyte: .ci/long"]
fn programs_that_speak_the_protocol_do_a_task() {
    let names: Vec<&str> = PROGRAMS.iter().map(|program| program.name).collect();
    install(&names);
    PROGRAMS.iter().for_each(works);
}

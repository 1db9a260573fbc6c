//! Tools of MCP servers.

use serde_json::json;

use super::{fact, heard, methods, one_task, report, service, stage, transcript};
use crate::support::Env;
use crate::support::model::{Model, Reply};

#[test]
fn a_tool_is_called_over_standard_input_and_output() {
    let env = stage("mcp", ", tool = \"get_weather\"", &[&transcript("mcp", "stdio-modern.jsonl")]);
    env.write("plan.json", &one_task(1, json!({ "effects": "pure", "input": { "city": "Rome" } })));
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(methods(&env), ["server/discover", "tools/list", "tools/call"]);
    assert_eq!(heard(&env)[2]["params"]["arguments"], json!({ "city": "Rome" }));
    assert_eq!(report(&env)["outcome"]["output"], json!({ "sky": "clear", "t": 22 }));
}

#[test]
fn what_a_tool_wants_to_know_is_asked_of_a_person() {
    let env = stage(
        "mcp",
        ", tool = \"get_weather\"",
        &[
            &transcript("mcp", "stdio-elicit-unanswered.jsonl"),
            &transcript("mcp", "stdio-elicit-resumed.jsonl"),
        ],
    );
    env.write("plan.json", &one_task(1, json!({ "effects": "pure", "input": { "city": "Rome" } })));
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(4));
    assert_eq!(fact(&env, "asked", "choices"), r#"["IT","US","Decline"]"#);
    env.baton(&["answer", "q1", "US"]).ok();
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(report(&env)["outcome"]["summary"], "Sunny.");
}

#[test]
fn a_tool_is_called_over_http() {
    let model = Model::start(|_, asked| {
        let id = asked.json()["id"].clone();
        let result = match asked.json()["method"].as_str().unwrap_or_default() {
            "server/discover" => json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} },
                "ttlMs": 3_600_000, "cacheScope": "public",
            }),
            "tools/list" => json!({
                "resultType": "complete", "ttlMs": 300_000, "cacheScope": "public",
                "tools": [{ "name": "get_weather", "inputSchema": { "type": "object",
                    "properties": { "city": { "type": "string" } }, "required": ["city"] } }],
            }),
            _ => {
                let done = json!({ "jsonrpc": "2.0", "id": id, "result": {
                    "resultType": "complete", "content": [{ "type": "text", "text": "Sunny." }], "isError": false } });
                let half = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": {
                    "progressToken": id, "progress": 1, "total": 2 } });
                return Reply::events(&[half, done]);
            }
        };
        Reply::json(&json!({ "jsonrpc": "2.0", "id": id, "result": result }))
    });
    let env = Env::new();
    service(&env, "mcp", ", tool = \"get_weather\"", model.port, "/mcp", "");
    env.write("plan.json", &one_task(1, json!({ "effects": "pure", "input": { "city": "Rome" } })));
    env.baton(&["run", "plan.json"]).ok();
    let asked = model.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|asked| asked.line == "POST /mcp"), "{asked:?}");
    assert_eq!(asked[2].header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(asked[2].header("mcp-name"), Some("get_weather"));
    assert_eq!(asked[2].json()["params"]["arguments"], json!({ "city": "Rome" }));
    assert_eq!(report(&env)["outcome"]["output"], json!({ "text": "Sunny." }));
}

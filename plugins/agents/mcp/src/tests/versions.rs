//! Servers that speak some versions only, and refuse the others instead of choosing.

use baton_sdk::agent::jsonrpc::{ErrorObject, Id, Message};
use baton_sdk::agent::process::Line;

use super::*;
use crate::machine::{Do, Machine};
use crate::settings::Settings;
use crate::version::{LEGACY, MODERN};

/// How a server says which versions it speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Naming {
    Data,
    Words,
    Nothing,
}

struct Server {
    speaks: Vec<&'static str>,
    naming: Naming,
    /// Whether it answers what it does not know as an unknown method, or as a version.
    knows_no_discovery: bool,
    offered: Vec<String>,
}

impl Server {
    fn refusal(&self, offered: &str) -> ErrorObject {
        let list = self.speaks.join(", ");
        let (message, data) = match self.naming {
            Naming::Data => (
                String::from("Unsupported protocol version"),
                json!({"supported": self.speaks, "requested": offered}),
            ),
            Naming::Words => (
                format!("Bad Request: Unsupported protocol version {offered} (supported versions: {list})"),
                Value::Null,
            ),
            Naming::Nothing => (format!("Unsupported protocol version {offered}"), Value::Null),
        };
        ErrorObject { code: -32602, message, data }
    }

    fn answer(&mut self, id: Id, method: &str, params: &Value) -> Message {
        let error = |error| Message::Error { id: Some(id.clone()), error };
        let result = match method {
            "server/discover" if self.knows_no_discovery => {
                return Message::unknown_method(id, method);
            }
            "server/discover" => return error(self.refusal(MODERN)),
            "initialize" => {
                let offered = params["protocolVersion"].as_str().unwrap().to_owned();
                self.offered.push(offered.clone());
                if !self.speaks.contains(&offered.as_str()) {
                    return error(self.refusal(&offered));
                }
                json!({"protocolVersion": offered, "capabilities": {"tools": {}}})
            }
            "tools/list" => json!({"tools": [{"name": "get_weather", "inputSchema": {"type": "object"}}]}),
            "tools/call" => json!({"content": [{"type": "text", "text": "Sunny."}]}),
            other => panic!("{other}"),
        };
        Message::Response { id, result }
    }
}

/// What came of it, and which versions were offered.
fn talk(mut server: Server, prefer: Option<&str>) -> (Result<Outcome, Fault>, Vec<String>) {
    let settings = Settings::read(&config(("profile", "p"), prefer)).unwrap();
    let mut machine = Machine::new(&settings, super::task(1, Vec::new()));
    let mut todo: std::collections::VecDeque<Do> = machine.start().into();
    while let Some(step) = todo.pop_front() {
        match step {
            Do::Write(Message::Request { id, method, params }) => {
                let answer = server.answer(id, &method, &params).to_string();
                todo.extend(machine.receive(Line::Text(answer)));
            }
            Do::Conclude(result) => return (result, server.offered),
            Do::Write(_) | Do::Report { .. } | Do::Spent(_) | Do::Restart => {}
            Do::Ask(_) | Do::Wait(_) => panic!("{step:?}"),
        }
    }
    panic!("it never ended");
}

#[test]
fn any_common_version_is_found_and_none_is_offered_twice() {
    for version in LEGACY {
        for naming in [Naming::Data, Naming::Words, Naming::Nothing] {
            for knows_no_discovery in [true, false] {
                for prefer in [None, Some("2025-11-25")] {
                    let server =
                        Server { speaks: vec![version], naming, knows_no_discovery, offered: Vec::new() };
                    let (result, offered) = talk(server, prefer);
                    let what = format!("{version} {naming:?} {knows_no_discovery} {prefer:?}: {offered:?}");
                    let outcome = result.unwrap_or_else(|why| panic!("{what}: {why:?}"));
                    let chosen = outcome.attrs.iter().find(|attr| attr.name == "mcp.version").unwrap();
                    assert_eq!(chosen.value, version, "{what}");
                    assert_eq!(offered.last().map(String::as_str), Some(version), "{what}");
                    assert!(offered.windows(2).all(|pair| pair[0] > pair[1]), "{what}");
                    if naming != Naming::Nothing {
                        assert!(offered.len() <= 2, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_newest_of_several_is_taken() {
    let speaks = vec![LEGACY[2], LEGACY[1], LEGACY[3]];
    let server = Server { speaks, naming: Naming::Words, knows_no_discovery: true, offered: Vec::new() };
    assert_eq!(talk(server, None).1, [LEGACY[0], LEGACY[1]]);
}

#[test]
fn without_a_common_version_the_operator_must_mend_something() {
    for naming in [Naming::Data, Naming::Nothing] {
        let server =
            Server { speaks: vec!["2023-01-01"], naming, knows_no_discovery: true, offered: Vec::new() };
        let fault = talk(server, None).0.unwrap_err();
        assert_eq!(fault.class, ErrorClass::Environment);
        assert!(fault.message.ends_with("of the protocol, and this adapter 2026-07-28 and 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05"), "{}", fault.message);
    }
}

//! Whole conversations, kept as files, and what each of them means.

mod http;
mod stdio;
mod versions;

use baton_sdk::agent::people::{Answer, Question};
use baton_sdk::agent::{Attr, ErrorClass, Fault, Outcome, Usage};
use serde_json::{Map, Value, json};

use crate::machine::Task;

/// What came of a conversation.
#[derive(Debug, Default, PartialEq)]
struct Played {
    result: Option<Result<Outcome, Fault>>,
    reports: Vec<(String, Option<f64>)>,
    questions: Vec<Question>,
    waited: Vec<u64>,
    restarts: u32,
}

impl Played {
    fn outcome(self) -> Outcome {
        self.result.unwrap().unwrap()
    }

    fn fault(self) -> (ErrorClass, String) {
        let fault = self.result.unwrap().unwrap_err();
        (fault.class, fault.message)
    }

    fn version(self) -> String {
        let outcome = self.outcome();
        outcome.attrs.into_iter().find(|attr| attr.name == "mcp.version").unwrap().value
    }
}

/// `META` and `VERSION` stand for what each request says about this client.
fn read(name: &str) -> String {
    let path = format!("{}/transcripts/{name}", env!("CARGO_MANIFEST_DIR"));
    let meta = concat!(
        r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
        r#""io.modelcontextprotocol/clientInfo":{"name":"baton","title":"Baton","version":"VERSION"},"#,
        r#""io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{},"url":{}}}"#,
    );
    let text = std::fs::read_to_string(&path).expect(&path);
    text.replace("META", meta).replace("VERSION", env!("CARGO_PKG_VERSION"))
}

fn config(link: (&str, &str), prefer: Option<&str>) -> Vec<Attr> {
    let prefer = prefer.map(|prefer| Attr::new("prefer", prefer));
    [Attr::new(link.0, link.1), Attr::new("tool", "get_weather")].into_iter().chain(prefer).collect()
}

fn task(epoch: u32, answers: Vec<Answer>) -> Task {
    let arguments: Map<String, Value> = [(String::from("city"), json!("Rome"))].into_iter().collect();
    Task { arguments, contract: false, epoch, answers, only_finds: false }
}

/// What the host hands back when a person has answered this.
fn answered(question: &Question, text: &str) -> Answer {
    Answer { key: question.key.clone(), text: text.to_owned(), resume: question.resume.clone() }
}

fn once() -> Usage {
    Usage { requests: 1, ..Usage::default() }
}

fn same(text: &str, expected: &str) {
    let parse = |text: &str| serde_json::from_str::<Value>(text).expect(text);
    assert_eq!(parse(text), parse(expected));
}

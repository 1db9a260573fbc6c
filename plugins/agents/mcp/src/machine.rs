//! The client's side of the protocol as a state machine without I/O: it takes messages and returns actions. Here is what
//! it takes and how it ends; what it does at each stage is in the files below.

mod call;
mod fault;
mod greeting;
mod questions;

use std::collections::VecDeque;
use std::mem::take;

use baton_sdk::agent::elicit::Elicitation;
use baton_sdk::agent::jsonrpc::{Id, Message};
use baton_sdk::agent::people::{Answer, Question};
use baton_sdk::agent::process::Line;
use baton_sdk::agent::talk::{IdleTimeout, Skipped};
use baton_sdk::agent::{Attr, ErrorClass, Fault, Outcome, Usage, one_line};
use serde_json::{Map, Value, json};

use crate::rounds::{Asking, Round, To};
use crate::settings::{Link, Settings};
use crate::version::{self, Era, Offers};

/// The most malformed lines.
const NOISE: u32 = 100;

/// How long the first response may take before the server counts as one of the legacy era, in milliseconds.
const PROBE_MS: u64 = 10_000;

/// What the task asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub arguments: Map<String, Value>,
    /// Whether the answer must be data.
    pub contract: bool,
    pub epoch: u32,
    /// What people have answered, oldest first.
    pub answers: Vec<Answer>,
    /// For a probe: it ends when the tool was found.
    pub only_finds: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Do {
    /// Sends a message. A request ends the one before it.
    Write(Message),
    Report {
        message: String,
        done: Option<f64>,
    },
    /// In all.
    Spent(Usage),
    /// Ask a person, and pass the answer to [`Machine::answered`].
    Ask(Question),
    /// Wait this many milliseconds, then call [`Machine::waited`].
    Wait(u64),
    /// Restart the program: it exited at the first request.
    Restart,
    /// The end: nothing follows.
    Conclude(Result<Outcome, Fault>),
}

pub struct Machine {
    tool: String,
    prefer: Era,
    over_http: bool,
    idle_timeout: IdleTimeout,
    task: Task,
    stage: Stage,
    era: Era,
    /// The negotiated version, once it is known.
    version: String,
    server: String,
    /// The id of the request that is under way; there is one at a time.
    request: i64,
    /// Both eras were tried.
    fell_back: bool,
    /// The versions that were tried, each once.
    offers: Offers,
    /// The request `server/discover` that was given up for lack of an answer, and the answer when it came late.
    probe: Option<i64>,
    late: Option<Value>,
    began_anew: bool,
    listed_anew: bool,
    pages: u32,
    names: Vec<String>,
    mirrored: Vec<Attr>,
    round: Option<Round>,
    rounds: u32,
    pauses: u32,
    /// The call continues from a round of an earlier attempt.
    is_resumed: bool,
    asking: VecDeque<Asking>,
    usage: Usage,
    skipped: Skipped,
}

/// Which request is under way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Discover,
    Initialize,
    List,
    Call,
    /// None: a person is asked, or time must pass.
    Between,
    Over,
}

impl Machine {
    pub fn new(settings: &Settings, task: Task) -> Self {
        let (over_http, idle_timeout) = match &settings.link {
            Link::Program { idle_timeout, .. } => (false, *idle_timeout),
            Link::Service { .. } => (true, IdleTimeout { idle_ms: u64::MAX, tool_ms: u64::MAX }),
        };
        Self {
            tool: settings.tool.clone(),
            prefer: settings.prefer,
            over_http,
            idle_timeout,
            task,
            stage: Stage::Between,
            era: settings.prefer,
            version: String::new(),
            server: String::new(),
            request: 0,
            fell_back: false,
            offers: Offers::default(),
            probe: None,
            late: None,
            began_anew: false,
            listed_anew: false,
            pages: 0,
            names: Vec::new(),
            mirrored: Vec::new(),
            round: None,
            rounds: 0,
            pauses: 0,
            is_resumed: false,
            asking: VecDeque::new(),
            usage: Usage::default(),
            skipped: Skipped::default(),
        }
    }

    pub fn start(&mut self) -> Vec<Do> {
        self.greet(self.prefer)
    }

    /// What an HTTP request must say about its version; none in the first of the legacy era.
    pub fn version(&self) -> Option<&str> {
        Some(self.version.as_str()).filter(|version| !version.is_empty())
    }

    pub fn era(&self) -> Era {
        self.era
    }

    /// The headers in which the call's arguments are repeated.
    pub fn mirrored(&self) -> &[Attr] {
        &self.mirrored
    }

    /// The timeout for the next line, in milliseconds.
    pub fn timeout_ms(&self) -> u64 {
        match self.stage {
            Stage::Discover if !self.fell_back => self.idle_timeout.idle_ms.min(PROBE_MS),
            Stage::Call => self.idle_timeout.tool_ms,
            Stage::Discover | Stage::Initialize | Stage::List | Stage::Between | Stage::Over => {
                self.idle_timeout.idle_ms
            }
        }
    }

    pub fn receive(&mut self, line: Line) -> Vec<Do> {
        match line {
            Line::Text(line) => match Message::parse(&line) {
                Ok(message) => self.message(message),
                Err(_) => self.noise(&line),
            },
            Line::Silent if self.stage == Stage::Discover && !self.fell_back => {
                self.probe = Some(self.request);
                self.fall_back()
            }
            Line::Silent => {
                let fault = format!("silent for {} s", self.timeout_ms() / 1000);
                self.abandon(Fault::new(ErrorClass::Timeout, fault))
            }
            // Some servers of the legacy era exit when the first request is not `initialize`.
            Line::Closed if self.stage == Stage::Discover && !self.fell_back => {
                let mut todo = vec![Do::Restart];
                todo.extend(self.fall_back());
                todo
            }
            Line::Closed => {
                let fault = format!("it closed its output before {}{}", self.awaited(), self.skipped.note());
                self.lost(Fault::new(ErrorClass::Crashed, fault))
            }
        }
    }

    /// Before what the end came too early.
    pub fn awaited(&self) -> &'static str {
        match self.stage {
            Stage::Discover => "it answered `server/discover`",
            Stage::Initialize => "it answered `initialize`",
            Stage::List => "it named its tools",
            Stage::Call | Stage::Between | Stage::Over => "the tool's result",
        }
    }

    /// A line, or an event of a stream, that is no message.
    pub fn noise(&mut self, line: &str) -> Vec<Do> {
        self.skipped.add(line);
        if self.stage == Stage::Over || self.skipped.count < NOISE {
            return Vec::new();
        }
        let fault = format!("what it says is not the protocol{}", self.skipped.note());
        self.abandon(Fault::new(ErrorClass::InvalidOutput, fault))
    }

    /// The connection was closed.
    pub fn lost(&mut self, fault: Fault) -> Vec<Do> {
        self.end(Err(fault))
    }

    /// The server refused the request that is under way as a whole, in a way that one of the other era does.
    pub fn refused(&mut self, fault: Fault) -> Vec<Do> {
        match self.stage {
            Stage::Discover | Stage::Initialize => self.other_era(fault),
            Stage::List | Stage::Call | Stage::Between | Stage::Over => self.end(Err(fault)),
        }
    }

    /// The host ended the attempt, for this reason.
    pub fn stop(&mut self, fault: Fault) -> Vec<Do> {
        let asking = take(&mut self.asking);
        let mut todo: Vec<Do> = asking.iter().filter_map(Asking::cancelled).collect();
        todo.extend(self.abandon(fault));
        todo
    }

    pub fn waited(&mut self) -> Vec<Do> {
        self.invoke()
    }

    /// Ends before the server does. Over HTTP the modern era takes the end of the connection for it.
    fn abandon(&mut self, fault: Fault) -> Vec<Do> {
        let mut todo = Vec::new();
        if self.stage == Stage::Call && !(self.over_http && self.era == Era::Modern) {
            let params = json!({"requestId": self.request, "reason": one_line(&fault.message)});
            todo.push(Do::Write(Message::notification("notifications/cancelled", params)));
        }
        todo.extend(self.end(Err(fault)));
        todo
    }

    fn end(&mut self, result: Result<Outcome, Fault>) -> Vec<Do> {
        if self.stage == Stage::Over {
            return Vec::new();
        }
        self.stage = Stage::Over;
        vec![Do::Conclude(result)]
    }

    fn call(&mut self, stage: Stage, method: &str, mut params: Value) -> Vec<Do> {
        self.stage = stage;
        self.request += 1;
        if self.era == Era::Modern {
            version::stamp(&mut params);
        }
        vec![Do::Write(Message::request(self.request, method, params))]
    }

    pub fn message(&mut self, message: Message) -> Vec<Do> {
        if self.stage == Stage::Over {
            return Vec::new();
        }
        match message {
            Message::Request { id, method, params } => self.asked(id, &method, &params),
            Message::Notification { method, params } => self.noted(&method, &params),
            Message::Response { id, result } if self.is_awaited(&id) => self.response(&result),
            Message::Response { id, result } if self.probe.is_some_and(|probe| id == Id::Number(probe)) => {
                self.late = Some(result);
                Vec::new()
            }
            Message::Error { id: Some(id), error } if self.is_awaited(&id) => self.error(&error),
            // A server that can't parse the first request may answer without an id.
            Message::Error { id: None, error } if self.over_http || self.stage == Stage::Discover => {
                self.error(&error)
            }
            // Late answers, and complaints about lines that were never sent.
            Message::Response { .. } | Message::Error { .. } => Vec::new(),
        }
    }

    fn is_awaited(&self, id: &Id) -> bool {
        *id == Id::Number(self.request) && self.stage != Stage::Between
    }

    /// A request of the server, which only the legacy era has.
    fn asked(&mut self, id: Id, method: &str, params: &Value) -> Vec<Do> {
        if self.era == Era::Modern && self.stage != Stage::Discover {
            return self.noise(&format!("request `{method}`"));
        }
        match method {
            "ping" => vec![Do::Write(Message::Response { id, result: json!({}) })],
            "elicitation/create" if self.stage == Stage::Call => {
                let elicitation = Elicitation::read(params);
                let asking = Asking { elicitation, to: To::Request(id), refused: 0 };
                self.ask(asking, "")
            }
            // Sampling, roots, and unknown requests.
            method => vec![Do::Write(Message::unknown_method(id, method))],
        }
    }

    fn noted(&self, method: &str, params: &Value) -> Vec<Do> {
        match method {
            "notifications/progress" if self.stage == Stage::Call => {
                if params.get("progressToken").and_then(Value::as_i64) != Some(self.request) {
                    return Vec::new();
                }
                let number = |key: &str| params.get(key).and_then(Value::as_f64);
                let done = number("progress").zip(number("total").filter(|total| *total > 0.0));
                let said = params.get("message").and_then(Value::as_str).unwrap_or("");
                let message = match (said, number("progress")) {
                    ("", Some(progress)) => format!("{}: {progress}", self.tool),
                    ("", None) => format!("{} goes on", self.tool),
                    (said, _) => one_line(said),
                };
                let done = done.map(|(progress, total)| (progress / total).clamp(0.0, 1.0));
                vec![Do::Report { message, done }]
            }
            "notifications/message" => {
                let message = match params.get("data") {
                    Some(Value::String(text)) => one_line(text),
                    Some(data) => one_line(&data.to_string()),
                    None => return Vec::new(),
                };
                vec![Do::Report { message, done: None }]
            }
            // Of lists that changed, and extensions.
            _ => Vec::new(),
        }
    }

    fn response(&mut self, result: &Value) -> Vec<Do> {
        match self.stage {
            Stage::Discover => self.discovered(result),
            Stage::Initialize => self.initialized(result),
            Stage::List => self.listed(result),
            Stage::Call => self.called(result),
            Stage::Between | Stage::Over => Vec::new(),
        }
    }
}

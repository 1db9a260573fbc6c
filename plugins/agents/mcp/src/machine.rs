//! The client's side of the protocol as a state machine without I/O: it takes messages and returns actions.

use std::collections::VecDeque;
use std::mem::take;

use baton_sdk::agent::elicit::{Asker, Elicitation, cancelled};
use baton_sdk::agent::jsonrpc::{ErrorObject, Id, METHOD_NOT_FOUND, Message};
use baton_sdk::agent::people::{Answer, Question};
use baton_sdk::agent::process::Line;
use baton_sdk::agent::talk::{IdleTimeout, Skipped};
use baton_sdk::agent::{Attr, ErrorClass, Fault, Outcome, Usage, one_line, symptom};
use baton_sdk::seed::fnv1a;
use serde_json::{Map, Value, json};

use crate::result;
use crate::rounds::{Asking, Next, Round, To, unanswerable};
use crate::settings::{Link, Settings};
use crate::tool;
use crate::version::{self, Era, LEGACY, MODERN, Offers};

/// The most malformed lines.
const NOISE: u32 = 100;

/// How long the first response may take before the server counts as one of the legacy era, in milliseconds.
const PROBE_MS: u64 = 10_000;

/// The pause before a call is repeated that asks for no answers, in milliseconds.
const PAUSE_MS: u64 = 1000;

/// The most rounds of questions in a call: the same question has the same answer, so that more would be futile.
const ROUNDS: u32 = 10;

/// The most repetitions of a call that asks for nothing else.
const PAUSES: u32 = 300;

/// The most unusable answers to one question.
const REFUSED: u32 = 3;

/// The most pages of the list of tools.
const PAGES: u32 = 100;

const HEADER_MISMATCH: i64 = -32020;
const MISSING_CAPABILITY: i64 = -32021;
/// The two sides do not fit: such as a tool that asks in the way of the other era.
const INVALID_REQUEST: i64 = -32600;
const INVALID_PARAMS: i64 = -32602;
const URL_REQUIRED: i64 = -32042;

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

    /// The server does not speak the version that it was offered: goes on with one that it names, or else with the next
    /// older one.
    fn refused_version(&mut self, error: &ErrorObject) -> Vec<Do> {
        let named = version::named(error);
        let speaks_modern = named.as_ref().is_some_and(|named| named.contains(&MODERN));
        let next = match self.stage {
            // Those of the modern era that it names were offered to it.
            Stage::Discover if speaks_modern || self.fell_back => None,
            Stage::Discover => self.offers.first(named.as_deref()),
            Stage::Initialize if speaks_modern && !self.fell_back => return self.fall_back(),
            Stage::Initialize | Stage::List | Stage::Call | Stage::Between | Stage::Over => {
                self.offers.next(named.as_deref())
            }
        };
        if next.is_none() {
            let supported = error.data.get("supported").cloned();
            let theirs = supported.unwrap_or_else(|| Value::from(error.message.as_str()));
            return self.end(Err(version::no_common(&theirs)));
        }
        self.fell_back = true;
        self.greet(Era::Legacy)
    }

    /// Servers that ask in the middle of a call can do so in the legacy era only, and some say so when it is too late.
    fn wants_the_other_era(&self, error: &ErrorObject) -> bool {
        self.era == Era::Modern && !self.fell_back && version::needs_a_session(error)
    }

    fn call_in_the_legacy_era(&mut self) -> Vec<Do> {
        self.round = None;
        let mut todo = if self.over_http { Vec::new() } else { vec![Do::Restart] };
        todo.extend(self.fall_back());
        todo
    }

    /// The server has forgotten the session, and so did not do what it was asked for.
    pub fn session_lost(&mut self, fault: Fault) -> Vec<Do> {
        if self.began_anew {
            return self.end(Err(fault));
        }
        self.began_anew = true;
        self.greet(Era::Legacy)
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

    fn greet(&mut self, era: Era) -> Vec<Do> {
        self.era = era;
        self.pages = 0;
        self.names.clear();
        match era {
            Era::Modern => {
                MODERN.clone_into(&mut self.version);
                self.call(Stage::Discover, "server/discover", json!({}))
            }
            Era::Legacy => {
                self.version.clear();
                let params = json!({
                    "protocolVersion": self.offers.current(),
                    "capabilities": version::capabilities(era),
                    "clientInfo": version::client_info(),
                });
                self.call(Stage::Initialize, "initialize", params)
            }
        }
    }

    fn fall_back(&mut self) -> Vec<Do> {
        self.fell_back = true;
        self.greet(self.era.other())
    }

    fn other_era(&mut self, fault: Fault) -> Vec<Do> {
        if !self.fell_back && !self.began_anew {
            return self.fall_back();
        }
        // It was slow to start, not of the legacy era.
        if let (Stage::Initialize, Some(late)) = (self.stage, self.late.take()) {
            self.era = Era::Modern;
            MODERN.clone_into(&mut self.version);
            return self.discovered(&late);
        }
        self.end(Err(fault))
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

    fn discovered(&mut self, result: &Value) -> Vec<Do> {
        let Some(supported) = result.get("supportedVersions").filter(|list| !list.is_null()) else {
            return self.other_era(odd("a greeting without `supportedVersions`", result));
        };
        match version::common(supported) {
            Some(Era::Modern) => {
                self.server = server(result.pointer("/_meta/io.modelcontextprotocol~1serverInfo"));
                self.list(None)
            }
            Some(Era::Legacy) if !self.fell_back => {
                self.offers.first(Some(&version::listed(supported)));
                self.fall_back()
            }
            Some(Era::Legacy) | None => self.end(Err(version::no_common(supported))),
        }
    }

    fn initialized(&mut self, result: &Value) -> Vec<Do> {
        let chosen = result.get("protocolVersion").unwrap_or(&Value::Null);
        let Some(version) = LEGACY.into_iter().find(|version| chosen.as_str() == Some(version)) else {
            return self.end(Err(version::no_common(chosen)));
        };
        version.clone_into(&mut self.version);
        self.server = server(result.get("serverInfo"));
        let mut todo = vec![Do::Write(Message::notification("notifications/initialized", json!({})))];
        todo.extend(self.list(None));
        todo
    }

    fn list(&mut self, cursor: Option<&Value>) -> Vec<Do> {
        let params = match cursor {
            Some(cursor) => json!({"cursor": cursor}),
            None => json!({}),
        };
        self.call(Stage::List, "tools/list", params)
    }

    fn listed(&mut self, result: &Value) -> Vec<Do> {
        let Some(tools) = result.get("tools").and_then(Value::as_array) else {
            return self.end(Err(odd("a list of tools without `tools`", result)));
        };
        let name = |tool: &Value| tool.get("name").and_then(Value::as_str).map(str::to_owned);
        if let Some(found) = tools.iter().find(|tool| name(tool).as_ref() == Some(&self.tool)) {
            return self.found(found);
        }
        self.names.extend(tools.iter().filter_map(name));
        self.pages += 1;
        match result.get("nextCursor").filter(|cursor| cursor.as_str().is_some_and(|text| !text.is_empty())) {
            Some(cursor) if self.pages < PAGES => self.list(Some(cursor)),
            Some(_) | None => self.end(Err(tool::unknown(&self.tool, &self.names))),
        }
    }

    fn found(&mut self, found: &Value) -> Vec<Do> {
        if self.task.only_finds {
            return self.end(Ok(Outcome::text("ready")));
        }
        if let Some(fault) = tool::refusal(found, &self.tool, &self.task.arguments) {
            return self.end(Err(fault));
        }
        if self.over_http && self.era == Era::Modern {
            match tool::mirrored(found, &self.tool, &self.task.arguments) {
                Ok(headers) => self.mirrored = headers,
                Err(fault) => return self.end(Err(fault)),
            }
        }
        if self.era == Era::Modern && self.usage.requests == 0 {
            self.round = Round::of_last_attempt(&self.task.answers, self.task.epoch, self.digest());
            self.is_resumed = self.round.is_some();
        }
        self.gather()
    }

    /// The same for the same call.
    fn digest(&self) -> u64 {
        fnv1a(format!("{} {}", self.tool, Value::from(self.task.arguments.clone())).as_bytes())
    }

    /// Asks for what the round still wants, and then calls.
    fn gather(&mut self) -> Vec<Do> {
        match self.round.as_mut().map(Round::next) {
            Some(Next::Ask(key, elicitation)) => {
                self.stage = Stage::Between;
                self.ask(Asking { elicitation, to: To::Input(key), refused: 0 }, "")
            }
            Some(Next::Unanswerable(method)) => self.end(Err(unanswerable(&method))),
            Some(Next::Complete) | None => self.invoke(),
        }
    }

    fn invoke(&mut self) -> Vec<Do> {
        let mut params = json!({"name": self.tool, "arguments": self.task.arguments});
        if let Some(round) = self.round.take() {
            round.fill(&mut params);
        }
        params["_meta"] = json!({"progressToken": self.request + 1});
        self.usage.requests += 1;
        let mut todo = self.call(Stage::Call, "tools/call", params);
        todo.push(Do::Spent(self.usage.clone()));
        todo.push(Do::Report { message: format!("calls {}", self.tool), done: None });
        todo
    }

    fn ask(&mut self, asking: Asking, why: &str) -> Vec<Do> {
        let resume = match &asking.to {
            To::Input(_) => self.round.as_ref().map_or("", |round| &round.resume),
            To::Request(_) => "",
        };
        let question = asking.elicitation.question(Asker::Tool(&self.tool), asking.refused, why, resume);
        self.asking.push_back(asking);
        vec![Do::Ask(question)]
    }

    /// Takes the answer of a person; none if there is none.
    pub fn answered(&mut self, answer: Option<String>) -> Vec<Do> {
        let Some(mut asking) = self.asking.pop_front() else {
            return Vec::new();
        };
        let Some(answer) = answer else {
            self.asking.push_front(asking);
            return self.stop(Fault::stopped("a question waits for a person"));
        };
        match asking.elicitation.result(&answer) {
            Ok(result) => self.resolved(asking.to, result),
            Err(why) if asking.refused + 1 < REFUSED => {
                asking.refused += 1;
                self.ask(asking, &why)
            }
            Err(_) => self.resolved(asking.to, cancelled()),
        }
    }

    fn resolved(&mut self, to: To, result: Value) -> Vec<Do> {
        match to {
            To::Request(id) => vec![Do::Write(Message::Response { id, result })],
            To::Input(key) => {
                if let Some(round) = &mut self.round {
                    round.responses.insert(key, result);
                }
                self.gather()
            }
        }
    }

    fn called(&mut self, result: &Value) -> Vec<Do> {
        // The legacy era has no such member, and results may hold any.
        let kind = match self.era {
            Era::Modern => result.get("resultType").and_then(Value::as_str).unwrap_or("complete"),
            Era::Legacy => "complete",
        };
        match kind {
            "complete" => {
                let outcome = result::outcome(result, self.task.contract);
                let outcome = outcome.map(|outcome| self.signed(outcome));
                self.end(outcome)
            }
            "input_required" => self.wanted(result),
            other => {
                let message =
                    format!("the tool's result is of type `{}`, which nobody asked for", one_line(other));
                self.end(Err(Fault::new(ErrorClass::InvalidOutput, message)))
            }
        }
    }

    fn wanted(&mut self, result: &Value) -> Vec<Do> {
        self.is_resumed = false;
        let Some(round) = Round::read(result, self.task.epoch, self.digest()) else {
            return self.end(Err(odd("a result that wants input and says not which", result)));
        };
        let wants_answers = round.wants_answers();
        let count = if wants_answers { &mut self.rounds } else { &mut self.pauses };
        *count += 1;
        if self.rounds > ROUNDS || self.pauses > PAUSES {
            let message = "the tool wants more input again and again, and was left";
            return self.end(Err(Fault::new(ErrorClass::InvalidOutput, message)));
        }
        self.round = Some(round);
        if wants_answers {
            return self.gather();
        }
        self.stage = Stage::Between;
        vec![Do::Wait(PAUSE_MS)]
    }

    fn signed(&self, mut outcome: Outcome) -> Outcome {
        outcome.usage = self.usage.clone();
        outcome.attrs.push(Attr::new("mcp.version", &self.version));
        if !self.server.is_empty() {
            outcome.attrs.push(Attr::new("mcp.server", &self.server));
        }
        if self.skipped.count > 0 {
            outcome.attrs.push(Attr::new("skipped-lines", self.skipped.count.to_string()));
        }
        outcome
    }

    fn error(&mut self, error: &ErrorObject) -> Vec<Do> {
        let fault = fault(error);
        match (self.stage, error.code) {
            (Stage::Discover | Stage::Initialize, _) if version::is_about_versions(error) => {
                self.refused_version(error)
            }
            (Stage::Call, _) if self.wants_the_other_era(error) => self.call_in_the_legacy_era(),
            // Of the modern era, but not willing.
            (Stage::Discover, HEADER_MISMATCH | MISSING_CAPABILITY) => self.end(Err(fault)),
            (Stage::Discover | Stage::Initialize, _) => self.other_era(fault),
            (Stage::Call, HEADER_MISMATCH) if !self.listed_anew => {
                self.listed_anew = true;
                self.pages = 0;
                self.names.clear();
                self.list(None)
            }
            // What it remembers of the earlier attempt is no longer good.
            (Stage::Call, INVALID_PARAMS) if take(&mut self.is_resumed) => self.invoke(),
            (Stage::List | Stage::Call | Stage::Between | Stage::Over, _) => self.end(Err(fault)),
        }
    }
}

impl Asking {
    /// In the modern era the server does not wait for the answer.
    fn cancelled(&self) -> Option<Do> {
        match &self.to {
            To::Request(id) => Some(Do::Write(Message::Response { id: id.clone(), result: cancelled() })),
            To::Input(_) => None,
        }
    }
}

fn fault(error: &ErrorObject) -> Fault {
    let said = match &error.data {
        Value::Null => error.message.clone(),
        data => format!("{}: {}", error.message, one_line(&data.to_string())),
    };
    let said = format!("the server reported error {}: {said}", error.code);
    match error.code {
        INVALID_PARAMS => Fault::new(ErrorClass::InvalidInput, said),
        INVALID_REQUEST
        | METHOD_NOT_FOUND
        | MISSING_CAPABILITY
        | version::UNSUPPORTED_VERSION
        | HEADER_MISMATCH
        | URL_REQUIRED => Fault::new(ErrorClass::Environment, said),
        _ => symptom::fault(&said, ErrorClass::Transient),
    }
}

fn odd(what: &str, shown: &Value) -> Fault {
    let message = format!("the server sent {what}: {}", one_line(&shown.to_string()));
    Fault::new(ErrorClass::InvalidOutput, message)
}

fn server(info: Option<&Value>) -> String {
    let text = |key: &str| info.and_then(|info| info.get(key)).and_then(Value::as_str).unwrap_or("");
    one_line(&format!("{} {}", text("name"), text("version")))
}

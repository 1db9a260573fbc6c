//! The client's side of the protocol as a state machine without I/O: it takes messages and returns actions.

use baton_sdk::agent::elicit::{Asker, Elicitation, cancelled};
use baton_sdk::agent::jsonrpc::{ErrorObject, Id, Message};
use baton_sdk::agent::people::Question;
use baton_sdk::agent::process::Line;
use baton_sdk::agent::symptom;
use baton_sdk::agent::talk::{Skipped, changed_files};
use baton_sdk::agent::{Attr, Effects, ErrorClass, Fault, Outcome, Usage};
use serde_json::{Value, json};

use crate::permission::{Decision, Wish};
use crate::session::{Choice, Session, version_fault};
use crate::settings::{Permissions, Settings};
use crate::turn;
use crate::update::Work;
use crate::usage::Told;

/// The most malformed lines.
const NOISE: u32 = 100;

const AUTH_REQUIRED: i64 = -32000;

/// Some agents write the last pieces of an answer after the end of their turn: it is complete when they have been silent
/// for this long, in milliseconds, or have exited.
const QUIET_MS: u64 = 200;

/// The same if nothing was said or done yet: then the whole answer may be late.
const LATE_MS: u64 = 2000;

/// The most lines without content while waiting for that silence.
const CHATTER: u32 = 50;

/// How often a question is repeated because its answer could not be used.
const REFUSED: u32 = 3;

/// What the task asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// An absolute path.
    pub folder: String,
    pub prompt: String,
    /// Whether the answer must be data.
    pub contract: bool,
    /// What it is to change.
    pub effects: Effects,
    /// The session of an earlier attempt.
    pub resume: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Do {
    /// Sends a line.
    Write(Message),
    Report {
        message: String,
        done: Option<f64>,
    },
    /// In all.
    Spent(Usage),
    /// Ask a person, and pass the answer to [`Machine::answered`].
    Ask(Question),
    /// The end: nothing follows.
    Conclude(Result<Outcome, Fault>),
}

pub struct Machine {
    settings: Settings,
    task: Task,
    /// For a probe: nothing follows the greeting.
    only_greets: bool,
    stage: Stage,
    /// The id of the request that is under way; there is one at a time.
    request: i64,
    session: Session,
    /// What is still to be set before the prompt.
    choices: Vec<Choice>,
    work: Work,
    asked: Option<Asked>,
    /// The reason for the end of the turn, once it is known, and the number of lines without content since.
    reason: String,
    chatter: u32,
    denied: Vec<String>,
    skipped: Skipped,
}

/// What waits for a person.
enum Asked {
    Leave(Wish),
    Form { id: Id, elicitation: Elicitation, refused: u32 },
}

/// Which request is under way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Initialize,
    New,
    Load,
    Choose,
    Prompt,
    /// The agent has ended the turn; the rest of its output may still arrive.
    Settle,
    Over,
}

impl Machine {
    pub fn new(settings: Settings, task: Task) -> Self {
        Self {
            settings,
            task,
            only_greets: false,
            stage: Stage::Initialize,
            request: 0,
            session: Session::default(),
            choices: Vec::new(),
            work: Work::default(),
            asked: None,
            reason: String::new(),
            chatter: 0,
            denied: Vec::new(),
            skipped: Skipped::default(),
        }
    }

    /// For a probe: ends once the agent has answered `initialize`; the outcome is ignored.
    pub fn greeting(settings: Settings) -> Self {
        let task = Task {
            folder: String::new(),
            prompt: String::new(),
            contract: false,
            effects: Effects::Pure,
            resume: None,
        };
        Self { only_greets: true, ..Self::new(settings, task) }
    }

    pub fn start(&mut self) -> Vec<Do> {
        let mut capabilities =
            json!({"fs": {"readTextFile": false, "writeTextFile": false}, "terminal": false});
        if self.settings.questions {
            capabilities["elicitation"] = json!({"form": {}});
        }
        let params = json!({
            "protocolVersion": 1,
            "clientCapabilities": capabilities,
            "clientInfo": {"name": "baton", "title": "Baton", "version": env!("CARGO_PKG_VERSION")},
        });
        vec![Do::Write(Message::request(self.request, "initialize", params))]
    }

    /// The timeout for the next line, in milliseconds.
    pub fn timeout_ms(&self) -> u64 {
        match self.stage {
            Stage::Settle if self.work.answer().is_empty() && !self.work.did_something() => LATE_MS,
            Stage::Settle => QUIET_MS,
            Stage::Initialize | Stage::New | Stage::Load | Stage::Choose | Stage::Prompt | Stage::Over => {
                self.settings.idle_timeout.now(self.work.has_open_tool())
            }
        }
    }

    pub fn receive(&mut self, line: Line) -> Vec<Do> {
        match line {
            Line::Silent | Line::Closed if self.stage == Stage::Settle => self.settled(),
            Line::Text(line) => match Message::parse(&line) {
                Ok(message) => self.message(message),
                Err(_) => self.noise(&line),
            },
            Line::Silent => {
                let fault = format!("silent for {} s", self.timeout_ms() / 1000);
                self.abandon(Fault::new(ErrorClass::Timeout, fault))
            }
            Line::Closed => self.end(Err(self.crashed())),
        }
    }

    /// Takes the answer of a person; none if there is none.
    pub fn answered(&mut self, answer: Option<String>) -> Vec<Do> {
        match (self.asked.take(), answer) {
            (None, _) => Vec::new(),
            (Some(Asked::Leave(wish)), Some(answer)) => {
                let decision = wish.chosen(&answer);
                self.decided(&wish, decision)
            }
            (Some(Asked::Form { id, elicitation, refused }), Some(answer)) => {
                match elicitation.result(&answer) {
                    Ok(result) => vec![Do::Write(Message::Response { id, result })],
                    Err(why) if refused + 1 < REFUSED => self.form(id, elicitation, refused + 1, &why),
                    Err(_) => vec![Do::Write(Message::Response { id, result: cancelled() })],
                }
            }
            (Some(asked), None) => {
                let why = match asked {
                    Asked::Leave(_) => "a permission waits for a person",
                    Asked::Form { .. } => "a question waits for a person",
                };
                let mut todo = vec![Do::Write(asked.cancelled())];
                todo.extend(self.abandon(Fault::stopped(why)));
                todo
            }
        }
    }

    /// The host ended the attempt, for this reason.
    pub fn stop(&mut self, fault: Fault) -> Vec<Do> {
        let asked = self.asked.take();
        let mut todo: Vec<Do> = asked.iter().map(|asked| Do::Write(asked.cancelled())).collect();
        todo.extend(self.abandon(fault));
        todo
    }

    /// Ends before the agent does.
    fn abandon(&mut self, fault: Fault) -> Vec<Do> {
        let mut todo = Vec::new();
        if self.stage == Stage::Prompt {
            let params = json!({"sessionId": self.session.id});
            todo.push(Do::Write(Message::notification("session/cancel", params)));
        }
        todo.extend(self.end(Err(fault)));
        todo
    }

    fn end(&mut self, result: Result<Outcome, Fault>) -> Vec<Do> {
        self.stage = Stage::Over;
        vec![Do::Conclude(result)]
    }

    fn noise(&mut self, line: &str) -> Vec<Do> {
        self.skipped.add(line);
        if self.skipped.count < NOISE {
            return Vec::new();
        }
        let fault = format!("what it says is not the protocol{}", self.skipped.note());
        self.abandon(Fault::new(ErrorClass::InvalidOutput, fault))
    }

    fn crashed(&self) -> Fault {
        let before = match self.stage {
            Stage::Initialize => "it answered `initialize`",
            Stage::New | Stage::Load | Stage::Choose => "its session began",
            Stage::Prompt | Stage::Settle | Stage::Over => "it ended its turn",
        };
        let fault = format!("it closed its output before {before}{}", self.skipped.note());
        Fault::new(ErrorClass::Crashed, fault)
    }

    fn message(&mut self, message: Message) -> Vec<Do> {
        if self.stage == Stage::Settle && !turn::adds(&message) {
            self.chatter += 1;
            if self.chatter > CHATTER {
                return self.settled();
            }
        }
        match message {
            Message::Request { id, method, params } if method == "session/request_permission" => {
                self.permission(id, &params)
            }
            Message::Request { id, method, params } if method == "elicitation/create" => {
                self.elicitation(id, &params)
            }
            Message::Request { id, method, .. } => vec![Do::Write(Message::unknown_method(id, &method))],
            Message::Notification { method, params } if method == "session/update" => self.update(&params),
            // Unknown extensions.
            Message::Notification { .. } => Vec::new(),
            Message::Response { id, result } if self.is_ours(&id) => self.response(&result),
            Message::Error { id: Some(id), error } if self.is_ours(&id) && self.stage != Stage::Settle => {
                self.error(&error)
            }
            // Late answers, and complaints about lines that were never sent.
            Message::Response { .. } | Message::Error { .. } => Vec::new(),
        }
    }

    fn is_ours(&self, id: &Id) -> bool {
        *id == Id::Number(self.request)
    }

    fn call(&mut self, stage: Stage, method: &str, params: Value) -> Vec<Do> {
        self.stage = stage;
        self.request += 1;
        vec![Do::Write(Message::request(self.request, method, params))]
    }

    fn response(&mut self, result: &Value) -> Vec<Do> {
        match self.stage {
            Stage::Initialize => match version_fault(result) {
                Some(fault) => self.end(Err(fault)),
                None if self.only_greets => self.end(Ok(Outcome::text("ready"))),
                None => {
                    self.session.greeted(result);
                    self.open()
                }
            },
            Stage::New | Stage::Load => match self.session.opened(result, &self.settings) {
                Ok(choices) => {
                    self.choices = choices;
                    self.choose()
                }
                Err(fault) => self.end(Err(fault)),
            },
            Stage::Choose => self.choose(),
            Stage::Prompt => self.finished(result),
            Stage::Settle | Stage::Over => Vec::new(),
        }
    }

    fn open(&mut self) -> Vec<Do> {
        match self.task.resume.clone() {
            Some(id) if self.session.can_load => {
                let params = json!({"sessionId": id, "cwd": self.task.folder, "mcpServers": []});
                self.session.id = id;
                self.session.is_loaded = true;
                self.call(Stage::Load, "session/load", params)
            }
            Some(_) | None => self.begin(),
        }
    }

    fn begin(&mut self) -> Vec<Do> {
        self.session.is_loaded = false;
        self.call(Stage::New, "session/new", json!({"cwd": self.task.folder, "mcpServers": []}))
    }

    /// Sets what is still to be set, and then prompts.
    fn choose(&mut self) -> Vec<Do> {
        if let Some(choice) = self.choices.pop() {
            let (method, params) = choice.request(&self.session.id);
            return self.call(Stage::Choose, method, params);
        }
        self.work.begin();
        if let Some(model) = self.settings.model.as_ref().or(self.session.model.as_ref()) {
            self.work.works_with(model);
        }
        let text = if self.session.is_loaded {
            format!(
                "Go on where you were interrupted: what you asked has been answered, so ask again. \
                 The task was:\n\n{}",
                self.task.prompt
            )
        } else {
            self.task.prompt.clone()
        };
        let params = json!({"sessionId": self.session.id, "prompt": [{"type": "text", "text": text}]});
        self.call(Stage::Prompt, "session/prompt", params)
    }

    fn update(&mut self, params: &Value) -> Vec<Do> {
        let is_other =
            params.get("sessionId").and_then(Value::as_str).is_some_and(|id| id != self.session.id);
        if is_other {
            return Vec::new();
        }
        match self.stage {
            // Loading a session replays it from its beginning.
            Stage::Load => {
                self.work.replay(params);
                vec![Do::Report { message: String::from("loads its session"), done: None }]
            }
            Stage::Prompt | Stage::Settle => self.work.update(params),
            Stage::Initialize | Stage::New | Stage::Choose | Stage::Over => Vec::new(),
        }
    }

    fn permission(&mut self, id: Id, params: &Value) -> Vec<Do> {
        let tool = self.work.tool(params.get("toolCall").unwrap_or(&Value::Null));
        let wish = Wish::new(id, tool, params);
        if self.stage == Stage::Settle {
            // A turn that is over needs no permission.
            return vec![Do::Write(wish.response(&Decision::Cancelled))];
        }
        match self.settings.permissions {
            Permissions::Allow => self.decided(&wish, wish.allowed()),
            Permissions::Deny => self.decided(&wish, wish.refused()),
            // Nothing to choose from is nothing to ask.
            Permissions::Ask if wish.options.is_empty() => self.decided(&wish, Decision::Cancelled),
            Permissions::Ask => {
                let question = wish.question(&self.session.id);
                self.asked = Some(Asked::Leave(wish));
                vec![Do::Ask(question)]
            }
        }
    }

    fn decided(&mut self, wish: &Wish, decision: Decision) -> Vec<Do> {
        let verb = if wish.is_leave(&decision) {
            "may"
        } else {
            self.work.deny(&wish.tool);
            self.denied.push(wish.tool.to_string());
            "may not"
        };
        let message = format!("{verb}: {}", wish.tool);
        vec![Do::Write(wish.response(&decision)), Do::Report { message, done: None }]
    }

    fn finished(&mut self, result: &Value) -> Vec<Do> {
        let reason = result.get("stopReason").and_then(Value::as_str).unwrap_or("");
        reason.clone_into(&mut self.reason);
        self.stage = Stage::Settle;
        if self.work.used(&Told::of(result)) { vec![Do::Spent(self.work.usage.clone())] } else { Vec::new() }
    }

    /// Nothing more comes.
    fn settled(&mut self) -> Vec<Do> {
        let outcome = turn::outcome(&self.reason, &self.work, &self.task, &self.denied);
        let outcome = outcome.map(|outcome| Outcome { attrs: self.attrs(), ..outcome });
        self.end(outcome)
    }

    fn elicitation(&mut self, id: Id, params: &Value) -> Vec<Do> {
        if !self.settings.questions || self.stage != Stage::Prompt || self.asked.is_some() {
            return vec![Do::Write(Message::Response { id, result: cancelled() })];
        }
        self.form(id, Elicitation::read(params), 0, "")
    }

    fn form(&mut self, id: Id, elicitation: Elicitation, refused: u32, why: &str) -> Vec<Do> {
        let question = elicitation.question(Asker::Agent, refused, why, &self.session.id);
        self.asked = Some(Asked::Form { id, elicitation, refused });
        vec![Do::Ask(question)]
    }

    fn attrs(&self) -> Vec<Attr> {
        let mut attrs = vec![Attr::new("session", &self.session.id)];
        if !self.denied.is_empty() {
            attrs.push(Attr::new("permissions-denied", json!(self.denied).to_string()));
        }
        let changed = self.work.changed();
        if !changed.is_empty() {
            attrs.push(changed_files(&changed));
        }
        if self.skipped.count > 0 {
            attrs.push(Attr::new("skipped-lines", self.skipped.count.to_string()));
        }
        attrs
    }

    fn error(&mut self, error: &ErrorObject) -> Vec<Do> {
        if error.code == AUTH_REQUIRED {
            let fault = self.session.login(&error.message, &self.settings.profile);
            return self.end(Err(fault));
        }
        if self.stage == Stage::Load {
            // The session is gone: start a new one.
            return self.begin();
        }
        let said = match &error.data {
            Value::Null => error.message.clone(),
            Value::String(data) => format!("{}: {data}", error.message),
            data => format!("{}: {data}", error.message),
        };
        let otherwise = match self.stage {
            Stage::Choose => ErrorClass::Environment,
            Stage::Initialize | Stage::New | Stage::Load | Stage::Prompt | Stage::Settle | Stage::Over => {
                ErrorClass::Transient
            }
        };
        let class = symptom::status(error.code).unwrap_or(otherwise);
        let fault = symptom::fault(&format!("{said} (code {})", error.code), class);
        self.end(Err(fault))
    }
}

impl Asked {
    /// The answer to the agent if no person answers.
    fn cancelled(&self) -> Message {
        match self {
            Self::Leave(wish) => wish.response(&Decision::Cancelled),
            Self::Form { id, .. } => Message::Response { id: id.clone(), result: cancelled() },
        }
    }
}

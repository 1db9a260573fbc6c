//! The exchange with the remote agent as a state machine without side effects: it returns steps for the adapter to take.

use baton_sdk::agent::http::{HttpError, Request};
use baton_sdk::agent::people::{Answer, Purpose, Question};
use baton_sdk::agent::{
    Attempt, Attr, ErrorClass, Fault, Listener, Outcome, Usage, contract, http_fault, malformed_reply,
    one_line, prompt,
};
use baton_sdk::seed::fnv1a;
use baton_sdk::words::capped;
use serde_json::{Value, json};

use crate::card::{self, Endpoint};
use crate::reply::{Reply, is_error};
use crate::settings::Settings;
use crate::task::{State, Task, words};
use crate::{result, rpc};

/// The most failed polls in a row.
const LOST_POLLS: u32 = 3;

/// The longest wait that the adapter makes itself: for a longer one the attempt ends, so that the host can use the slot.
const LONGEST_WAIT_MS: u64 = 60_000;

/// The most questions of one attempt.
const QUESTIONS: usize = 32;

/// The most bytes of a question.
const QUESTION_BYTES: usize = 8 << 10;

/// The next step.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Send a request, pass the response in, and report its end.
    Call(Request),
    /// Wait this many milliseconds.
    Wait(u64),
    Ask(Question),
    Over(Result<Outcome, Fault>),
}

/// The request that is being answered.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Card,
    /// The state of the task that an earlier attempt left waiting.
    Resume,
    Send,
    Poll,
}

/// The state that an earlier attempt left.
#[derive(Clone, Debug, PartialEq)]
struct Thread {
    task: String,
    context: Option<String>,
    /// The number of refused outcomes, so that a refused result is not used again.
    refusals: u64,
}

pub struct Session<'a> {
    settings: &'a Settings<'a>,
    attempt: &'a Attempt,
    thread: Option<Thread>,
    endpoint: Option<Endpoint>,
    phase: Phase,
    reply: Reply,
    task: Option<Task>,
    /// An answer without any task, or the fault that ended a stream.
    answer: Option<Result<Value, Fault>>,
    /// The keys of the questions whose answers the task has got.
    told: Vec<String>,
    /// The key of the question whose answer is on its way.
    telling: Option<String>,
    questions: usize,
    requests: u32,
    lost_polls: u32,
}

impl Listener for Session<'_> {
    fn head(&mut self, status: u16, headers: Vec<Attr>) {
        self.reply = Reply::head(status, headers);
    }

    fn chunk(&mut self, bytes: &[u8]) -> bool {
        let Some(results) = self.reply.chunk(bytes) else {
            return false;
        };
        results.into_iter().all(|result| self.event(result))
    }

    fn sign(&self, _read: usize) -> String {
        self.doing()
    }
}

impl<'a> Session<'a> {
    pub fn new(settings: &'a Settings<'a>, attempt: &'a Attempt, answers: &[Answer]) -> Self {
        let refusals = attempt.task.feedback.len() as u64;
        let last = answers.last().and_then(|answer| thread(&answer.resume));
        let thread = last.filter(|thread| thread.refusals == refusals);
        let earlier = answers.iter().rev().skip(1).rev();
        let told = earlier.filter(|answer| thread.is_some() && self::thread(&answer.resume) == thread);
        let told = told.map(|answer| answer.key.clone()).collect();
        Self {
            settings,
            attempt,
            endpoint: None,
            phase: Phase::Card,
            reply: Reply::Awaited,
            task: None,
            answer: None,
            told,
            telling: None,
            questions: 0,
            requests: 0,
            lost_polls: 0,
            thread,
        }
    }

    pub fn begin(&mut self) -> Step {
        self.requests += 1;
        Step::Call(rpc::get_card(self.settings.service, self.settings.card))
    }

    /// No more bytes come: because nothing is left, none are wanted, or something broke.
    pub fn over(&mut self, ended: &Result<(), HttpError>) -> Step {
        let reply = std::mem::replace(&mut self.reply, Reply::Awaited);
        if self.phase == Phase::Card {
            return self.met(reply, ended);
        }
        let done = self.answer.is_some()
            || self.task.as_ref().is_some_and(|task| self.is_stream(&reply) && task.rests());
        if !done {
            match ended {
                Err(error) if !matches!(reply, Reply::Error { .. }) => {
                    self.answer = Some(Err(http_fault(error)))
                }
                Ok(()) | Err(_) => {
                    if let Some(result) = reply.finish(self.attempt.now) {
                        self.event(result);
                    }
                }
            }
        }
        match self.phase {
            Phase::Card | Phase::Send => self.sent(),
            Phase::Resume => self.resumed(),
            Phase::Poll => self.polled(),
        }
    }

    /// The time to wait is over.
    pub fn waited(&mut self) -> Step {
        match self.task.as_ref().map(|task| task.id.clone()) {
            None => Step::Over(Err(Fault::new(ErrorClass::Transient, "the agent began no task"))),
            Some(id) => self.get_task(Phase::Poll, &id),
        }
    }

    /// The answer of a person or a policy; none if there is none yet.
    pub fn answered(&mut self, key: &str, answer: Option<Answer>) -> Step {
        let Some(answer) = answer else {
            return Step::Over(Err(Fault::stopped("the agent's question waits for a person")));
        };
        self.telling = Some(key.to_owned());
        self.questions += 1;
        let (task, context) = match &self.task {
            Some(task) => (Some(task.id.clone()), task.context.clone()),
            None => (None, None),
        };
        let id = format!("{}/{key}", self.attempt.idempotency_key);
        self.send(&answer.text, &id, task, context)
    }

    /// The request that cancels the agent's task when the attempt is stopped.
    pub fn cancel(&self) -> Option<Request> {
        let task = self.task.as_ref().filter(|task| !task.rests())?;
        let endpoint = self.endpoint.as_ref()?;
        let params = json!({ "id": task.id });
        Some(rpc::call(self.settings.service, endpoint, self.requests + 1, "CancelTask", params))
    }

    pub fn usage(&self) -> Usage {
        Usage { requests: self.requests, ..Usage::default() }
    }

    /// The text of a progress report.
    pub fn doing(&self) -> String {
        let said = self.task.as_ref().map(|task| words(&task.message)).unwrap_or_default();
        if said.is_empty() { String::from("the agent works") } else { one_line(&said) }
    }

    fn is_stream(&self, reply: &Reply) -> bool {
        matches!(reply, Reply::Stream(_))
    }

    fn met(&mut self, reply: Reply, ended: &Result<(), HttpError>) -> Step {
        let of_card = |fault: Fault| {
            let message = format!("no agent card at `{}`: {}", self.settings.card, fault.message);
            Step::Over(Err(Fault { message, ..fault }))
        };
        if let Err(error) = ended {
            return of_card(http_fault(error));
        }
        let endpoint = match reply {
            Reply::Whole(bytes) => card::read(&bytes, self.settings),
            Reply::Awaited | Reply::Stream(_) => card::read(b"", self.settings),
            error @ Reply::Error { .. } => match error.finish(self.attempt.now) {
                Some(Err(fault)) => return of_card(fault),
                Some(Ok(_)) | None => card::read(b"", self.settings),
            },
        };
        match endpoint {
            Err(fault) => Step::Over(Err(fault)),
            Ok(endpoint) => {
                self.endpoint = Some(endpoint);
                match self.thread.clone() {
                    Some(thread) => self.get_task(Phase::Resume, &thread.task),
                    None => self.send_task(),
                }
            }
        }
    }

    /// Whether more are wanted.
    fn event(&mut self, result: Result<Value, Fault>) -> bool {
        let result = match result {
            Ok(result) => result,
            Err(fault) => {
                self.answer = Some(Err(fault));
                return false;
            }
        };
        if self.take(&result).is_none() {
            self.answer =
                Some(Err(malformed_reply("a result that can't be understood", &result.to_string())));
            return false;
        }
        self.answer.is_none() && !self.task.as_ref().is_some_and(Task::rests)
    }

    /// None if it is malformed.
    fn take(&mut self, result: &Value) -> Option<()> {
        let told = |key: &str| result.get(key).filter(|value| !value.is_null());
        if let Some(update) = told("statusUpdate") {
            return self.updated(update)?.status(update.get("status")?);
        }
        if let Some(update) = told("artifactUpdate") {
            return self.updated(update)?.artifact(update);
        }
        if let Some(message) = told("message") {
            self.answer = Some(Ok(message.clone()));
            return Some(());
        }
        // The answer to a question about a task is the task itself.
        let task = told("task").unwrap_or(result);
        self.task = Some(Task::read(task)?);
        Some(())
    }

    /// The task that an update is of. A stream may have begun before: then it is known by its updates only.
    fn updated(&mut self, update: &Value) -> Option<&mut Task> {
        if self.task.is_none() {
            let ids = json!({ "id": update.get("taskId")?, "contextId": update.get("contextId"), "status": {"state": ""} });
            self.task = Some(Task::read(&ids)?);
        }
        self.task.as_mut()
    }

    fn sent(&mut self) -> Step {
        let telling = self.telling.take();
        if !matches!(self.answer, Some(Err(_))) {
            self.told.extend(telling);
        }
        match self.answer.take() {
            Some(Ok(message)) => {
                let outcome = result::of_message(&message, contract(self.attempt).is_some());
                Step::Over(outcome.map(|outcome| Outcome { usage: self.usage(), ..outcome }))
            }
            // What became of a task that has begun can be asked for.
            Some(Err(fault)) if self.task.is_some() && may_recover(&fault) => {
                Step::Wait(self.settings.poll_ms)
            }
            Some(Err(fault)) => Step::Over(Err(fault)),
            None => self.settle(),
        }
    }

    fn resumed(&mut self) -> Step {
        match self.answer.take() {
            Some(Err(fault)) if is_error(&fault, rpc::TASK_NOT_FOUND) => {
                self.told.clear();
                self.send_task()
            }
            Some(Err(fault)) => Step::Over(Err(fault)),
            Some(Ok(message)) => {
                Step::Over(Err(malformed_reply("a message where a task was asked for", &message.to_string())))
            }
            None if self.task.as_ref().is_some_and(Task::is_lost) => {
                self.task = None;
                self.told.clear();
                self.send_task()
            }
            None => {
                let context = self.thread.as_ref().and_then(|thread| thread.context.clone());
                if let Some(task) = &mut self.task {
                    task.context = task.context.take().or(context);
                }
                self.settle()
            }
        }
    }

    fn polled(&mut self) -> Step {
        match self.answer.take() {
            Some(Err(fault)) if may_recover(&fault) && self.lost_polls < LOST_POLLS => {
                self.lost_polls += 1;
                self.wait_after(&fault)
            }
            Some(Err(fault)) => Step::Over(Err(fault)),
            Some(Ok(message)) => {
                Step::Over(Err(malformed_reply("a message where a task was asked for", &message.to_string())))
            }
            None => {
                self.lost_polls = 0;
                self.settle()
            }
        }
    }

    fn wait_after(&self, fault: &Fault) -> Step {
        Step::Wait(fault.retry_after.unwrap_or(0).max(self.settings.poll_ms))
    }

    fn settle(&mut self) -> Step {
        let Some(task) = &self.task else {
            return Step::Over(Err(Fault::new(
                ErrorClass::Transient,
                "the reply ended before it said anything",
            )));
        };
        let said = one_line(&words(&task.message));
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let fault = |class, what: &str| Step::Over(Err(Fault::new(class, format!("the agent {what}{said}"))));
        match task.state {
            State::Working => Step::Wait(self.settings.poll_ms),
            State::Completed => {
                let outcome = result::of_task(task, contract(self.attempt).is_some());
                Step::Over(outcome.map(|outcome| Outcome { usage: self.usage(), ..outcome }))
            }
            State::Failed => fault(ErrorClass::Other(String::from("task-failed")), "failed at its task"),
            State::Canceled => {
                fault(ErrorClass::Other(String::from("task-canceled")), "was made to cancel its task")
            }
            State::Rejected => fault(ErrorClass::Refused, "rejected its task"),
            State::AuthRequired => {
                fault(ErrorClass::Unauthorized, "wants an authorization that it has not got")
            }
            State::InputRequired => self.ask(),
        }
    }

    fn ask(&self) -> Step {
        let Some(task) = self.task.as_ref().filter(|_| self.questions < QUESTIONS) else {
            let message = format!("the agent asked more than {QUESTIONS} questions");
            return Step::Over(Err(Fault::new(
                ErrorClass::Other(String::from("too-many-questions")),
                message,
            )));
        };
        let said = words(&task.message);
        let text =
            if said.is_empty() { "The agent wants to know more, and does not say what." } else { &said };
        let resume =
            json!({ "task": task.id, "context": task.context, "refusals": self.attempt.task.feedback.len() });
        Step::Ask(Question {
            key: self.key(text),
            purpose: Purpose::Question,
            text: capped(text, QUESTION_BYTES).to_owned(),
            choices: Vec::new(),
            resume: resume.to_string(),
        })
    }

    /// The same words have the same key in every attempt, unless this task has got their answer before.
    fn key(&self, text: &str) -> String {
        let key = format!("a2a-{:016x}", fnv1a(text.as_bytes()));
        let numbered = (2..=QUESTIONS + 1).map(|number| format!("{key}-{number}"));
        let free = [key.clone()].into_iter().chain(numbered).find(|key| !self.told.contains(key));
        free.unwrap_or(key)
    }

    fn send_task(&mut self) -> Step {
        // Refused answers are not asked for again: with its reasons attached the message is another one.
        let id = match self.attempt.task.feedback.len() {
            0 => self.attempt.idempotency_key.clone(),
            refused => format!("{}/{refused}", self.attempt.idempotency_key),
        };
        self.send(&prompt(self.attempt), &id, None, None)
    }

    fn send(&mut self, text: &str, id: &str, task: Option<String>, context: Option<String>) -> Step {
        let mut message = json!({ "messageId": id, "role": "ROLE_USER", "parts": [{ "text": text }] });
        if let Some(task) = task {
            message["taskId"] = json!(task);
        }
        if let Some(context) = context {
            message["contextId"] = json!(context);
        }
        // The state from before the message does not say what became of it.
        if let Some(task) = &mut self.task {
            task.state = State::Working;
        }
        let configuration = json!({ "historyLength": 1, "returnImmediately": true });
        let params = json!({ "message": message, "configuration": configuration });
        let streaming = self.endpoint.as_ref().is_some_and(|endpoint| endpoint.streaming);
        let method = if streaming { "SendStreamingMessage" } else { "SendMessage" };
        self.call(Phase::Send, method, params)
    }

    fn get_task(&mut self, phase: Phase, id: &str) -> Step {
        self.call(phase, "GetTask", json!({ "id": id, "historyLength": 1 }))
    }

    fn call(&mut self, phase: Phase, method: &str, params: Value) -> Step {
        let Some(endpoint) = &self.endpoint else {
            return Step::Over(Err(Fault::new(ErrorClass::Environment, "the agent's card was not read")));
        };
        self.requests += 1;
        self.phase = phase;
        Step::Call(rpc::call(self.settings.service, endpoint, self.requests, method, params))
    }
}

fn thread(resume: &str) -> Option<Thread> {
    let resume: Value = serde_json::from_str(resume).ok()?;
    Some(Thread {
        task: resume.get("task")?.as_str()?.to_owned(),
        context: resume.get("context").and_then(Value::as_str).map(str::to_owned),
        refusals: resume.get("refusals")?.as_u64()?,
    })
}

/// Whether asking again may help.
fn may_recover(fault: &Fault) -> bool {
    if fault.retry_after.is_some_and(|after| after > LONGEST_WAIT_MS) {
        return false;
    }
    match fault.class {
        ErrorClass::Transient | ErrorClass::Timeout | ErrorClass::RateLimited => {
            !is_error(fault, rpc::TASK_NOT_FOUND)
                && !fault.attrs.iter().any(|attr| attr.name == "stop-reason")
        }
        ErrorClass::Crashed
        | ErrorClass::InvalidInput
        | ErrorClass::InvalidOutput
        | ErrorClass::Refused
        | ErrorClass::Unauthorized
        | ErrorClass::Environment
        | ErrorClass::Budget
        | ErrorClass::Other(_) => false,
    }
}

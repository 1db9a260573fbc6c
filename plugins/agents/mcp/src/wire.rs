//! Streamable HTTP: a message becomes a request, and what comes back becomes messages.

use baton_sdk::agent::http::{HttpError, Request};
use baton_sdk::agent::jsonrpc::Message;
use baton_sdk::agent::sse::{Event, Events, TooLarge};
use baton_sdk::agent::{Attr, ErrorClass, Fault, http_fault, malformed_reply, status_fault};

use crate::machine::{Do, Machine};
use crate::tool::header_value;
use crate::version::Era;

const SESSION: &str = "mcp-session-id";

/// The side of the connection that a [`Machine`] does not see.
pub struct Wire {
    service: String,
    path: String,
    /// Unix milliseconds at the attempt's start.
    now: u64,
    session: Option<String>,
    is_greeting: bool,
    status: u16,
    headers: Vec<Attr>,
    body: Body,
}

enum Body {
    Whole(Vec<u8>),
    Stream(Events),
}

impl Wire {
    pub fn new(service: &str, path: &str, now: u64) -> Self {
        Self {
            service: service.to_owned(),
            path: path.to_owned(),
            now,
            session: None,
            is_greeting: false,
            status: 0,
            headers: Vec::new(),
            body: Body::Whole(Vec::new()),
        }
    }

    /// What is sent for the message.
    pub fn request(&mut self, message: &Message, machine: &Machine) -> Request {
        let mut headers = vec![
            Attr::new("Content-Type", "application/json"),
            Attr::new("Accept", "application/json, text/event-stream"),
        ];
        headers.extend(machine.version().map(|version| Attr::new("MCP-Protocol-Version", version)));
        if let Message::Request { method, params, .. } = message {
            // A new session replaces an earlier one.
            self.is_greeting = method == "initialize";
            if self.is_greeting {
                self.session = None;
            }
            if machine.era() == Era::Modern {
                headers.push(Attr::new("Mcp-Method", method));
                if method == "tools/call" {
                    let name = params.get("name").and_then(|name| name.as_str()).unwrap_or("");
                    headers.push(Attr::new("Mcp-Name", header_value(name)));
                    headers.extend(machine.mirrored().iter().cloned());
                }
            }
        }
        headers.extend(self.session.as_ref().map(|session| Attr::new("Mcp-Session-Id", session)));
        self.with("POST", headers, message.to_string().into_bytes())
    }

    /// What ends the session, if there is one.
    pub fn farewell(&self, machine: &Machine) -> Option<Request> {
        let session = self.session.as_ref()?;
        let mut headers = vec![Attr::new("Mcp-Session-Id", session)];
        headers.extend(machine.version().map(|version| Attr::new("MCP-Protocol-Version", version)));
        Some(self.with("DELETE", headers, Vec::new()))
    }

    fn with(&self, method: &str, headers: Vec<Attr>, body: Vec<u8>) -> Request {
        Request {
            service: self.service.clone(),
            method: method.to_owned(),
            path: self.path.clone(),
            headers,
            body,
        }
    }

    pub fn head(&mut self, status: u16, headers: Vec<Attr>) {
        let is_stream = (200..300).contains(&status)
            && header(&headers, "content-type").is_some_and(|kind| media_type(kind) == "text/event-stream");
        self.body = if is_stream { Body::Stream(Events::default()) } else { Body::Whole(Vec::new()) };
        if self.is_greeting && (200..300).contains(&status) {
            self.session = header(&headers, SESSION).filter(|id| !id.is_empty()).map(str::to_owned);
        }
        self.status = status;
        self.headers = headers;
    }

    pub fn chunk(&mut self, bytes: &[u8], machine: &mut Machine) -> Vec<Do> {
        match &mut self.body {
            Body::Whole(body) => {
                body.extend_from_slice(bytes);
                Vec::new()
            }
            Body::Stream(events) => {
                let events = events.push(bytes);
                events.into_iter().flat_map(|event| heard(event, machine)).collect()
            }
        }
    }

    /// Called at the end of the body, or if there is none, unless the awaited answer arrived.
    pub fn over(&mut self, ended: &Result<(), HttpError>, machine: &mut Machine) -> Vec<Do> {
        let body = std::mem::replace(&mut self.body, Body::Whole(Vec::new()));
        if let Err(error) = ended {
            return match error {
                HttpError::Stopped => machine.stop(http_fault(error)),
                HttpError::Denied(_)
                | HttpError::BadRequest(_)
                | HttpError::Unreachable(_)
                | HttpError::TimedOut(_)
                | HttpError::TooLarge(_)
                | HttpError::Broken(_) => machine.lost(http_fault(error)),
            };
        }
        match body {
            Body::Stream(events) => {
                if let Some(event) = events.finish() {
                    let todo = heard(Ok(event), machine);
                    if !todo.is_empty() {
                        // Where that was not the answer, nothing more will come.
                        self.body = Body::Stream(Events::default());
                        return todo;
                    }
                }
                let message = format!("the stream ended before {}", machine.awaited());
                machine.lost(Fault::new(ErrorClass::Crashed, message))
            }
            Body::Whole(body) if (200..300).contains(&self.status) => self.whole(&body, machine),
            Body::Whole(body) => self.refused(&body, machine),
        }
    }

    fn whole(&self, body: &[u8], machine: &mut Machine) -> Vec<Do> {
        let text = String::from_utf8_lossy(body);
        let fault = match Message::parse(&text) {
            Ok(message) => {
                let todo = machine.message(message);
                if !todo.is_empty() {
                    return todo;
                }
                malformed_reply("an answer to something else", &text)
            }
            Err(_) if text.trim().is_empty() => {
                let message = format!("the service answered {} and nothing else", self.status);
                Fault::new(ErrorClass::Transient, message)
            }
            Err(malformed) => {
                malformed_reply(&format!("what is no message ({})", malformed.why), &malformed.line)
            }
        };
        machine.lost(fault)
    }

    fn refused(&mut self, body: &[u8], machine: &mut Machine) -> Vec<Do> {
        let fault = status_fault(self.status, &self.headers, body, self.now);
        let message = Message::parse(&String::from_utf8_lossy(body));
        match (self.status, message) {
            (404, _) if self.session.take().is_some() => machine.session_lost(fault),
            // Authorization, payment and rate limits do not depend on the era.
            (401..=403 | 407 | 408 | 429, _) => machine.lost(fault),
            (400..500, Ok(message @ Message::Error { .. })) => match machine.message(message) {
                todo if todo.is_empty() => machine.refused(fault),
                todo => todo,
            },
            (400..500, _) => machine.refused(fault),
            (_, _) => machine.lost(fault),
        }
    }
}

fn heard(event: Result<Event, TooLarge>, machine: &mut Machine) -> Vec<Do> {
    match event {
        Ok(event) => match Message::parse(&event.data) {
            Ok(message) => machine.message(message),
            Err(_) => machine.noise(&event.data),
        },
        Err(large) => machine.lost(Fault::new(ErrorClass::InvalidOutput, large.to_string())),
    }
}

fn header<'a>(headers: &'a [Attr], name: &str) -> Option<&'a str> {
    let attr = headers.iter().find(|attr| attr.name.eq_ignore_ascii_case(name))?;
    Some(&attr.value)
}

fn media_type(kind: &str) -> String {
    kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

//! One request and its response, fed as they come: a status with headers, bytes, and an end. Nothing here touches the
//! world.

use baton_sdk::agent::http::HttpError;
use baton_sdk::agent::sse::Events;
use baton_sdk::agent::{Attr, Fault, Listener, Outcome, Usage, http_fault, malformed_reply, status_fault};
use serde_json::Value;

use crate::settings::Api;
use crate::told::Told;
use crate::{chat, responses};

/// How much of an error's body is read.
const ERROR_BYTES: usize = 64 << 10;

pub struct Exchange {
    api: Api,
    contract: bool,
    stream: bool,
    now: u64,
    body: Body,
    told: Told,
    complaint: Option<String>,
}

/// What the bytes are, as status and headers say.
enum Body {
    /// No response has come.
    Awaited,
    Stream(Events),
    Whole(Vec<u8>),
    Error {
        status: u16,
        headers: Vec<Attr>,
        bytes: Vec<u8>,
    },
}

impl Listener for Exchange {
    fn head(&mut self, status: u16, headers: Vec<Attr>) {
        self.body = if !(200..300).contains(&status) {
            Body::Error { status, headers, bytes: Vec::new() }
        } else if is_stream(&headers, self.stream) {
            Body::Stream(Events::default())
        } else {
            Body::Whole(Vec::new())
        };
    }

    fn chunk(&mut self, bytes: &[u8]) -> bool {
        match &mut self.body {
            Body::Awaited => false,
            Body::Whole(whole) => {
                whole.extend_from_slice(bytes);
                true
            }
            Body::Error { bytes: read, .. } => {
                read.extend_from_slice(&bytes[..bytes.len().min(ERROR_BYTES - read.len())]);
                read.len() < ERROR_BYTES
            }
            Body::Stream(events) => {
                for event in events.push(bytes) {
                    let more = match event {
                        Ok(event) => read_event(&mut self.told, self.api, &event.event, &event.data),
                        Err(too_large) => {
                            self.told.error = Some(malformed_reply("too much", &too_large.to_string()));
                            false
                        }
                    };
                    if !more {
                        return false;
                    }
                }
                true
            }
        }
    }

    fn sign(&self, read: usize) -> String {
        format!("{read} bytes of the reply")
    }
}

impl Exchange {
    /// `now` is Unix milliseconds.
    pub fn new(api: Api, stream: bool, contract: bool, now: u64) -> Self {
        Self { api, contract, stream, now, body: Body::Awaited, told: Told::default(), complaint: None }
    }

    /// What was used up so far; none before there is a response.
    pub fn usage(&self) -> Option<Usage> {
        match self.body {
            Body::Awaited => None,
            Body::Stream(_) | Body::Whole(_) | Body::Error { .. } => Some(self.told.usage()),
        }
    }

    /// No more bytes come: because nothing is left, none are wanted, or something broke.
    pub fn over(&mut self, ended: &Result<(), HttpError>) {
        match std::mem::replace(&mut self.body, Body::Whole(Vec::new())) {
            Body::Awaited => self.body = Body::Awaited,
            Body::Stream(events) => {
                if let Some(event) = events.finish().filter(|_| ended.is_ok() && self.told.error.is_none()) {
                    read_event(&mut self.told, self.api, &event.event, &event.data);
                }
            }
            Body::Whole(bytes) => {
                if ended.is_ok() {
                    read_whole(&mut self.told, self.api, &bytes);
                }
            }
            Body::Error { status, headers, bytes } => {
                self.complaint =
                    matches!(status, 400 | 422).then(|| String::from_utf8_lossy(&bytes).into_owned());
                // A gateway that timed out does not know what its backend did.
                self.told.was_refused = !matches!(status, 408 | 502 | 504);
                self.told.error = Some(status_fault(status, &headers, &bytes, self.now));
            }
        }
        let whole = self.told.finish.is_some() || self.told.error.is_some();
        if let Err(error) = ended
            && (!whole || *error == HttpError::Stopped)
        {
            self.told.error = Some(http_fault(error));
        }
    }

    /// What the service says of a request that it refused as it is written. Asked after [`Exchange::over`].
    pub fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    /// Asked after [`Exchange::over`].
    pub fn ending(self, good_ends: &[&str]) -> Result<Outcome, Fault> {
        self.told.ending(self.contract, good_ends)
    }
}

/// A service may answer a request for a stream as a whole, and one that names no type does as it was asked.
fn is_stream(headers: &[Attr], asked: bool) -> bool {
    match headers.iter().find(|attr| attr.name.eq_ignore_ascii_case("content-type")) {
        Some(attr) => attr.value.to_ascii_lowercase().contains("event-stream"),
        None => asked,
    }
}

/// Whether more events are wanted.
fn read_event(told: &mut Told, api: Api, name: &str, data: &str) -> bool {
    if data.trim() == "[DONE]" {
        told.is_over = true;
        return false;
    }
    // A lost piece can't be told from an unimportant one, so none is skipped.
    let Ok(value) = serde_json::from_str::<Value>(data) else {
        told.error = Some(malformed_reply("an event that is no JSON", data));
        return false;
    };
    match api {
        Api::Chat => chat::read(told, &value),
        Api::Responses => responses::event(told, name, &value),
    }
    told.error.is_none() && !(api == Api::Responses && told.finish.is_some())
}

fn read_whole(told: &mut Told, api: Api, bytes: &[u8]) {
    if looks_like_a_stream(bytes) {
        let mut events = Events::default();
        let mut read = events.push(bytes);
        read.extend(events.finish().map(Ok));
        let read = read.into_iter().map_while(Result::ok);
        let _ =
            read.map_while(|event| read_event(told, api, &event.event, &event.data).then_some(())).count();
        return;
    }
    let Ok(reply @ Value::Object(_)) = serde_json::from_slice::<Value>(bytes) else {
        told.error = Some(malformed_reply("a reply that is no JSON object", &String::from_utf8_lossy(bytes)));
        return;
    };
    told.is_over = true;
    match api {
        Api::Chat => chat::read(told, &reply),
        Api::Responses => responses::read(told, &reply),
    }
}

/// Some services label a stream as plain text.
fn looks_like_a_stream(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    [&b"data:"[..], b"event:", b"id:", b"retry:", b":"].iter().any(|field| bytes.starts_with(field))
}

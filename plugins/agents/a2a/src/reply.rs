//! One response, fed as it comes.

use baton_sdk::agent::sse::Events;
use baton_sdk::agent::{Attr, Fault, malformed_reply, status_fault};
use serde_json::Value;

use crate::rpc;

/// How much of an error's body is read.
const ERROR_BYTES: usize = 64 << 10;

/// What the bytes are, as status and headers say.
pub enum Reply {
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

impl Reply {
    pub fn head(status: u16, headers: Vec<Attr>) -> Self {
        let kind = headers.iter().find(|attr| attr.name.eq_ignore_ascii_case("content-type"));
        if !(200..300).contains(&status) {
            Self::Error { status, headers, bytes: Vec::new() }
        } else if kind.is_some_and(|attr| attr.value.to_ascii_lowercase().contains("event-stream")) {
            Self::Stream(Events::default())
        } else {
            Self::Whole(Vec::new())
        }
    }

    /// The results that these bytes complete, if it is a stream; none when no more bytes are wanted.
    pub fn chunk(&mut self, new: &[u8]) -> Option<Vec<Result<Value, Fault>>> {
        match self {
            Self::Awaited => None,
            Self::Whole(bytes) => {
                bytes.extend_from_slice(new);
                Some(Vec::new())
            }
            Self::Error { bytes, .. } => {
                bytes.extend_from_slice(&new[..new.len().min(ERROR_BYTES - bytes.len())]);
                (bytes.len() < ERROR_BYTES).then(Vec::new)
            }
            Self::Stream(events) => {
                let events = events.push(new).into_iter();
                Some(
                    events
                        .map(|event| match event {
                            Ok(event) => result(event.data.as_bytes()),
                            Err(too_large) => Err(malformed_reply("too much", &too_large.to_string())),
                        })
                        .collect(),
                )
            }
        }
    }

    /// The result that is there when nothing more comes. `now` is Unix milliseconds.
    pub fn finish(self, now: u64) -> Option<Result<Value, Fault>> {
        match self {
            Self::Awaited => None,
            Self::Stream(events) => events.finish().map(|event| result(event.data.as_bytes())),
            Self::Whole(bytes) => Some(result(&bytes)),
            Self::Error { status, headers, bytes } => Some(Err(refused(status, &headers, &bytes, now))),
        }
    }
}

/// Servers may report errors of JSON-RPC with a status that is none of success; who may ask, and when, is the status's
/// to say.
fn refused(status: u16, headers: &[Attr], bytes: &[u8], now: u64) -> Fault {
    let error = serde_json::from_slice::<Value>(bytes).ok().and_then(|reply| reply.get("error").cloned());
    match error {
        Some(error)
            if error.get("code").is_some_and(Value::is_i64)
                && !matches!(status, 401 | 402 | 403 | 408 | 429 | 503 | 504) =>
        {
            coded(&error)
        }
        Some(_) | None => status_fault(status, headers, bytes, now),
    }
}

fn result(bytes: &[u8]) -> Result<Value, Fault> {
    let shown = || String::from_utf8_lossy(bytes).into_owned();
    let Ok(mut reply) = serde_json::from_slice::<Value>(bytes) else {
        return Err(malformed_reply("what is no JSON", &shown()));
    };
    if let Some(error) = reply.get("error").filter(|error| !error.is_null()) {
        return Err(coded(error));
    }
    match reply.get_mut("result").map(Value::take) {
        Some(result @ Value::Object(_)) => Ok(result),
        Some(_) | None => Err(malformed_reply("JSON that is no result of JSON-RPC", &shown())),
    }
}

const CODE: &str = "a2a.code";

/// The code goes along, for who knows what to do about it.
fn coded(error: &Value) -> Fault {
    let code = error.get("code").and_then(Value::as_i64);
    let attrs = code.map(|code| Attr::new(CODE, code.to_string())).into_iter().collect();
    Fault { attrs, ..rpc::fault(error) }
}

/// Whether it is this error of JSON-RPC.
pub fn is_error(fault: &Fault, code: i64) -> bool {
    fault.attrs.iter().any(|attr| attr.name == CODE && attr.value == code.to_string())
}

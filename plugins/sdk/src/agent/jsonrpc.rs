//! JSON-RPC 2.0, one message per line: the transport of the protocols of agents and tools.

use std::fmt::{self, Display};

use serde_json::{Map, Value, json};

use crate::words::capped;

/// The receiver does not know the method.
pub const METHOD_NOT_FOUND: i64 = -32601;

/// The most bytes of a line that are shown in a message about it.
const SHOWN_BYTES: usize = 200;

/// The id of a request, which its response repeats. A null id is not represented: it only occurs in an error about a message
/// that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub enum Id {
    /// A whole number.
    Number(i64),
    /// A string.
    Text(String),
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A request, which has to be answered.
    Request {
        /// Repeated in the answer.
        id: Id,
        /// The method to call.
        method: String,
        /// Its parameters; null if there are none.
        params: Value,
    },
    /// A notification, which is not answered.
    Notification {
        /// The method to call.
        method: String,
        /// Its parameters; null if there are none.
        params: Value,
    },
    /// The answer to a request that succeeded.
    Response {
        /// The id of the request.
        id: Id,
        /// The result.
        result: Value,
    },
    /// The answer to a request that failed.
    Error {
        /// The id of the request; none if it could not be read.
        id: Option<Id>,
        /// What failed.
        error: ErrorObject,
    },
}

/// What failed.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorObject {
    /// The error code, such as [`METHOD_NOT_FOUND`].
    pub code: i64,
    /// One sentence.
    pub message: String,
    /// Anything else; null if there is nothing.
    pub data: Value,
}

/// A line that is not a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    /// What is wrong with it.
    pub why: String,
    /// The beginning of the line.
    pub line: String,
}

impl Message {
    /// A request with a numeric id.
    pub fn request(id: i64, method: &str, params: Value) -> Self {
        Self::Request { id: Id::Number(id), method: method.to_owned(), params }
    }

    /// A notification.
    pub fn notification(method: &str, params: Value) -> Self {
        Self::Notification { method: method.to_owned(), params }
    }

    /// The answer to a request for an unknown method.
    pub fn unknown_method(id: Id, method: &str) -> Self {
        let message = format!("Method not found: {method}");
        Self::Error {
            id: Some(id),
            error: ErrorObject { code: METHOD_NOT_FOUND, message, data: Value::Null },
        }
    }

    /// Parses one line. Unknown members are ignored.
    pub fn parse(line: &str) -> Result<Self, Malformed> {
        parse(line).map_err(|why| Malformed { why, line: capped(line, SHOWN_BYTES).to_owned() })
    }
}

/// One line, without its end.
impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"{"jsonrpc":"2.0""#)?;
        match self {
            Self::Request { id, method, params } => {
                write!(f, r#","id":{id},"method":{}"#, Value::from(method.as_str()))?;
                member(f, "params", params)?;
            }
            Self::Notification { method, params } => {
                write!(f, r#","method":{}"#, Value::from(method.as_str()))?;
                member(f, "params", params)?;
            }
            Self::Response { id, result } => write!(f, r#","id":{id},"result":{result}"#)?,
            Self::Error { id, error } => {
                match id {
                    Some(id) => write!(f, r#","id":{id}"#)?,
                    None => f.write_str(r#","id":null"#)?,
                }
                write!(f, r#","error":{error}"#)?;
            }
        }
        f.write_str("}")
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{}", Value::from(text.as_str())),
        }
    }
}

impl Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"{{"code":{},"message":{}"#, self.code, Value::from(self.message.as_str()))?;
        member(f, "data", &self.data)?;
        f.write_str("}")
    }
}

impl Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}`", self.why, self.line)
    }
}

fn member(f: &mut fmt::Formatter<'_>, name: &str, value: &Value) -> fmt::Result {
    if value.is_null() { Ok(()) } else { write!(f, ",\"{name}\":{value}") }
}

fn parse(line: &str) -> Result<Message, String> {
    let mut members: Map<String, Value> = match serde_json::from_str(line) {
        Ok(Value::Object(members)) => members,
        Ok(Value::Array(_)) => return Err(String::from("a batch, where one message was expected")),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            return Err(String::from("not a JSON object"));
        }
        Err(error) => return Err(format!("not JSON ({error})")),
    };
    if members.get("jsonrpc") != Some(&json!("2.0")) {
        return Err(String::from("`jsonrpc` is not \"2.0\""));
    }
    let id = match members.remove("id") {
        None => None,
        Some(id) => Some(read_id(id)?),
    };
    let method = match members.remove("method") {
        None | Some(Value::Null) => None,
        Some(Value::String(method)) => Some(method),
        Some(_) => return Err(String::from("`method` is not a string")),
    };
    match (method, members.remove("result"), members.remove("error")) {
        (Some(method), None | Some(Value::Null), None | Some(Value::Null)) => {
            called(id, method, members.remove("params").unwrap_or(Value::Null))
        }
        (None, Some(result), None | Some(Value::Null)) => match id.flatten() {
            Some(id) => Ok(Message::Response { id, result }),
            None => Err(String::from("a result without an `id`")),
        },
        (None, None | Some(Value::Null), Some(error)) => {
            Ok(Message::Error { id: id.flatten(), error: read_error(&error)? })
        }
        (None, None, None) => Err(String::from("neither `method` nor `result` nor `error`")),
        (_, _, _) => Err(String::from("more than one of `method`, `result` and `error`")),
    }
}

fn called(id: Option<Option<Id>>, method: String, params: Value) -> Result<Message, String> {
    match id {
        Some(Some(id)) => Ok(Message::Request { id, method, params }),
        Some(None) => Err(String::from("a request whose `id` is null")),
        None => Ok(Message::Notification { method, params }),
    }
}

/// None for the null id.
fn read_id(id: Value) -> Result<Option<Id>, String> {
    match id {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(Id::Text(text))),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Ok(Some(Id::Number(number))),
            None => Err(String::from("`id` is not a whole number")),
        },
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(String::from("`id` is neither a number nor a string"))
        }
    }
}

fn read_error(error: &Value) -> Result<ErrorObject, String> {
    let Some(code) = error.get("code").and_then(Value::as_i64) else {
        return Err(String::from("an error without a whole number as its `code`"));
    };
    let message = error.get("message").and_then(Value::as_str).unwrap_or("").to_owned();
    Ok(ErrorObject { code, message, data: error.get("data").cloned().unwrap_or(Value::Null) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(line: &str) -> String {
        Message::parse(line).unwrap_err().why
    }

    #[test]
    fn every_message_is_read_as_it_was_written() {
        let id = || Id::Text(String::from("a\"b"));
        let error = ErrorObject { code: -32000, message: String::from("no"), data: json!({"why": 1}) };
        let messages = [
            (
                Message::request(7, "session/new", json!({"cwd": "/x"})),
                r#"{"jsonrpc":"2.0","id":7,"method":"session/new","params":{"cwd":"/x"}}"#,
            ),
            (
                Message::notification("session/cancel", Value::Null),
                r#"{"jsonrpc":"2.0","method":"session/cancel"}"#,
            ),
            (
                Message::Response { id: id(), result: json!(null) },
                r#"{"jsonrpc":"2.0","id":"a\"b","result":null}"#,
            ),
            (
                Message::Error { id: None, error },
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no","data":{"why":1}}}"#,
            ),
            (
                Message::unknown_method(Id::Number(-1), "fs/read"),
                r#"{"jsonrpc":"2.0","id":-1,"error":{"code":-32601,"message":"Method not found: fs/read"}}"#,
            ),
        ];
        for (message, line) in messages {
            assert_eq!(message.to_string(), line);
            assert_eq!(Message::parse(line), Ok(message));
        }
    }

    #[test]
    fn what_is_not_known_is_ignored_and_what_is_null_counts_as_absent() {
        assert_eq!(
            Message::parse(r#" {"jsonrpc":"2.0","id":1,"result":{},"error":null,"took":3} "#),
            Ok(Message::Response { id: Id::Number(1), result: json!({}) })
        );
        assert_eq!(
            Message::parse(r#"{"jsonrpc":"2.0","id":1,"method":null,"result":{},"error":null}"#),
            Ok(Message::Response { id: Id::Number(1), result: json!({}) })
        );
        assert_eq!(
            Message::parse(r#"{"jsonrpc":"2.0","id":null,"error":null,"result":null,"method":"x"}"#),
            Err(Malformed {
                why: String::from("a request whose `id` is null"),
                line: String::from(r#"{"jsonrpc":"2.0","id":null,"error":null,"result":null,"method":"x"}"#)
            })
        );
    }

    #[test]
    fn a_line_that_is_no_message_says_why() {
        assert!(why("Loading…").starts_with("not JSON ("));
        assert_eq!(why("3"), "not a JSON object");
        assert_eq!(why("[]"), "a batch, where one message was expected");
        assert_eq!(why(r#"{"id":1,"method":"x"}"#), "`jsonrpc` is not \"2.0\"");
        assert_eq!(why(r#"{"jsonrpc":"2.0"}"#), "neither `method` nor `result` nor `error`");
        assert_eq!(
            why(r#"{"jsonrpc":"2.0","id":1,"method":"x","result":1}"#),
            "more than one of `method`, `result` and `error`"
        );
        assert_eq!(why(r#"{"jsonrpc":"2.0","id":1.5,"result":1}"#), "`id` is not a whole number");
        assert_eq!(why(r#"{"jsonrpc":"2.0","id":[],"result":1}"#), "`id` is neither a number nor a string");
        assert_eq!(why(r#"{"jsonrpc":"2.0","result":1}"#), "a result without an `id`");
        assert_eq!(why(r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#), "a request whose `id` is null");
        assert_eq!(why(r#"{"jsonrpc":"2.0","method":1}"#), "`method` is not a string");
        assert_eq!(
            why(r#"{"jsonrpc":"2.0","id":1,"error":{"message":"x"}}"#),
            "an error without a whole number as its `code`"
        );
    }

    #[test]
    fn the_line_is_shown_cut() {
        let malformed = Message::parse(&"ä".repeat(1000)).unwrap_err();
        assert_eq!(malformed.line.len(), 200);
        assert!(malformed.to_string().ends_with("ä`"));
    }
}

//! Errors that the server answers with, and answers that are none.

use std::mem::take;

use baton_sdk::agent::jsonrpc::{ErrorObject, METHOD_NOT_FOUND};
use baton_sdk::agent::{ErrorClass, Fault, one_line, symptom};
use serde_json::Value;

use super::{Do, Machine, Stage};
use crate::version;

const HEADER_MISMATCH: i64 = -32020;
const MISSING_CAPABILITY: i64 = -32021;
/// The two sides do not fit: such as a tool that asks in the way of the other era.
const INVALID_REQUEST: i64 = -32600;
const INVALID_PARAMS: i64 = -32602;
const URL_REQUIRED: i64 = -32042;

impl Machine {
    pub(super) fn error(&mut self, error: &ErrorObject) -> Vec<Do> {
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

pub(super) fn odd(what: &str, shown: &Value) -> Fault {
    let message = format!("the server sent {what}: {}", one_line(&shown.to_string()));
    Fault::new(ErrorClass::InvalidOutput, message)
}

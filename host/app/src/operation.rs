//! Everything that can be asked of Baton, once: what it is called, whether it only reads, who may ask for it, what it
//! takes and gives. Verbs of the command line are rows of this table that were parsed and printed; other surfaces
//! (HTTP, MCP, A2A, the pages) are made from it as well.

mod page;
mod table;

use std::fmt;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use page::page;
pub use table::*;

use crate::{App, AppError};

/// One operation: what is to be known of it, and the function that does it.
pub struct Operation<I, O> {
    /// Its row of the table, but for the types.
    pub about: About,
    call: fn(&App, &I) -> Result<O, AppError>,
}

/// What is to be known of an operation without calling it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Unique; lower-case words joined by dashes.
    pub name: &'static str,
    /// Whether it changes anything.
    pub kind: Kind,
    /// The least role that may ask for it.
    pub role: Role,
    /// Whether it may be sent again when no answer came.
    pub repeat: Repeat,
    /// The verbs of the command line that ask for it, each as the words after `baton`.
    pub verbs: &'static [&'static [&'static str]],
    /// One line.
    pub help: &'static str,
}

/// What an operation does to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Changes nothing.
    Read,
    /// Changes rows, files or what a host does; it is durable when the answer is there.
    Write,
    /// Reads a page, and goes on where it ended when it is asked again.
    Stream,
}

/// Who may ask for an operation; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Runs plans, and has a say in runs, tasks and questions.
    Operator,
    /// Decides what may be run and by whom: agents, plugins, routers.
    Admin,
}

/// What a second request of the same content does, such as after a connection broke before the answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It leaves things as the first one did.
    Repeatable,
    /// It is refused, or has an effect of its own: look before repeating it.
    Once,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Stream => "stream",
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        })
    }
}

impl fmt::Display for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Repeatable => "yes",
            Self::Once => "no",
        })
    }
}

/// An operation whose types are known by their schemas only: a row of [`ALL`].
pub struct Entry {
    /// Its row of the table, but for the types.
    pub about: About,
    input: fn() -> Value,
    output: fn() -> Value,
    call: fn(&App, Value) -> Result<Value, AppError>,
}

impl Entry {
    /// The JSON Schema (draft 2020-12) of what it takes.
    #[must_use]
    pub fn input(&self) -> Value {
        (self.input)()
    }

    /// The JSON Schema (draft 2020-12) of what it gives.
    #[must_use]
    pub fn output(&self) -> Value {
        (self.output)()
    }

    /// Does it, for surfaces that speak JSON.
    ///
    /// # Errors
    /// [`AppError::Invalid`] where `input` is not what the schema describes, else as the operation itself.
    pub fn call(&self, app: &App, input: Value) -> Result<Value, AppError> {
        (self.call)(app, input)
    }
}

/// The row of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.about.name == name)
}

impl App {
    /// Does what an operation says.
    ///
    /// # Errors
    /// See [`AppError`].
    pub fn call<I, O>(&self, operation: &Operation<I, O>, input: &I) -> Result<O, AppError> {
        (operation.call)(self, input)
    }
}

fn schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

fn from_json<I: DeserializeOwned, O: Serialize>(
    app: &App,
    operation: &Operation<I, O>,
    input: Value,
) -> Result<Value, AppError> {
    let name = operation.about.name;
    let input = serde_json::from_value(input)
        .map_err(|why| AppError::Invalid { what: format!("{name}: {why}"), source: None })?;
    let output = app.call(operation, &input)?;
    serde_json::to_value(output).map_err(|why| AppError::Unavailable {
        why: format!("{name}: the answer is no JSON: {why}"),
        source: None,
    })
}

#[cfg(test)]
mod tests;

//! The JSON Schema of plans. `baton plan schema` prints it, and loading a plan reports all of its violations at once.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::Workstream;

/// The schema of one workstream (a file of a folder).
#[must_use]
pub fn workstream() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Workstream>().to_value()
}

/// The schema of a plan file: `{"name", "workstreams": […]}`, a bare list, or one workstream.
#[must_use]
pub fn plan() -> Value {
    let mut one = workstream();
    let definitions = one.as_object_mut().and_then(|schema| {
        schema.remove("$schema");
        schema.remove("$defs")
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Baton plan",
        "description": "A plan file holds a plan, a list of workstreams, or one workstream; a folder of files is one plan.",
        "anyOf": [
            {
                "type": "object",
                "properties": {
                    "name": { "type": "string" },
                    "workstreams": { "type": "array", "items": { "$ref": "#/$defs/Workstream" } },
                },
                "required": ["workstreams"],
                "additionalProperties": false,
            },
            { "type": "array", "items": { "$ref": "#/$defs/Workstream" } },
            { "$ref": "#/$defs/Workstream" },
        ],
        "$defs": with_workstream(definitions, one),
    })
}

fn with_workstream(definitions: Option<Value>, workstream: Value) -> Value {
    let mut all = definitions.unwrap_or_else(|| json!({}));
    if let Some(all) = all.as_object_mut() {
        all.insert("Workstream".to_owned(), workstream);
    }
    all
}

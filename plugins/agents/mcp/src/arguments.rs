//! What the tool is called with.

use serde_json::{Map, Value};

use crate::settings::Settings;

/// The template with the members of the input on top; an input that is no object is one argument, and `null` is none.
pub fn arguments(settings: &Settings, input: &str) -> Map<String, Value> {
    let mut arguments = settings.arguments.clone();
    match serde_json::from_str(input) {
        Ok(Value::Object(members)) => arguments.extend(members),
        Ok(Value::Null) => {}
        Ok(other) => {
            arguments.insert(settings.input_as.clone(), other);
        }
        Err(_) => {
            arguments.insert(settings.input_as.clone(), Value::from(input));
        }
    }
    arguments
}

/// What keeps these arguments from a tool with this schema, as far as its first level says.
pub fn violations(schema: &Value, arguments: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for name in required.filter_map(Value::as_str).filter(|name| !arguments.contains_key(*name)) {
        found.push(format!("`{name}` is required"));
    }
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false))
        && schema.get("patternProperties").is_none();
    for (name, value) in arguments {
        match properties.get(name) {
            Some(property) => found.extend(mismatch(property, value).map(|why| format!("`{name}` {why}"))),
            None if closed => found.push(format!("`{name}` is unknown")),
            None => {}
        }
    }
    found
}

fn mismatch(property: &Value, value: &Value) -> Option<String> {
    let types: Vec<&str> = match property.get("type")? {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    // A word of a later schema language says nothing here.
    let known = ["null", "boolean", "number", "integer", "string", "array", "object"];
    if types.is_empty() || types.iter().any(|name| !known.contains(name) || is(name, value)) {
        return None;
    }
    Some(format!("is {}, expected {}", kind(value), types.join(" or ")))
}

fn is(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => {
            let whole =
                number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|n| n.fract() == 0.0);
            name == "number" || (name == "integer" && whole)
        }
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use baton_sdk::agent::Attr;
    use serde_json::json;

    use super::*;

    fn of(input: &str) -> Value {
        let attrs = [
            Attr::new("profile", "p"),
            Attr::new("tool", "t"),
            Attr::new("arguments", r#"{"unit":"C","deep":{"a":1,"b":2}}"#),
            Attr::new("input-as", "city"),
        ];
        Value::from(arguments(&Settings::read(&attrs).unwrap(), input))
    }

    #[test]
    fn the_input_lies_on_top_of_the_template() {
        assert_eq!(
            of(r#"{"unit":"F","deep":{"a":3}}"#),
            json!({"unit": "F", "deep": {"a": 3}}),
            "whole members are replaced"
        );
        assert_eq!(of(r#""Rome""#)["city"], "Rome");
        assert_eq!(of("[1]")["city"], json!([1]));
        assert_eq!(of("null"), json!({"unit": "C", "deep": {"a": 1, "b": 2}}));
    }

    fn check(schema: &Value, arguments: &Value) -> Vec<String> {
        violations(schema, arguments.as_object().unwrap())
    }

    #[test]
    fn the_first_level_is_checked() {
        let schema = json!({
            "type": "object",
            "properties": {
                "a": {"type": "integer"}, "b": {"type": ["string", "null"]}, "c": {"$ref": "#/$defs/c"}, "d": true,
                "e": {"type": "future"}
            },
            "required": ["a", "z"],
            "additionalProperties": false,
        });
        let good = json!({"a": 2.0, "b": null, "c": 1, "d": [], "e": {}, "z": 1});
        assert_eq!(check(&schema, &good), ["`z` is unknown"]);
        assert_eq!(
            check(&schema, &json!({"a": 1.5, "b": {}, "q": 1})),
            [
                "`z` is required",
                "`a` is a number, expected integer",
                "`b` is an object, expected string or null",
                "`q` is unknown"
            ]
        );
    }

    #[test]
    fn a_schema_that_says_nothing_allows_everything() {
        for schema in [json!({}), json!({"type": "object"}), Value::Null, json!(true)] {
            assert_eq!(check(&schema, &json!({"a": 1})), Vec::<String>::new());
        }
    }
}

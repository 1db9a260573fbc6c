//! A tool as the server describes it.

use baton_sdk::agent::{Attr, ErrorClass, Fault, base64};
use serde_json::{Map, Number, Value};

use crate::arguments::violations;

/// How many names of other tools a message shows.
const SHOWN_NAMES: usize = 20;

/// Beyond them a double can't tell one whole number from the next.
const SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

pub fn unknown(tool: &str, names: &[String]) -> Fault {
    let shown = names.iter().take(SHOWN_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    let others = match names.len() {
        0 => String::from("it has none"),
        count if count > SHOWN_NAMES => format!("it has {count}: {shown} and so on"),
        _ => format!("it has: {shown}"),
    };
    Fault::new(ErrorClass::Environment, format!("the server has no tool `{tool}`; {others}"))
}

/// What keeps the tool from being called so: nothing is sent then.
pub fn refusal(tool: &Value, name: &str, arguments: &Map<String, Value>) -> Option<Fault> {
    if tool.pointer("/execution/taskSupport").and_then(Value::as_str) == Some("required") {
        let message =
            format!("tool `{name}` can only be called as a task of 2025-11-25, which is not spoken here");
        return Some(Fault::new(ErrorClass::Environment, message));
    }
    let found = violations(schema(tool), arguments);
    if found.is_empty() {
        return None;
    }
    let message = format!("tool `{name}` can't be called with these arguments: {}", found.join("; "));
    Some(Fault::new(ErrorClass::InvalidInput, message))
}

fn schema(tool: &Value) -> &Value {
    tool.get("inputSchema").unwrap_or(&Value::Null)
}

/// The headers in which the arguments are repeated that the schema marks with `x-mcp-header`. A tool with a mark that
/// breaks the rules must not be called over HTTP.
pub fn mirrored(tool: &Value, name: &str, arguments: &Map<String, Value>) -> Result<Vec<Attr>, Fault> {
    let mut marks = Marks::default();
    marks.walk(schema(tool), &mut Vec::new(), true).map_err(|why| {
        let message = format!("tool `{name}` can't be called over HTTP: {why}");
        Fault::new(ErrorClass::Environment, message)
    })?;
    let mut headers = Vec::new();
    for (header, path) in marks.found {
        let mut steps = path.iter();
        let first = steps.next().and_then(|key| arguments.get(key));
        let text = match steps.try_fold(first, |value, key| Some(value?.get(key))).flatten() {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(Value::Number(number)) => integer(number).ok_or_else(|| {
                let message =
                    format!("argument `{}` is no whole number that a header may hold", path.join("."));
                Fault::new(ErrorClass::InvalidInput, message)
            })?,
            // `null` counts as no value; the server refuses the others by its schema.
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => continue,
        };
        headers.push(Attr::new(format!("Mcp-Param-{header}"), header_value(&text)));
    }
    Ok(headers)
}

/// Also of `2.0`.
fn integer(number: &Number) -> Option<String> {
    let whole = number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() <= SAFE_INTEGER)?;
    Some(format!("{whole:.0}"))
}

/// As it is where a header can hold it, or else in Base64 between marks.
pub fn header_value(text: &str) -> String {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) && text.trim() == text;
    let marked = text.starts_with("=?base64?") && text.ends_with("?=");
    if plain && !marked { text.to_owned() } else { format!("=?base64?{}?=", base64::encode(text.as_bytes())) }
}

#[derive(Default)]
struct Marks {
    /// Names of headers, and the members that lead to their values.
    found: Vec<(String, Vec<String>)>,
}

impl Marks {
    /// `reachable` as long as nothing but `properties` led here.
    fn walk(&mut self, schema: &Value, path: &mut Vec<String>, reachable: bool) -> Result<(), String> {
        let members = match schema {
            Value::Object(members) => members,
            Value::Array(items) => return items.iter().try_for_each(|item| self.walk(item, path, false)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Ok(()),
        };
        if let Some(mark) = members.get("x-mcp-header") {
            self.mark(mark, members.get("type"), path, reachable)?;
        }
        for (key, value) in members {
            match (key.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        path.push(name.clone());
                        self.walk(property, path, reachable)?;
                        path.pop();
                    }
                }
                // Values, not schemas.
                ("enum" | "const" | "default" | "examples" | "x-mcp-header", _) => {}
                (_, value) => self.walk(value, path, false)?,
            }
        }
        Ok(())
    }

    fn mark(
        &mut self,
        mark: &Value,
        of: Option<&Value>,
        path: &[String],
        reachable: bool,
    ) -> Result<(), String> {
        let place = path.join(".");
        let Some(name) = mark.as_str().filter(|name| is_token(name)) else {
            return Err(format!("the `x-mcp-header` of `{place}` is no name of a header"));
        };
        if !reachable || path.is_empty() {
            return Err(format!("`x-mcp-header` {name} is at a place that can't be told from the schema"));
        }
        if !matches!(of.and_then(Value::as_str), Some("integer" | "string" | "boolean")) {
            return Err(format!(
                "`{place}` has an `x-mcp-header` and is neither integer, string nor boolean"
            ));
        }
        if self.found.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Err(format!("`x-mcp-header` {name} is given twice"));
        }
        self.found.push((name.to_owned(), path.to_vec()));
        Ok(())
    }
}

/// RFC 9110, 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(properties: &Value, arguments: &Value) -> Result<Vec<(String, String)>, String> {
        let tool = json!({"name": "t", "inputSchema": {"type": "object", "properties": properties}});
        let headers = mirrored(&tool, "t", arguments.as_object().unwrap()).map_err(|fault| fault.message)?;
        Ok(headers.into_iter().map(|attr| (attr.name, attr.value)).collect())
    }

    #[test]
    fn marked_arguments_become_headers() {
        let properties = json!({
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "flag": {"type": "boolean", "x-mcp-header": "Flag"},
            "absent": {"type": "string", "x-mcp-header": "Absent"},
            "none": {"type": "string", "x-mcp-header": "None"},
            "plain": {"type": "string"},
        });
        let arguments =
            json!({"region": "us-west1", "deep": {"n": -7}, "flag": true, "none": null, "plain": "x"});
        let mut found = headers(&properties, &arguments).unwrap();
        found.sort();
        let pair = |name: &str, value: &str| (format!("Mcp-Param-{name}"), value.to_owned());
        assert_eq!(found, [pair("Flag", "true"), pair("N", "-7"), pair("Region", "us-west1")]);
    }

    #[test]
    fn values_are_encoded_as_the_protocol_shows() {
        for (value, header) in [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(header_value(value), header);
        }
    }

    #[test]
    fn marks_that_break_the_rules_forbid_the_tool() {
        for (properties, why) in [
            (
                json!({"a": {"type": "number", "x-mcp-header": "A"}}),
                "`a` has an `x-mcp-header` and is neither",
            ),
            (json!({"a": {"type": "string", "x-mcp-header": ""}}), "the `x-mcp-header` of `a` is no name"),
            (
                json!({"a": {"type": "string", "x-mcp-header": "A\r\nB"}}),
                "the `x-mcp-header` of `a` is no name",
            ),
            (
                json!({"a": {"items": {"type": "string", "x-mcp-header": "A"}}}),
                "`x-mcp-header` A is at a place",
            ),
            (
                json!({"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}),
                "`x-mcp-header` a is given twice",
            ),
        ] {
            let found = headers(&properties, &json!({})).unwrap_err();
            assert!(found.contains(why), "{found}");
        }
        let large = headers(
            &json!({"a": {"type": "integer", "x-mcp-header": "A"}}),
            &json!({"a": 9_007_199_254_740_992_i64}),
        );
        assert_eq!(large, Err(String::from("argument `a` is no whole number that a header may hold")));
    }

    #[test]
    fn who_is_unknown_is_told_who_is_known() {
        let names = [String::from("a"), String::from("b")];
        assert_eq!(unknown("x", &names).message, "the server has no tool `x`; it has: a, b");
        assert_eq!(unknown("x", &[]).message, "the server has no tool `x`; it has none");
    }
}

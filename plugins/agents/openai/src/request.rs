//! What the service is asked.

use baton_sdk::agent::http::Request;
use baton_sdk::agent::{Attempt, Attr, ErrorClass, Fault, contract, prompt};
use serde_json::{Map, Value, json};

use crate::dialect::Dialect;
use crate::settings::{Api, Json, Settings};

/// The metadata that says how many tokens this attempt may use.
const BUDGET: &str = "baton.budget-tokens";

pub fn ask(settings: &Settings, dialect: Dialect, attempt: &Attempt) -> Result<Request, Fault> {
    let format = format(settings, attempt)?;
    let limit = limit(settings, attempt);
    let (path, body) = match settings.api {
        Api::Chat => ("/chat/completions", chat(settings, dialect, &prompt(attempt), format, limit)),
        Api::Responses => ("/responses", responses(settings, &prompt(attempt), format, limit)),
    };
    let accept = if settings.stream { "text/event-stream, application/json" } else { "application/json" };
    Ok(Request {
        service: settings.service.to_owned(),
        method: String::from("POST"),
        path: path.to_owned(),
        headers: vec![
            Attr::new("Content-Type", "application/json"),
            Attr::new("Accept", accept),
            Attr::new("Idempotency-Key", key(attempt, dialect)),
        ],
        body: Value::Object(body).to_string().into_bytes(),
    })
}

pub fn models(settings: &Settings) -> Request {
    Request {
        service: settings.service.to_owned(),
        method: String::from("GET"),
        path: String::from("/models"),
        headers: vec![Attr::new("Accept", "application/json")],
        body: Vec::new(),
    }
}

/// A refused answer is not asked for again: with its reasons attached the request is another one, and so it is without
/// what the service complained about.
fn key(attempt: &Attempt, dialect: Dialect) -> String {
    let key = &attempt.idempotency_key;
    match (attempt.task.feedback.len(), dialect.learned) {
        (0, 0) => key.clone(),
        (refused, 0) => format!("{key}/{refused}"),
        (refused, learned) => format!("{key}/{refused}.{learned}"),
    }
}

/// An answer can't be allowed more tokens than the attempt.
fn limit(settings: &Settings, attempt: &Attempt) -> Option<u64> {
    let budget = attempt.task.metadata.iter().find(|attr| attr.name == BUDGET);
    let budget = budget.and_then(|attr| attr.value.parse().ok()).filter(|tokens| *tokens > 0);
    settings.max_output_tokens.into_iter().chain(budget).min()
}

/// The two interfaces name the same things, and nest them differently.
enum Format {
    Schema(Value),
    Object,
    Free,
}

fn format(settings: &Settings, attempt: &Attempt) -> Result<Format, Fault> {
    let Some(schema) = contract(attempt) else {
        return Ok(Format::Free);
    };
    match settings.json {
        Json::Schema => match serde_json::from_str(schema) {
            Ok(schema) => Ok(Format::Schema(schema)),
            Err(error) => {
                Err(Fault::new(ErrorClass::InvalidInput, format!("the contract is no JSON: {error}")))
            }
        },
        Json::Object => Ok(Format::Object),
        Json::Off => Ok(Format::Free),
    }
}

fn chat(
    settings: &Settings,
    dialect: Dialect,
    prompt: &str,
    format: Format,
    limit: Option<u64>,
) -> Map<String, Value> {
    let system = settings.system.map(|text| json!({ "role": "system", "content": text }));
    let messages: Vec<Value> =
        system.into_iter().chain([json!({ "role": "user", "content": prompt })]).collect();
    let mut body = common(settings);
    body.insert(String::from("messages"), Value::Array(messages));
    if settings.stream && dialect.stream_usage {
        body.insert(String::from("stream_options"), json!({ "include_usage": true }));
    }
    if let Some(limit) = limit {
        let name = if dialect.legacy_max_tokens { "max_tokens" } else { "max_completion_tokens" };
        body.insert(name.to_owned(), json!(limit));
    }
    if let Some(effort) = settings.reasoning_effort {
        body.insert(String::from("reasoning_effort"), json!(effort));
    }
    let format = match format {
        Format::Schema(schema) => {
            json!({ "type": "json_schema", "json_schema": { "name": "answer", "schema": schema } })
        }
        Format::Object => json!({ "type": "json_object" }),
        Format::Free => return body,
    };
    body.insert(String::from("response_format"), format);
    body
}

fn responses(settings: &Settings, prompt: &str, format: Format, limit: Option<u64>) -> Map<String, Value> {
    let mut body = common(settings);
    body.insert(String::from("input"), json!(prompt));
    body.insert(String::from("store"), json!(false));
    if let Some(system) = settings.system {
        body.insert(String::from("instructions"), json!(system));
    }
    if let Some(limit) = limit {
        body.insert(String::from("max_output_tokens"), json!(limit));
    }
    if let Some(effort) = settings.reasoning_effort {
        body.insert(String::from("reasoning"), json!({ "effort": effort }));
    }
    let format = match format {
        Format::Schema(schema) => json!({ "type": "json_schema", "name": "answer", "schema": schema }),
        Format::Object => json!({ "type": "json_object" }),
        Format::Free => return body,
    };
    body.insert(String::from("text"), json!({ "format": format }));
    body
}

fn common(settings: &Settings) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert(String::from("model"), json!(settings.model));
    body.insert(String::from("stream"), json!(settings.stream));
    if let Some(temperature) = settings.temperature {
        body.insert(String::from("temperature"), json!(temperature));
    }
    body
}

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::attempt;

    use super::*;

    fn asked(config: &[(&str, &str)], attempt: &Attempt) -> (String, Value) {
        let required = [("service", "s"), ("model", "m")];
        let config: Vec<Attr> =
            required.iter().chain(config).map(|(name, value)| Attr::new(*name, *value)).collect();
        let settings = Settings::read(&config).unwrap();
        let request = ask(&settings, Dialect::of(&settings), attempt).unwrap();
        (request.path, serde_json::from_slice(&request.body).unwrap())
    }

    fn with_contract() -> Attempt {
        let mut attempt = attempt("\"Do it.\"");
        attempt.task.metadata = vec![Attr::new("baton.contract", r#"{"type":"object"}"#)];
        attempt
    }

    const WANTED: &str =
        "Title\n\nDo it.\n\nAnswer with JSON that satisfies this schema:\n{\"type\":\"object\"}";

    #[test]
    fn chat_is_asked_with_messages() {
        let config = [
            ("system", "Be brief."),
            ("temperature", "0.5"),
            ("max-output-tokens", "9"),
            ("reasoning-effort", "low"),
        ];
        let expected = json!({
            "model": "m",
            "stream": true,
            "stream_options": {"include_usage": true},
            "temperature": 0.5,
            "max_completion_tokens": 9,
            "reasoning_effort": "low",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": WANTED}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
        });
        assert_eq!(asked(&config, &with_contract()), (String::from("/chat/completions"), expected));
    }

    #[test]
    fn responses_are_asked_with_input() {
        let config = [
            ("api", "responses"),
            ("system", "Be brief."),
            ("stream", "false"),
            ("max-output-tokens", "9"),
            ("reasoning-effort", "low"),
        ];
        let expected = json!({
            "model": "m",
            "stream": false,
            "store": false,
            "instructions": "Be brief.",
            "max_output_tokens": 9,
            "reasoning": {"effort": "low"},
            "input": WANTED,
            "text": {"format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}}},
        });
        assert_eq!(asked(&config, &with_contract()), (String::from("/responses"), expected));
    }

    #[test]
    fn a_contract_is_demanded_as_configured() {
        let object = json!({"type": "json_object"});
        assert_eq!(asked(&[("json", "object")], &with_contract()).1["response_format"], object);
        assert_eq!(asked(&[("json", "off")], &with_contract()).1["response_format"], Value::Null);
        assert_eq!(asked(&[], &attempt("1")).1["response_format"], Value::Null);
    }

    #[test]
    fn usage_of_a_stream_need_not_be_asked_for() {
        assert_eq!(asked(&[("stream-usage", "false")], &attempt("1")).1["stream_options"], Value::Null);
    }

    #[test]
    fn the_budget_limits_the_answer() {
        let mut attempt = attempt("1");
        attempt.task.metadata = vec![Attr::new(BUDGET, "50")];
        assert_eq!(asked(&[("legacy-max-tokens", "true")], &attempt).1["max_tokens"], 50);
        assert_eq!(asked(&[("max-output-tokens", "9")], &attempt).1["max_completion_tokens"], 9);
    }

    #[test]
    fn a_request_with_new_reasons_has_a_new_key() {
        let mut attempt = attempt("1");
        let dialect = Dialect { stream_usage: true, legacy_max_tokens: false, learned: 0 };
        assert_eq!(key(&attempt, dialect), "r1/t");
        assert_eq!(key(&attempt, dialect.simpler("stream_options").unwrap()), "r1/t/0.1");
        attempt.task.feedback = vec![String::from("No.")];
        assert_eq!(key(&attempt, dialect), "r1/t/1");
    }
}

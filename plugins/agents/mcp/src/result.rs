//! What a tool answered becomes an outcome.

use baton_sdk::agent::{Artifact, Attr, Content, ErrorClass, Fault, Outcome, answer, base64, summary};
use baton_sdk::words::{SUMMARY_BYTES, capped};
use serde_json::{Value, json};

/// The most that an outcome may hold of one artifact.
const INLINE_BYTES: usize = 64 << 10;

/// How much of a tool's own words about its failure is kept.
const ERROR_BYTES: usize = 4000;

/// Of a result that is complete.
pub fn outcome(result: &Value, contract: bool) -> Result<Outcome, Fault> {
    let content = result.get("content").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let texts: Vec<&str> = content.iter().filter_map(text).filter(|text| !text.is_empty()).collect();
    let text = texts.join("\n\n");
    let structured = result.get("structuredContent").filter(|data| !data.is_null());
    if result.get("isError").and_then(Value::as_bool) == Some(true) {
        return Err(failure(&text, structured));
    }
    let (artifacts, left_out) = artifacts(content);
    let mut outcome = match structured {
        Some(data) => Outcome::json(headline(data, &text), data),
        // A tool may well have nothing to say.
        None if text.trim().is_empty() => Outcome::json(names(&artifacts), &json!({ "text": "" })),
        None => answer(&text, contract)?,
    };
    outcome.artifacts = artifacts;
    if left_out > 0 {
        outcome.attrs.push(Attr::new("mcp.left-out", left_out.to_string()));
    }
    Ok(outcome)
}

fn failure(text: &str, structured: Option<&Value>) -> Fault {
    let said = match (text.trim(), structured) {
        ("", Some(data)) => data.to_string(),
        ("", None) => String::from("the tool failed and did not say why"),
        (text, _) => text.to_owned(),
    };
    Fault::new(ErrorClass::Other(String::from("tool-error")), capped(&said, ERROR_BYTES))
}

/// Its own `summary`, or what was said beside the data. Servers repeat the data as text, which says nothing more.
fn headline(data: &Value, text: &str) -> String {
    if let Some(own) = data.get("summary").and_then(Value::as_str) {
        return capped(own, SUMMARY_BYTES).to_owned();
    }
    let is_repeated = serde_json::from_str::<Value>(text).is_ok();
    if text.trim().is_empty() || is_repeated {
        return capped(&data.to_string(), SUMMARY_BYTES).to_owned();
    }
    summary(text).to_owned()
}

fn text(block: &Value) -> Option<&str> {
    if kind(block) == "text" { block.get("text")?.as_str() } else { None }
}

fn kind(block: &Value) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or("")
}

fn names(artifacts: &[Artifact]) -> String {
    let names: Vec<&str> = artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
    capped(&names.join(", "), SUMMARY_BYTES).to_owned()
}

/// What is no text; and how many could not be taken over.
fn artifacts(content: &[Value]) -> (Vec<Artifact>, usize) {
    let (mut taken, mut left_out) = (Vec::<Artifact>::new(), 0);
    for block in content.iter().filter(|block| kind(block) != "text") {
        match artifact(block) {
            Some((name, media_type, bytes)) if bytes.len() <= INLINE_BYTES => {
                let name = unique(&name, &taken);
                taken.push(Artifact { name, media_type, content: Content::Inline(bytes) });
            }
            Some(_) | None => left_out += 1,
        }
    }
    (taken, left_out)
}

/// Name, media type and bytes. A link is not fetched: its URL is the content.
fn artifact(block: &Value) -> Option<(String, String, Vec<u8>)> {
    let member = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let media = |value: &Value, other: &str| member(value, "mimeType").unwrap_or_else(|| other.to_owned());
    match kind(block) {
        kind @ ("image" | "audio") => {
            let bytes = base64::decode(block.get("data")?.as_str()?)?;
            Some((kind.to_owned(), media(block, "application/octet-stream"), bytes))
        }
        "resource" => {
            let resource = block.get("resource")?;
            let name = last_segment(&member(resource, "uri").unwrap_or_default());
            match (member(resource, "text"), member(resource, "blob")) {
                (Some(text), _) => Some((name, media(resource, "text/plain"), text.into_bytes())),
                (None, Some(blob)) => {
                    Some((name, media(resource, "application/octet-stream"), base64::decode(&blob)?))
                }
                (None, None) => None,
            }
        }
        "resource_link" => {
            let uri = member(block, "uri")?;
            let name = member(block, "name").unwrap_or_else(|| last_segment(&uri));
            Some((name, String::from("text/uri-list"), uri.into_bytes()))
        }
        _ => None,
    }
}

fn last_segment(uri: &str) -> String {
    let path = uri.split(['?', '#']).next().unwrap_or("");
    path.rsplit('/').find(|segment| !segment.is_empty()).unwrap_or("").to_owned()
}

fn unique(name: &str, taken: &[Artifact]) -> String {
    let name = if name.is_empty() { "artifact" } else { name };
    let free = |candidate: &String| taken.iter().all(|artifact| artifact.name != *candidate);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    [name.to_owned()].into_iter().chain(numbered).find(free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(result: &Value) -> Outcome {
        outcome(result, false).unwrap()
    }

    #[test]
    fn data_that_are_null_are_none() {
        let result = json!({"content": [{"type": "text", "text": "Sunny."}], "structuredContent": null, "isError": null});
        assert_eq!(outcome(&result, false).unwrap().output, r#"{"text":"Sunny."}"#);
    }

    #[test]
    fn text_is_the_answer() {
        let result =
            json!({"content": [{"type": "text", "text": "A.\n\nB."}, {"type": "text", "text": "C."}]});
        assert_eq!(of(&result), Outcome::json("A.", &json!({"text": "A.\n\nB.\n\nC."})));
        let data = json!({"content": [{"type": "text", "text": "{\"a\":1}"}]});
        assert_eq!(outcome(&data, true).unwrap().output, r#"{"a":1}"#);
    }

    #[test]
    fn data_goes_before_text() {
        let result =
            json!({"structuredContent": {"t": 1}, "content": [{"type": "text", "text": "{\"t\": 1}"}]});
        assert_eq!(of(&result), Outcome::json(r#"{"t":1}"#, &json!({"t": 1})));
        let result =
            json!({"structuredContent": [1, 2], "content": [{"type": "text", "text": "Two.\n\nMore."}]});
        assert_eq!(of(&result), Outcome::json("Two.", &json!([1, 2])));
        assert_eq!(of(&json!({"structuredContent": {"summary": "S"}})).summary, "S");
    }

    #[test]
    fn a_tool_may_say_nothing() {
        assert_eq!(of(&json!({"content": []})), Outcome::json("", &json!({"text": ""})));
    }

    #[test]
    fn a_failure_is_told_in_the_tool_s_words() {
        let failed = |result: Value| outcome(&result, false).unwrap_err();
        let class = ErrorClass::Other(String::from("tool-error"));
        let result = json!({"isError": true, "content": [{"type": "text", "text": "No such city."}]});
        assert_eq!(failed(result), Fault::new(class.clone(), "No such city."));
        assert_eq!(failed(json!({"isError": true, "structuredContent": {"a": 1}})).message, r#"{"a":1}"#);
        assert_eq!(failed(json!({"isError": true})).message, "the tool failed and did not say why");
    }

    #[test]
    fn the_rest_becomes_artifacts() {
        let result = json!({"content": [
            {"type": "image", "data": "Zm9v", "mimeType": "image/png"},
            {"type": "image", "data": "Zm9v", "mimeType": "image/png"},
            {"type": "resource", "resource": {"uri": "file:///a/b.rs?x", "mimeType": "text/x-rust", "text": "fn"}},
            {"type": "resource", "resource": {"uri": "x:", "blob": "Zg=="}},
            {"type": "resource_link", "uri": "https://e.example/d", "name": "d"},
            {"type": "image", "data": "%", "mimeType": "image/png"},
            {"type": "audio", "data": base64::encode(&vec![0; INLINE_BYTES + 1]), "mimeType": "audio/wav"},
            {"type": "hologram"},
        ]});
        let outcome = of(&result);
        let taken = |artifact: Artifact| match artifact.content {
            Content::Inline(bytes) => (artifact.name, artifact.media_type, String::from_utf8(bytes).unwrap()),
            Content::Stored(reference) => panic!("{reference:?}"),
        };
        let all = [
            ("image", "image/png", "foo"),
            ("image-2", "image/png", "foo"),
            ("b.rs", "text/x-rust", "fn"),
            ("x:", "application/octet-stream", "f"),
            ("d", "text/uri-list", "https://e.example/d"),
        ];
        let all = all.map(|(name, media, text)| (name.to_owned(), media.to_owned(), text.to_owned()));
        assert_eq!(outcome.artifacts.into_iter().map(taken).collect::<Vec<_>>(), all);
        assert_eq!(outcome.attrs, [Attr::new("mcp.left-out", "3")]);
        assert_eq!(outcome.summary, "image, image-2, b.rs, x:, d");
    }
}

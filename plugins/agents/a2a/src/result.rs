//! Turns the result of the agent's task into an outcome.

use baton_sdk::agent::{Artifact, Attr, Content, ErrorClass, Fault, Outcome, answer, base64, summary};
use serde_json::Value;

use crate::task::{self, Task, words};

/// The most that an outcome may hold of one artifact.
const INLINE_BYTES: usize = 64 << 10;

/// Of a task that is complete.
pub fn of_task(task: &Task, contract: bool) -> Result<Outcome, Fault> {
    let spoken = [&task.message, &task.last].into_iter().find(|parts| !words(parts).is_empty());
    let spoken = spoken.map_or(&[][..], Vec::as_slice);
    let mut outcome = outcome(&task.artifacts, spoken, contract)?;
    outcome.attrs.push(Attr::new("a2a.task", &task.id));
    outcome.attrs.extend(task.context.as_ref().map(|context| Attr::new("a2a.context", context)));
    Ok(outcome)
}

/// Of an answer without any task.
pub fn of_message(message: &Value, contract: bool) -> Result<Outcome, Fault> {
    let parts = task::list(message, "parts").to_vec();
    outcome(&[task::Artifact { id: String::from("message"), name: None, parts }], &[], contract)
}

/// Data goes before words where a contract wants data, or nothing was said; `spoken` counts where nothing was handed
/// over.
fn outcome(handed: &[task::Artifact], spoken: &[Value], contract: bool) -> Result<Outcome, Fault> {
    let parts = || handed.iter().flat_map(|artifact| &artifact.parts);
    let texts: Vec<&str> = parts().filter_map(|part| part.get("text")?.as_str()).collect();
    let text = texts.join("\n\n");
    let structured = |part: &&Value| part.is_object() || part.is_array();
    let data = parts().chain(spoken).filter_map(|part| part.get("data")).rfind(structured);
    let data = data.filter(|_| contract || text.trim().is_empty());
    let said = words(spoken);
    let (artifacts, left_out) = artifacts(handed);
    let mut outcome = if let Some(data) = data {
        let outcome = answer(&data.to_string(), true)?;
        let said = [&text, &said].into_iter().find(|text| !text.trim().is_empty());
        let own = data.get("summary").is_some_and(Value::is_string);
        match said.filter(|_| !own) {
            Some(said) => Outcome { summary: summary(said).to_owned(), ..outcome },
            None => outcome,
        }
    } else if !text.trim().is_empty() {
        answer(&text, contract)?
    } else if !said.is_empty() {
        answer(&said, contract)?
    } else if !artifacts.is_empty() {
        Outcome::text(names(&artifacts))
    } else {
        let what = if left_out == 0 { "nothing" } else { "only what can't be taken over" };
        let message = format!("the agent's task is complete and hands over {what}");
        return Err(Fault::new(ErrorClass::InvalidOutput, message));
    };
    outcome.artifacts = artifacts;
    if left_out > 0 {
        outcome.attrs.push(Attr::new("a2a.left-out", left_out.to_string()));
    }
    Ok(outcome)
}

fn names(artifacts: &[Artifact]) -> String {
    let names: Vec<&str> = artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
    names.join(", ")
}

/// Each part is one; and how many could not be taken over.
fn artifacts(handed: &[task::Artifact]) -> (Vec<Artifact>, usize) {
    let (mut taken, mut left_out) = (Vec::<Artifact>::new(), 0);
    for artifact in handed {
        for part in &artifact.parts {
            let Some((media_type, bytes)) = content(part).filter(|(_, bytes)| bytes.len() <= INLINE_BYTES)
            else {
                left_out += 1;
                continue;
            };
            let said = |key: &str| part.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            let name = said("filename").or(artifact.name.as_deref()).unwrap_or(&artifact.id);
            taken.push(Artifact { name: unique(name, &taken), media_type, content: Content::Inline(bytes) });
        }
    }
    (taken, left_out)
}

/// The media type and the bytes. A URL is not fetched: the URL itself is the content.
fn content(part: &Value) -> Option<(String, Vec<u8>)> {
    let text = |key| part.get(key).and_then(Value::as_str);
    let named = |other: &str| text("mediaType").filter(|text| !text.is_empty()).unwrap_or(other).to_owned();
    if let Some(text) = text("text") {
        Some((named("text/plain"), text.as_bytes().to_vec()))
    } else if let Some(raw) = text("raw") {
        Some((named("application/octet-stream"), base64::decode(raw)?))
    } else if let Some(url) = text("url") {
        Some((String::from("text/uri-list"), url.as_bytes().to_vec()))
    } else {
        let data = part.get("data").filter(|data| !data.is_null())?;
        Some((named("application/json"), data.to_string().into_bytes()))
    }
}

fn unique(name: &str, taken: &[Artifact]) -> String {
    let name = if name.is_empty() { "artifact" } else { name };
    let free = |candidate: &String| taken.iter().all(|artifact| artifact.name != *candidate);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    [name.to_owned()].into_iter().chain(numbered).find(free).unwrap_or_default()
}

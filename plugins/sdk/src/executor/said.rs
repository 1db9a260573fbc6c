//! The data in a child's output, from whichever kind of agent.

use super::Keys;
use crate::agent::data;

/// The output as JSON text. If it is `{"text": …}`, the JSON in that text, if there is any: agents that answer in words put
/// data into a block.
pub fn structured(output: &str) -> String {
    let text = || {
        let fields: Keys = serde_json::from_str(output).ok()?;
        let (key, text) = fields.iter().next().filter(|_| fields.len() == 1)?;
        let text: String = serde_json::from_str(text.get()).ok().filter(|_| key == "text")?;
        data(&text).map(str::to_owned)
    };
    text().unwrap_or_else(|| output.to_owned())
}

#[cfg(test)]
mod tests {
    use super::structured;

    #[test]
    fn data_is_found_in_words() {
        for (output, expected) in [
            (r#"{"text":"Done.\n```json\n{\"amend\": 1.50}\n```"}"#, r#"{"amend": 1.50}"#),
            (r#"{"text":"{\"a\": 1}"}"#, r#"{"a": 1}"#),
            (r#"{"text":"Done."}"#, r#"{"text":"Done."}"#),
            (r#"{"text":"{\"a\": 1}","b":2}"#, r#"{"text":"{\"a\": 1}","b":2}"#),
            (r#"{"a": 1.50}"#, r#"{"a": 1.50}"#),
            ("null", "null"),
        ] {
            assert_eq!(structured(output), expected);
        }
    }
}

//! Content: a text, or a list of typed parts of which some are the model's thoughts.

use serde_json::Value;

#[derive(Debug, Default, PartialEq)]
pub struct Parts {
    pub text: String,
    pub refusal: String,
}

impl Parts {
    /// Thoughts, images and what is not known yet say nothing.
    pub fn of(content: &Value) -> Self {
        let mut parts = Self::default();
        parts.add(content);
        parts
    }

    fn add(&mut self, content: &Value) {
        match content {
            Value::String(text) => self.text.push_str(text),
            Value::Array(list) => list.iter().for_each(|part| self.add(part)),
            Value::Object(part) => {
                let said = |key| part.get(key).and_then(Value::as_str).unwrap_or_default();
                match said("type") {
                    "text" | "output_text" => self.text.push_str(said("text")),
                    "refusal" => self.refusal.push_str(said("refusal")),
                    _ => {}
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

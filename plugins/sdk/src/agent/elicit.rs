//! Elicitation: turns a request for information from an agent or a tool into a question to a person, and the person's words
//! into the result. The format is MCP's, which the Agent Client Protocol adopted.

use serde_json::{Map, Value, json};

use crate::agent::people::{Purpose, Question};
use crate::seed::fnv1a;
use crate::words::capped;

/// The most bytes of a question's text.
const TEXT_BYTES: usize = 8000;

/// The answer that declines a question without choices.
const DECLINE: &str = "decline";

const DECLINE_CHOICE: &str = "Decline";

/// The party that asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asker<'a> {
    /// The agent.
    Agent,
    /// The tool of this name.
    Tool(&'a str),
}

/// The parameters of an `elicitation/create` request.
#[derive(Clone, Debug, PartialEq)]
pub struct Elicitation {
    message: String,
    want: Want,
    /// Equal for equal questions.
    digest: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum Want {
    Form(Vec<Field>),
    /// A choice, with a second field for an answer in other words.
    Choice {
        field: Field,
        other: String,
    },
    /// A page to be visited: its URL.
    Page(String),
}

#[derive(Clone, Debug, PartialEq)]
struct Field {
    name: String,
    about: String,
    kind: Kind,
    required: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Text,
    Number,
    Integer,
    Boolean,
    One(Vec<Entry>),
    Many(Vec<Entry>),
}

/// A value, and the title under which a person sees it.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    value: String,
    title: String,
}

impl Elicitation {
    /// Reads the parameters. Unknown and malformed members are ignored.
    pub fn read(params: &Value) -> Self {
        let text = |key: &str| params.get(key).and_then(Value::as_str).unwrap_or("");
        let want = match text("mode") {
            "url" => Want::Page(text("url").to_owned()),
            _ => form(fields(params.get("requestedSchema").unwrap_or(&Value::Null))),
        };
        let mut digest = fnv1a(text("message").as_bytes());
        match &want {
            Want::Form(fields) => {
                fields.iter().for_each(|field| digest = digest.rotate_left(5) ^ fnv1a(field.name.as_bytes()));
            }
            Want::Choice { field, .. } => digest = digest.rotate_left(5) ^ fnv1a(field.name.as_bytes()),
            // Left out: the address may have a token that is different each time.
            Want::Page(_) => digest = digest.rotate_left(5),
        }
        Self { message: text("message").to_owned(), want, digest }
    }

    /// The question to a person. `refused` counts earlier answers to it that could not be used, `why` says what was wrong with
    /// the last one, and `resume` is returned with the answer.
    pub fn question(&self, asker: Asker<'_>, refused: u32, why: &str, resume: &str) -> Question {
        let (key, mut text) = match asker {
            Asker::Agent => (String::from("acp"), format!("The agent asks: {}", self.message)),
            Asker::Tool(tool) => {
                (format!("mcp {}", capped(tool, 64)), format!("Tool `{tool}` asks: {}", self.message))
            }
        };
        match &self.want {
            Want::Page(url) => text.push_str(&format!("\nOpen {url} and say when you are done.")),
            Want::Form(fields) => text.push_str(&described(fields)),
            Want::Choice { field, .. } => {
                text.push_str(&format!("\n{}, or answer in your own words.", field.described()));
            }
        }
        let choices = self.choices();
        if choices.is_empty() {
            text.push_str(&format!("\nOr answer `{DECLINE}`."));
        }
        if refused > 0 {
            text = format!("{why}\n{text}");
        }
        let nth = if refused == 0 { String::new() } else { format!("#{}", refused + 1) };
        Question {
            key: format!("{key} {:016x}{nth}", self.digest),
            purpose: Purpose::Question,
            text: capped(&text, TEXT_BYTES).to_owned(),
            choices,
            resume: resume.to_owned(),
        }
    }

    /// The choices; empty if the answer has to be typed.
    fn choices(&self) -> Vec<String> {
        let mut choices = match &self.want {
            Want::Page(_) => vec![String::from("Done")],
            Want::Choice { .. } => return Vec::new(),
            Want::Form(fields) => match fields.as_slice() {
                [] => vec![String::from("Accept")],
                [Field { kind: Kind::Boolean, .. }] => vec![String::from("Yes"), String::from("No")],
                [Field { kind: Kind::One(entries), .. }] => {
                    entries.iter().map(|entry| entry.title.clone()).collect()
                }
                [_] | [_, _, ..] => return Vec::new(),
            },
        };
        choices.push(String::from(DECLINE_CHOICE));
        choices
    }

    /// The `ElicitResult` for an answer.
    ///
    /// # Errors
    /// What is wrong with the answer, to be shown with the next question.
    pub fn result(&self, words: &str) -> Result<Value, String> {
        let words = words.trim();
        let declined = if self.choices().is_empty() {
            words.eq_ignore_ascii_case(DECLINE)
        } else {
            words == DECLINE_CHOICE
        };
        if declined {
            return Ok(json!({"action": "decline"}));
        }
        match &self.want {
            Want::Page(_) => Ok(json!({"action": "accept"})),
            Want::Choice { field, other } => {
                let content = match field.value(words) {
                    Ok(chosen) => json!({ &field.name: chosen }),
                    Err(_) => json!({ other: words }),
                };
                Ok(json!({"action": "accept", "content": content}))
            }
            Want::Form(fields) => Ok(json!({"action": "accept", "content": content(fields, words)?})),
        }
    }
}

/// The `ElicitResult` of a question that was not answered.
pub fn cancelled() -> Value {
    json!({"action": "cancel"})
}

fn fields(schema: &Value) -> Vec<Field> {
    let required = |name: &str| {
        let list = schema.get("required").and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|item| item.as_str() == Some(name)))
    };
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let field = |(name, property): (&String, &Value)| {
        let text = |key: &str| property.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        Field {
            name: name.clone(),
            about: text("description").or_else(|| text("title")).unwrap_or("").to_owned(),
            kind: kind(property),
            required: required(name),
        }
    };
    properties.map(field).collect()
}

/// A form, or a single choice with a field for other words, which is how Claude's agent writes its questions.
fn form(mut fields: Vec<Field>) -> Want {
    let is_choice = |field: &Field| matches!(field.kind, Kind::One(_) | Kind::Many(_));
    let is_other = |field: &Field, of: &Field| {
        field.kind == Kind::Text && !field.required && field.name == format!("{}_custom", of.name)
    };
    match fields.as_slice() {
        [field, other] if is_choice(field) && is_other(other, field) => {
            let other = other.name.clone();
            Want::Choice { field: fields.swap_remove(0), other }
        }
        _ => Want::Form(fields),
    }
}

fn kind(property: &Value) -> Kind {
    match property.get("type").and_then(Value::as_str) {
        Some("boolean") => Kind::Boolean,
        Some("integer") => Kind::Integer,
        Some("number") => Kind::Number,
        Some("array") => Kind::Many(entries(property.get("items").unwrap_or(&Value::Null))),
        Some(_) | None => match entries(property) {
            entries if entries.is_empty() => Kind::Text,
            entries => Kind::One(entries),
        },
    }
}

fn entries(property: &Value) -> Vec<Entry> {
    let list = |key: &str| property.get(key).and_then(Value::as_array).into_iter().flatten();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let titled = list("oneOf").chain(list("anyOf")).filter_map(|entry| {
        let value = text(entry, "const")?;
        Some(Entry { title: text(entry, "title").unwrap_or_else(|| value.clone()), value })
    });
    // `enumNames` is from version 2025-06-18 of MCP.
    let names: Vec<&Value> = list("enumNames").collect();
    let plain = list("enum").enumerate().filter_map(|(at, value)| {
        let value = value.as_str()?.to_owned();
        let title = names.get(at).and_then(|name| name.as_str()).map_or_else(|| value.clone(), str::to_owned);
        Some(Entry { value, title })
    });
    titled.chain(plain).collect()
}

fn described(fields: &[Field]) -> String {
    match fields {
        [] => String::new(),
        [field] => format!("\n{}", field.described()),
        fields => {
            let lines: Vec<String> =
                fields.iter().map(|field| format!("\n- {}", field.described())).collect();
            format!("{}\nAnswer with a line `name: value` for each, or with a JSON object.", lines.concat())
        }
    }
}

impl Field {
    fn described(&self) -> String {
        let titles = |entries: &[Entry]| {
            entries.iter().map(|entry| entry.title.as_str()).collect::<Vec<_>>().join(", ")
        };
        let kind = match &self.kind {
            Kind::Text => String::from("text"),
            Kind::Number => String::from("a number"),
            Kind::Integer => String::from("a whole number"),
            Kind::Boolean => String::from("yes or no"),
            Kind::One(entries) => format!("one of: {}", titles(entries)),
            Kind::Many(entries) => format!("some of, with commas between: {}", titles(entries)),
        };
        let optional = if self.required { "" } else { ", may be left out" };
        let about = if self.about.is_empty() { String::new() } else { format!(": {}", self.about) };
        format!("{} ({kind}{optional}){about}", self.name)
    }

    fn value(&self, words: &str) -> Result<Value, String> {
        let words = words.trim();
        let found = match &self.kind {
            Kind::Text => Some(json!(words)),
            Kind::Integer => words.parse::<i64>().ok().map(Value::from),
            Kind::Number => number(words),
            Kind::Boolean => match words.to_lowercase().as_str() {
                "yes" | "true" | "y" => Some(json!(true)),
                "no" | "false" | "n" => Some(json!(false)),
                _ => None,
            },
            Kind::One(entries) => entry(entries, words),
            Kind::Many(entries) => {
                let parts = words.split(',').map(str::trim).filter(|part| !part.is_empty());
                parts.map(|part| entry(entries, part)).collect::<Option<Vec<_>>>().map(Value::from)
            }
        };
        found.ok_or_else(|| format!("`{}` can't be used for {}.", capped(words, 200), self.described()))
    }
}

fn number(words: &str) -> Option<Value> {
    let whole = words.parse::<i64>().ok().map(Value::from);
    whole.or_else(|| words.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from))
}

fn entry(entries: &[Entry], words: &str) -> Option<Value> {
    let found = entries.iter().find(|entry| entry.title == words || entry.value == words)?;
    Some(json!(found.value))
}

fn content(fields: &[Field], words: &str) -> Result<Map<String, Value>, String> {
    let mut content = Map::new();
    match (fields, serde_json::from_str(words)) {
        ([], _) => {}
        (fields, Ok(Value::Object(members))) => {
            for (name, value) in members {
                let Some(field) = fields.iter().find(|field| field.name == name) else {
                    return Err(format!("Nothing called `{name}` was asked for."));
                };
                let value = match (&field.kind, value) {
                    (_, Value::String(text)) => field.value(&text)?,
                    (Kind::Many(_), value @ Value::Array(_))
                    | (Kind::Boolean, value @ Value::Bool(_))
                    | (Kind::Number, value @ Value::Number(_)) => value,
                    (_, value) => field.value(&value.to_string())?,
                };
                content.insert(name, value);
            }
        }
        ([field], _) => {
            content.insert(field.name.clone(), field.value(words)?);
        }
        (fields, _) => {
            for line in words.lines().filter(|line| !line.trim().is_empty()) {
                let named = line.split_once(':').and_then(|(name, value)| {
                    let name = name.trim().trim_start_matches("- ");
                    Some((fields.iter().find(|field| field.name == name)?, value))
                });
                let Some((field, value)) = named else {
                    return Err(format!("`{}` is no line `name: value`.", capped(line, 200)));
                };
                content.insert(field.name.clone(), field.value(value)?);
            }
        }
    }
    match fields.iter().find(|field| field.required && !content.contains_key(&field.name)) {
        None => Ok(content),
        Some(field) => Err(format!("`{}` is missing.", field.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(properties: &Value, required: &[&str]) -> Elicitation {
        let schema = json!({"type": "object", "properties": properties, "required": required});
        Elicitation::read(&json!({"message": "Who?", "requestedSchema": schema}))
    }

    fn accepted(elicitation: &Elicitation, words: &str) -> Value {
        let result = elicitation.result(words).unwrap();
        assert_eq!(result["action"], "accept");
        result["content"].clone()
    }

    #[test]
    fn one_field_takes_the_words_as_they_are() {
        let name = form(&json!({"name": {"type": "string", "description": "Of GitHub"}}), &["name"]);
        let question = name.question(Asker::Tool("login"), 0, "", "r");
        assert_eq!(question.text, "Tool `login` asks: Who?\nname (text): Of GitHub\nOr answer `decline`.");
        assert_eq!((question.choices.len(), question.resume.as_str()), (0, "r"));
        assert_eq!(accepted(&name, " octocat "), json!({"name": "octocat"}));
        assert_eq!(accepted(&name, r#"{"name":"a: b"}"#), json!({"name": "a: b"}));
        assert_eq!(name.result("Decline"), Ok(json!({"action": "decline"})));
    }

    #[test]
    fn what_can_be_chosen_is_offered() {
        let colour = form(
            &json!({"c": {"type": "string", "oneOf": [{"const": "#f00", "title": "Red"}, {"const": "#0f0"}]}}),
            &["c"],
        );
        assert_eq!(colour.question(Asker::Tool("t"), 0, "", "").choices, ["Red", "#0f0", "Decline"]);
        assert_eq!(accepted(&colour, "Red"), json!({"c": "#f00"}));
        assert_eq!(colour.result("Decline"), Ok(json!({"action": "decline"})));
        let sure = form(&json!({"sure": {"type": "boolean"}}), &[]);
        assert_eq!(sure.question(Asker::Tool("t"), 0, "", "").choices, ["Yes", "No", "Decline"]);
        assert_eq!(accepted(&sure, "No"), json!({"sure": false}));
        let nothing = form(&json!({}), &[]);
        assert_eq!(nothing.question(Asker::Tool("t"), 0, "", "").choices, ["Accept", "Decline"]);
        assert_eq!(accepted(&nothing, "Accept"), json!({}));
    }

    #[test]
    fn who_may_choose_may_say_something_else() {
        let properties = json!({
            "question_0": {"type": "string", "title": "Colour", "oneOf": [
                {"const": "red", "title": "red — warm"}, {"const": "blue", "title": "blue — cold"}]},
            "question_0_custom": {"type": "string", "title": "Other"},
        });
        let colour = form(&properties, &[]);
        let question = colour.question(Asker::Agent, 0, "", "sess-1");
        assert_eq!(
            question.text,
            "The agent asks: Who?\nquestion_0 (one of: red — warm, blue — cold, may be left out): Colour, \
             or answer in your own words.\nOr answer `decline`."
        );
        assert!(question.key.starts_with("acp "));
        assert_eq!(accepted(&colour, "red"), json!({"question_0": "red"}));
        assert_eq!(accepted(&colour, "blue — cold"), json!({"question_0": "blue"}));
        assert_eq!(accepted(&colour, "Green, please."), json!({"question_0_custom": "Green, please."}));
        assert_eq!(colour.result("decline"), Ok(json!({"action": "decline"})));
    }

    #[test]
    fn several_fields_come_by_lines_or_as_json() {
        let properties = json!({
            "name": {"type": "string"}, "age": {"type": "integer"}, "size": {"type": "number"},
            "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
        });
        let person = form(&properties, &["name"]);
        let expected = json!({"name": "Mona: L", "age": 30, "size": 1.5, "tags": ["a", "b"]});
        assert_eq!(accepted(&person, "name: Mona: L\nage: 30\n\nsize: 1.5\n- tags: a, b"), expected);
        assert_eq!(accepted(&person, &expected.to_string()), expected);
        assert_eq!(person.result("age: 3").unwrap_err(), "`name` is missing.");
        assert_eq!(person.result("Mona").unwrap_err(), "`Mona` is no line `name: value`.");
        let why = person.result("name: x\nage: old").unwrap_err();
        assert_eq!(why, "`old` can't be used for age (a whole number, may be left out).");
        assert_eq!(person.result(r#"{"q":1}"#).unwrap_err(), "Nothing called `q` was asked for.");
    }

    #[test]
    fn a_page_is_opened_by_a_person() {
        let params = json!({"mode": "url", "message": "Log in.", "url": "https://e.example/x?t=1"});
        let page = Elicitation::read(&params);
        let question = page.question(Asker::Tool("t"), 0, "", "");
        assert_eq!(
            question.text,
            "Tool `t` asks: Log in.\nOpen https://e.example/x?t=1 and say when you are done."
        );
        assert_eq!(question.choices, ["Done", "Decline"]);
        assert_eq!(page.result("Done"), Ok(json!({"action": "accept"})));
    }

    #[test]
    fn the_key_is_the_same_for_the_same_question_only() {
        let key = |elicitation: &Elicitation, refused| {
            elicitation.question(Asker::Tool("t"), refused, "No.", "").key
        };
        let (a, b) = (form(&json!({"a": {}}), &[]), form(&json!({"b": {}}), &[]));
        assert_eq!(key(&a, 0), key(&form(&json!({"a": {}}), &["a"]), 0));
        assert_ne!(key(&a, 0), key(&b, 0));
        assert_eq!(key(&a, 1), format!("{}#2", key(&a, 0)));
        assert!(a.question(Asker::Tool("t"), 1, "No.", "").text.starts_with("No.\n"));
    }
}

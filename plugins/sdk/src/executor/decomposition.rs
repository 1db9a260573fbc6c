//! A division of work that a model wrote: `{"tasks": [{"name", "title", "input", "skills"?, "depends_on"?,
//! "composite"?}, …]}`. All errors are found in one pass, so that its author sees them together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use serde_json::value::RawValue;

use super::part::is_name;
use super::{Keys, raw};

/// The rules of a decomposition.
#[derive(Clone, Debug, Default)]
pub struct Rules<'a> {
    /// The most tasks.
    pub most: usize,
    /// The most tasks that could run at the same time; none = tasks can't depend on each other.
    pub breadth: Option<usize>,
    /// The most composite tasks.
    pub composites: usize,
    /// Names that tasks can't have.
    pub reserved: &'a [&'a str],
    /// Existing tasks, which can be depended on and whose names are taken.
    pub known: BTreeSet<String>,
    /// The allowed skills; empty = any.
    pub skills: &'a [String],
}

/// A task of a decomposition.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Its name: 1 to 64 letters, digits, `-`, `_` or `.`.
    pub name: String,
    /// Its title, not blank.
    pub title: String,
    /// Its input as JSON text.
    pub input: String,
    /// The skills that an agent must declare.
    pub skills: Vec<String>,
    /// The tasks that must succeed first.
    pub depends_on: Vec<String>,
    /// Whether it is to be divided further.
    pub composite: bool,
}

/// A valid decomposition, in the order in which it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Decomposition(pub Vec<Piece>);

impl Decomposition {
    /// Parses and checks a decomposition.
    ///
    /// # Errors
    /// Everything that is wrong with it, with JSON pointers or task names.
    pub fn read(json: &str, rules: &Rules<'_>) -> Result<Self, Vec<String>> {
        let tasks = list(json).map_err(|why| vec![why])?;
        let mut errors = Vec::new();
        if tasks.is_empty() {
            errors.push(String::from("/tasks: expected at least one task"));
        }
        if tasks.len() > rules.most {
            errors.push(format!("/tasks: {} tasks, at most {} are allowed", tasks.len(), rules.most));
            return Err(errors);
        }
        let pieces: Vec<Piece> = tasks
            .iter()
            .enumerate()
            .filter_map(|(index, task)| piece(task, &format!("/tasks/{index}"), rules, &mut errors))
            .collect();
        names(&pieces, rules, &mut errors);
        if errors.is_empty() {
            order(&pieces, rules, &mut errors);
        }
        if errors.is_empty() { Ok(Self(pieces)) } else { Err(errors) }
    }

    /// The number of composite tasks.
    pub fn composites(&self) -> usize {
        self.0.iter().filter(|piece| piece.composite).count()
    }
}

impl Rules<'_> {
    /// The JSON Schema of a decomposition. Rules that a schema can't express are checked by [`Decomposition::read`] alone.
    pub fn contract(&self) -> String {
        let mut task = json!({
            "name": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
            "title": {"type": "string", "minLength": 1},
            "input": {},
            "skills": {"type": "array", "items": {"type": "string"}},
        });
        if self.breadth.is_some() {
            task["depends_on"] = json!({"type": "array", "items": {"type": "string"}});
        }
        if self.composites > 0 {
            task["composite"] = json!({"type": "boolean"});
        }
        if !self.skills.is_empty() {
            task["skills"]["items"] = json!({"enum": self.skills});
        }
        if self.skills.len() > 1 {
            task["skills"]["minItems"] = json!(1);
        }
        let tasks = json!({
            "type": "array", "minItems": 1, "maxItems": self.most,
            "items": {"type": "object", "required": ["name", "title", "input"], "properties": task},
        });
        json!({"type": "object", "required": ["tasks"], "properties": {"tasks": tasks}}).to_string()
    }
}

fn list(json: &str) -> Result<Vec<Box<RawValue>>, String> {
    let fields: Keys =
        serde_json::from_str(json).map_err(|_| String::from("the answer: expected an object"))?;
    let tasks =
        fields.get("tasks").ok_or_else(|| match fields.contains_key("text") && fields.len() == 1 {
            true => String::from("the answer: expected a JSON object with `tasks`, found words"),
            false => String::from("/tasks: is missing"),
        })?;
    serde_json::from_str(tasks.get()).map_err(|_| String::from("/tasks: expected an array"))
}

fn piece(task: &RawValue, at: &str, rules: &Rules<'_>, errors: &mut Vec<String>) -> Option<Piece> {
    let Ok(fields) = serde_json::from_str::<Keys>(task.get()) else {
        errors.push(format!("{at}: expected an object"));
        return None;
    };
    let before = errors.len();
    let mut wrong = |key: &str, why: &str| errors.push(format!("{at}/{key}: {why}"));
    let name: Option<String> = member(&fields, "name");
    match &name {
        Some(name) if is_name(name) => {}
        Some(_) | None => wrong("name", "expected 1 to 64 letters, digits, `-`, `_` or `.`"),
    }
    let title: Option<String> = member(&fields, "title").filter(|title: &String| !title.trim().is_empty());
    if title.is_none() {
        wrong("title", "expected a string that is not empty");
    }
    if !fields.contains_key("input") {
        wrong("input", "is missing");
    }
    let skills = strings(&fields, "skills", &mut wrong);
    if skills.is_empty() && rules.skills.len() > 1 {
        wrong("skills", &format!("expected at least one of {}", rules.skills.join(", ")));
    }
    for skill in skills.iter().filter(|skill| !rules.skills.is_empty() && !rules.skills.contains(skill)) {
        wrong("skills", &format!("nobody has `{skill}`, only {}", rules.skills.join(", ")));
    }
    let depends_on = strings(&fields, "depends_on", &mut wrong);
    if !depends_on.is_empty() && rules.breadth.is_none() {
        wrong("depends_on", "these tasks can't depend on each other");
    }
    let composite = match fields.get("composite").map(|raw| serde_json::from_str::<bool>(raw.get())) {
        None => false,
        Some(Ok(composite)) => composite,
        Some(Err(_)) => {
            wrong("composite", "expected true or false");
            false
        }
    };
    if errors.len() > before {
        return None;
    }
    // With a single allowed skill, nothing else can be meant.
    let skills = if skills.is_empty() { rules.skills.to_vec() } else { skills };
    let input = fields.get("input").map_or("null", |raw| raw.get()).to_owned();
    Some(Piece { name: name?, title: title?, input, skills, depends_on, composite })
}

fn member(fields: &Keys, key: &str) -> Option<String> {
    serde_json::from_str(fields.get(key)?.get()).ok()
}

fn strings(fields: &Keys, key: &str, wrong: &mut impl FnMut(&str, &str)) -> Vec<String> {
    let Some(raw) = fields.get(key).filter(|raw| raw.get() != "null") else {
        return Vec::new();
    };
    serde_json::from_str(raw.get()).unwrap_or_else(|_| {
        wrong(key, "expected an array of strings");
        Vec::new()
    })
}

fn names(pieces: &[Piece], rules: &Rules<'_>, errors: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for piece in pieces {
        let name = piece.name.as_str();
        if rules.reserved.contains(&name) {
            errors.push(format!("task {name}: this name is taken by the strategy itself"));
        } else if rules.known.contains(name) || !seen.insert(name) {
            errors.push(format!("task {name}: another task has this name"));
        }
    }
    for piece in pieces {
        for wanted in piece.depends_on.iter().filter(|wanted| {
            !pieces.iter().any(|piece| piece.name == **wanted) && !rules.known.contains(*wanted)
        }) {
            errors.push(format!("task {}: it depends on {wanted:?}, and there is no such task", piece.name));
        }
    }
    let composites = pieces.iter().filter(|piece| piece.composite).count();
    if composites > rules.composites {
        errors.push(match rules.composites {
            0 => String::from("no task may be composite: the limit on depth or number is reached"),
            most => format!("{composites} tasks are composite, at most {most} may be"),
        });
    }
}

/// Checks for cycles and for the breadth.
fn order(pieces: &[Piece], rules: &Rules<'_>, errors: &mut Vec<String>) {
    let mut level: BTreeMap<&str, usize> = rules.known.iter().map(|name| (name.as_str(), 0)).collect();
    let mut left: Vec<&Piece> = pieces.iter().collect();
    while !left.is_empty() {
        let (free, bound): (Vec<&Piece>, Vec<&Piece>) = left
            .iter()
            .copied()
            .partition(|piece| piece.depends_on.iter().all(|wanted| level.contains_key(wanted.as_str())));
        if free.is_empty() {
            let names: Vec<&str> = bound.iter().map(|piece| piece.name.as_str()).collect();
            errors
                .push(format!("tasks {} depend on themselves, directly or through others", names.join(", ")));
            return;
        }
        let placed: Vec<(&str, usize)> = free
            .iter()
            .map(|piece| {
                let above = piece.depends_on.iter().filter_map(|wanted| level.get(wanted.as_str())).max();
                (piece.name.as_str(), above.map_or(1, |above| above + 1))
            })
            .collect();
        level.extend(placed);
        left = bound;
    }
    let Some(most) = rules.breadth else { return };
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    for piece in pieces {
        *widths.entry(level.get(piece.name.as_str()).copied().unwrap_or(1)).or_default() += 1;
    }
    for (level, width) in widths.into_iter().filter(|(_, width)| *width > most) {
        errors.push(format!("{width} tasks at level {level} could go at once, at most {most} may"));
    }
}

/// The errors and the refused answer as a JSON object, for the input of the repeated question.
pub fn complaint(errors: &[String], answer: &str) -> String {
    let answer = super::handoff::shrunk(answer, super::handoff::OUTPUT_BYTES);
    let fields = Keys::from([
        (String::from("errors"), raw(&json!(errors).to_string())),
        (String::from("refused_answer"), raw(&answer)),
    ]);
    serde_json::to_string(&fields).unwrap_or_else(|_| String::from("{}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules<'static> {
        Rules { most: 4, breadth: Some(2), reserved: &["plan-1"], ..Rules::default() }
    }

    fn task(name: &str, on: &str) -> String {
        format!(r#"{{"name": "{name}", "title": "T", "input": 1.50, "depends_on": [{on}]}}"#)
    }

    fn errors(tasks: &[String], rules: &Rules<'_>) -> Vec<String> {
        let json = format!(r#"{{"tasks": [{}]}}"#, tasks.join(","));
        Decomposition::read(&json, rules).unwrap_err()
    }

    #[test]
    fn a_good_one_is_read_word_for_word() {
        let json = format!(r#"{{"tasks": [{}, {}], "note": 1}}"#, task("b", r#""a""#), task("a", ""));
        let pieces = Decomposition::read(&json, &rules()).unwrap().0;
        assert_eq!(pieces[0].depends_on, ["a"]);
        assert_eq!((pieces[1].name.as_str(), pieces[1].input.as_str()), ("a", "1.50"));
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let bad = String::from(r#"{"name": "a b", "title": " ", "skills": 1, "composite": "yes"}"#);
        assert_eq!(
            errors(&[bad, task("plan-1", ""), task("x", r#""y""#), task("x", "")], &rules()),
            [
                "/tasks/0/name: expected 1 to 64 letters, digits, `-`, `_` or `.`",
                "/tasks/0/title: expected a string that is not empty",
                "/tasks/0/input: is missing",
                "/tasks/0/skills: expected an array of strings",
                "/tasks/0/composite: expected true or false",
                "task plan-1: this name is taken by the strategy itself",
                "task x: another task has this name",
                "task x: it depends on \"y\", and there is no such task",
            ]
        );
    }

    #[test]
    fn cycles_breadth_and_number_are_bounded() {
        let cycle = [task("a", r#""b""#), task("b", r#""a""#), task("c", "")];
        assert_eq!(errors(&cycle, &rules()), ["tasks a, b depend on themselves, directly or through others"]);
        let wide = [task("a", ""), task("b", ""), task("c", "")];
        assert_eq!(errors(&wide, &rules()), ["3 tasks at level 1 could go at once, at most 2 may"]);
        let many: Vec<String> = (0..5).map(|index| task(&format!("t{index}"), "")).collect();
        assert_eq!(errors(&many, &rules()), ["/tasks: 5 tasks, at most 4 are allowed"]);
        let empty: [String; 0] = [];
        assert_eq!(errors(&empty, &rules()), ["/tasks: expected at least one task"]);
    }

    #[test]
    fn what_is_known_may_be_depended_on_and_not_be_named_again() {
        let known = BTreeSet::from([String::from("a")]);
        let rules = Rules { known, ..rules() };
        let json = format!(r#"{{"tasks": [{}]}}"#, task("b", r#""a""#));
        assert!(Decomposition::read(&json, &rules).is_ok());
        assert_eq!(errors(&[task("a", "")], &rules), ["task a: another task has this name"]);
    }

    #[test]
    fn only_skills_that_somebody_has() {
        let skills = [String::from("rust")];
        let rules = Rules { most: 1, skills: &skills, ..Rules::default() };
        let task = String::from(r#"{"name": "a", "title": "T", "input": 1, "skills": ["go"]}"#);
        assert_eq!(errors(&[task], &rules), ["/tasks/0/skills: nobody has `go`, only rust"]);
        assert!(rules.contract().contains(r#""items":{"enum":["rust"]}"#));
    }

    #[test]
    fn nobody_is_asked_whose_skill_was_not_named() {
        let skills = [String::from("rust"), String::from("go")];
        let rules = Rules { most: 1, skills: &skills, ..Rules::default() };
        let task = String::from(r#"{"name": "a", "title": "T", "input": 1}"#);
        assert_eq!(
            errors(std::slice::from_ref(&task), &rules),
            ["/tasks/0/skills: expected at least one of rust, go"]
        );
        let one = Rules { skills: &skills[..1], ..rules };
        let pieces = Decomposition::read(&format!(r#"{{"tasks": [{task}]}}"#), &one).unwrap().0;
        assert_eq!(pieces[0].skills, ["rust"]);
    }

    #[test]
    fn no_json_is_one_error() {
        for (json, error) in [
            ("[]", "the answer: expected an object"),
            ("{", "the answer: expected an object"),
            ("{}", "/tasks: is missing"),
            (r#"{"text": "First"}"#, "the answer: expected a JSON object with `tasks`, found words"),
            (r#"{"tasks": {}}"#, "/tasks: expected an array"),
        ] {
            assert_eq!(Decomposition::read(json, &rules()), Err(vec![error.to_owned()]));
        }
    }
}

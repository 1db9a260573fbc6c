//! Parses the input, and derives the input of each executor.

use baton_sdk::executor::{ExecutionError, Fields, Keys, Part, Task, Who, raw};
use serde_json::json;

use crate::rules::{self, Class, Guess};

pub struct Spec {
    pub goal: String,
    /// JSON text.
    pub input: Option<String>,
    kind: Option<Class>,
    /// JSON text, which is what `sequential` takes.
    steps: Option<String>,
    /// JSON text, which is what `parallel` takes.
    branches: Option<String>,
    /// Who divides the work and judges what comes of it; JSON text.
    lead: Option<String>,
    skills: Vec<String>,
    validators: Vec<String>,
    count: Option<usize>,
    good_enough: Option<f64>,
}

const KNOWN: [&str; 12] = [
    "goal",
    "title",
    "input",
    "kind",
    "steps",
    "branches",
    "parts",
    "lead",
    "skills",
    "validators",
    "count",
    "good_enough",
];

const KINDS: [(&str, Class); 8] = [
    ("code", Class::Collaborative),
    ("creative", Class::Collaborative),
    ("analysis", Class::Sequential),
    ("research", Class::Sequential),
    ("independent", Class::Parallel),
    ("collaborative", Class::Collaborative),
    ("sequential", Class::Sequential),
    ("parallel", Class::Parallel),
];

/// The default steps for a question.
const STEPS: [(&str, &str, &str); 3] = [
    (
        "gather",
        "Gather",
        "Gather what is needed to answer this: facts, sources, measurements. Do not conclude yet.",
    ),
    (
        "work-out",
        "Work out",
        "Work out what follows from what was gathered. Say what is certain and what is not.",
    ),
    ("conclude", "Conclude", "Answer the goal from what was worked out, with the reasons."),
];

impl Spec {
    pub fn read(task: &Task) -> Result<Self, ExecutionError> {
        let fields = Fields::read(&task.input, &KNOWN)?;
        let goal = match (fields.optional("goal", "a string")?, fields.optional("title", "a string")?) {
            (Some(_), Some(_)) => return Err(Fields::wrong("title", "no such key beside goal")),
            (Some(text), None) | (None, Some(text)) => text,
            (None, None) => task.title.clone(),
        };
        let branches = match (fields.text("branches"), fields.text("parts")) {
            (Some(_), Some(_)) => return Err(Fields::wrong("parts", "no such key beside branches")),
            (branches, parts) => branches.or(parts).map(str::to_owned),
        };
        let spec = Self {
            goal,
            input: fields.text("input").map(str::to_owned),
            kind: fields.one_of("kind", &KINDS)?,
            steps: fields.text("steps").map(str::to_owned),
            branches,
            lead: lead(&fields)?,
            skills: fields.strings("skills")?,
            validators: fields.strings("validators")?,
            count: fields.within("count", 2..=16)?,
            good_enough: fields.within("good_enough", 0.0..=1.0)?,
        };
        spec.check()?;
        Ok(spec)
    }

    fn check(&self) -> Result<(), ExecutionError> {
        if self.steps.is_some() && self.branches.is_some() {
            return Err(Fields::wrong("steps", "no such key beside branches"));
        }
        for (key, parts) in [("steps", &self.steps), ("branches", &self.branches)] {
            if let Some(parts) = parts {
                Part::list(&raw(parts), key, "part")?;
            }
        }
        if (self.steps.is_some() || self.branches.is_some()) && !self.validators.is_empty() {
            return Err(Fields::wrong("validators", "none here, but with each step or branch"));
        }
        Ok(())
    }

    /// What the rules say.
    pub fn guess(&self) -> Guess {
        let certain = |class| Guess { class, confidence: 1.0 };
        match (&self.branches, &self.steps, self.kind) {
            (Some(_), _, _) => certain(Class::Parallel),
            (None, Some(_), _) => certain(Class::Sequential),
            (None, None, Some(class)) => certain(class),
            (None, None, None) => rules::classify(&self.text(), &self.skills),
        }
    }

    /// All texts of the input.
    pub fn text(&self) -> String {
        let said: Option<String> = self.input.as_deref().and_then(|input| {
            serde_json::from_str(input).ok().or_else(|| {
                let fields: Keys = serde_json::from_str(input).ok()?;
                serde_json::from_str(fields.get("prompt")?.get()).ok()
            })
        });
        match said {
            Some(said) => format!("{}. {said}", self.goal),
            None => self.goal.clone(),
        }
    }

    /// The executor for work of this class, and its input.
    pub fn handed_to(&self, class: Class) -> (&'static str, String) {
        match (class, &self.branches, &self.steps) {
            (Class::Collaborative, _, _) => ("collaborative", self.contest()),
            (Class::Sequential, _, Some(steps)) => ("sequential", object([("steps", steps.clone())])),
            (Class::Sequential, _, None) => ("sequential", object([("steps", self.default_steps())])),
            (Class::Parallel, Some(branches), _) => ("parallel", object([("branches", branches.clone())])),
            (Class::Parallel, None, _) => ("hierarchical", self.delegation()),
        }
    }

    fn contest(&self) -> String {
        let input = self.input.clone().unwrap_or_else(|| json!(self.goal).to_string());
        let mut fields = vec![("title", json!(self.goal).to_string()), ("input", input)];
        fields.extend(list("skills", &self.skills));
        fields.extend(list("validators", &self.validators));
        fields.extend(self.count.map(|count| ("count", count.to_string())));
        fields.extend(self.good_enough.map(|score| ("good_enough", json!(score).to_string())));
        object(fields)
    }

    /// The validators look at what is concluded.
    fn default_steps(&self) -> String {
        let step = |(index, (name, title, prompt)): (usize, &(&str, &str, &str))| {
            let mut fields =
                vec![("prompt", json!(prompt).to_string()), ("goal", json!(self.goal).to_string())];
            fields.extend(self.input.clone().map(|input| ("material", input)));
            let mut step = vec![
                ("name", json!(name).to_string()),
                ("title", json!(format!("{title}: {}", self.goal)).to_string()),
                ("input", object(fields)),
            ];
            step.extend(list("skills", &self.skills));
            if index + 1 == STEPS.len() {
                step.extend(list("validators", &self.validators));
            }
            object(step)
        };
        let steps: Vec<String> = STEPS.iter().enumerate().map(step).collect();
        format!("[{}]", steps.join(","))
    }

    fn delegation(&self) -> String {
        let mut fields = vec![("goal", json!(self.goal).to_string())];
        fields.extend(self.input.clone().map(|input| ("context", input)));
        if !self.skills.is_empty() {
            fields.push(("team", json!({ "skills": self.skills }).to_string()));
        }
        fields.extend(self.lead.clone().map(|lead| ("lead", lead)));
        fields.extend(list("validators", &self.validators));
        object(fields)
    }
}

/// An agent, or skills.
fn lead(fields: &Fields) -> Result<Option<String>, ExecutionError> {
    let _: Option<Who> = fields.optional("lead", "an object with `agent` or `skills`")?;
    Ok(fields.text("lead").map(str::to_owned))
}

fn list(key: &'static str, names: &[String]) -> Option<(&'static str, String)> {
    (!names.is_empty()).then(|| (key, json!(names).to_string()))
}

fn object(fields: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let fields: Keys = fields.into_iter().map(|(key, json)| (key.to_owned(), raw(&json))).collect();
    serde_json::to_string(&fields).unwrap_or_else(|_| String::from("{}"))
}

//! Plan templates with parameters, made from workstreams that were run before.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::{Plan, Workstream};
use crate::nearest::did_you_mean;

/// A reusable plan whose texts can be replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The plans made from it are called so.
    pub name: String,
    /// Default values by name: the original texts. In workstreams a parameter is written `${NAME}`.
    pub parameters: BTreeMap<String, String>,
    /// As in a plan, with placeholders.
    pub workstreams: Vec<Value>,
}

/// Why a template can't be filled.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// Name one of its parameters.
    #[error("{template} has no parameter {parameter:?}{hint}")]
    UnknownParameter {
        /// The template.
        template: String,
        /// What was named.
        parameter: String,
        /// The nearest parameter as a question, if one is near.
        hint: String,
    },
    /// Correct the value that makes a workstream invalid, or the template's file.
    #[error("template {template}: {source}")]
    Invalid {
        /// The template.
        template: String,
        /// The member that is wrong.
        source: serde_json::Error,
    },
}

/// The parameter for the folder that all paths share.
const FOLDER: &str = "folder";

impl Template {
    /// Makes every text in the inputs a parameter, named `TASK.input` or `TASK.KEY`, and the folder that all paths
    /// share another. Dependencies on other workstreams are dropped.
    #[must_use]
    pub fn of(name: &str, mut workstreams: Vec<Workstream>) -> Self {
        let own = |id: &str| id.rsplit_once('/').map_or(id, |(_, own)| own).to_owned();
        let taken: BTreeSet<String> = workstreams.iter().map(|one| own(&one.id)).collect();
        let folder = shared_folder(&workstreams);
        let mut parameters = BTreeMap::new();
        for workstream in &mut workstreams {
            workstream.id = own(&workstream.id);
            workstream.depends_on = workstream.depends_on.iter().map(|id| own(id)).collect();
            workstream.depends_on.retain(|id| taken.contains(id));
            workstream.metadata.retain(|key, _| !key.starts_with("baton."));
            let id = workstream.id.clone();
            open(&mut workstream.input, &id, &mut parameters);
        }
        workstreams.sort_by(|one, other| one.id.cmp(&other.id));
        let mut workstreams: Vec<Value> =
            workstreams.iter().filter_map(|workstream| serde_json::to_value(workstream).ok()).collect();
        if let Some(folder) = folder {
            workstreams.iter_mut().for_each(|workstream| open_paths(workstream, &folder));
            parameters.insert(FOLDER.to_owned(), folder);
        }
        Self { name: name.to_owned(), parameters, workstreams }
    }

    /// The plan with these values; the other parameters keep their defaults.
    ///
    /// # Errors
    /// A value is given for an unknown parameter, or a filled workstream is invalid.
    pub fn filled(&self, given: &BTreeMap<String, String>) -> Result<Plan, TemplateError> {
        if let Some(unknown) = given.keys().find(|key| !self.parameters.contains_key(*key)) {
            let known = self.parameters.keys().map(String::as_str);
            return Err(TemplateError::UnknownParameter {
                template: self.name.clone(),
                parameter: unknown.clone(),
                hint: did_you_mean(unknown, known),
            });
        }
        let value = |name: &str| given.get(name).or_else(|| self.parameters.get(name)).cloned();
        let filled = self.workstreams.iter().cloned().map(|mut workstream| {
            fill(&mut workstream, &value);
            let invalid = |source| TemplateError::Invalid { template: self.name.clone(), source };
            serde_json::from_value(workstream).map_err(invalid)
        });
        Ok(Plan { name: self.name.clone(), workstreams: filled.collect::<Result<_, _>>()? })
    }
}

fn open(input: &mut Value, id: &str, parameters: &mut BTreeMap<String, String>) {
    let mut name = |key: &str, value: &mut Value| {
        if let Value::String(text) = value {
            let parameter = format!("{id}.{key}");
            let placeholder = Value::String(format!("${{{parameter}}}"));
            parameters.insert(parameter, std::mem::take(text));
            *value = placeholder;
        }
    };
    match input {
        Value::String(_) => name("input", input),
        Value::Object(members) => members.iter_mut().for_each(|(key, value)| name(key, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
    }
}

fn open_paths(workstream: &mut Value, folder: &str) {
    let Some(Value::Array(paths)) = workstream.get_mut("paths") else { return };
    for path in paths {
        if let Some(rest) = path.as_str().and_then(|path| path.strip_prefix(folder)) {
            *path = Value::String(format!("${{{FOLDER}}}{rest}"));
        }
    }
}

fn fill(input: &mut Value, value: &impl Fn(&str) -> Option<String>) {
    match input {
        Value::String(text) => *text = substituted(text, value),
        Value::Object(members) => members.values_mut().for_each(|member| fill(member, value)),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Replaces `${NAME}` where `NAME` is a parameter. Values aren't expanded again, so they may contain such text.
fn substituted(text: &str, value: &impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let known = after.split_once('}').and_then(|(name, tail)| Some((value(name)?, tail)));
        match known {
            Some((value, tail)) => {
                out.push_str(&value);
                rest = tail;
            }
            None => {
                out.push_str("${");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The first folder of all paths, if they share it.
fn shared_folder(workstreams: &[Workstream]) -> Option<String> {
    let mut folders = workstreams
        .iter()
        .flat_map(|one| &one.paths)
        .map(|path| path.to_string().split_once('/').map(|(folder, _)| folder.to_owned()));
    let first = folders.next()??;
    let plain = !first.contains(['*', '?', '[', '{', '$']);
    (plain && folders.all(|folder| folder.as_ref() == Some(&first))).then_some(first)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn done() -> Vec<Workstream> {
        let mut build = Workstream::named("p/build");
        build.input = json!({ "prompt": "Build ${the} login page", "retries": 2 });
        build.paths = vec!["web/login/**".parse().expect("a glob")];
        let mut test = Workstream::named("p/test");
        test.input = json!("Test it");
        test.depends_on = vec!["p/build".into(), "p/other".into()];
        test.paths = vec!["web/tests/**".parse().expect("a glob")];
        vec![test, build]
    }

    #[test]
    fn texts_and_the_shared_folder_become_parameters() {
        let template = Template::of("page", done());
        let expected =
            [("build.prompt", "Build ${the} login page"), ("folder", "web"), ("test.input", "Test it")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(template.parameters.into_iter().collect::<Vec<_>>(), expected);
        let [build, test] = template.workstreams.as_slice() else { panic!("two workstreams") };
        assert_eq!(build["input"], json!({ "prompt": "${build.prompt}", "retries": 2 }));
        assert_eq!(
            (&build["paths"], &test["depends_on"]),
            (&json!(["${folder}/login/**"]), &json!(["build"]))
        );
    }

    #[test]
    fn a_filled_template_is_the_plan_it_was_made_of_or_another() {
        let template = Template::of("page", done());
        let same = template.filled(&BTreeMap::new()).expect("filled");
        assert_eq!(same.workstreams[0].input, done()[1].input);
        assert_eq!(same.workstreams[1].paths, done()[0].paths);
        let given = [("build.prompt".to_owned(), "Build the logout page".to_owned())].into();
        let other = template.filled(&given).expect("filled");
        assert_eq!(other.workstreams[0].input["prompt"], "Build the logout page");
    }

    #[test]
    fn a_value_for_no_parameter_is_refused() {
        let given = [("build.promt".to_owned(), String::new())].into();
        let why = Template::of("page", done()).filled(&given).expect_err("refused");
        assert!(
            matches!(&why, TemplateError::UnknownParameter { parameter, .. } if parameter == "build.promt")
        );
        assert_eq!(why.to_string(), "page has no parameter \"build.promt\" (did you mean \"build.prompt\"?)");
    }
}

//! The page of the documentation that lists the table.

use std::fmt::Write as _;

use serde_json::Value;

use super::{ALL, Entry};

const INTRODUCTION: &str = "\
# Operations

Everything that can be asked of Baton, made from the table in `host/app/src/operation/table.rs`
(`BATON_UPDATE=1 cargo test -p baton-app page`). A role may do what the roles before it may: viewer, operator, admin.
*Repeatable* says whether a second request of the same content leaves things as the first one did.

| operation | kind | role | repeatable | verb | |
|---|---|---|---|---|---|
";

/// `docs/operations.md`.
#[must_use]
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut all: Vec<&Entry> = ALL.iter().collect();
    all.sort_by_key(|entry| entry.about.name);
    for Entry { about, .. } in &all {
        let verbs: Vec<String> =
            about.verbs.iter().map(|words| format!("`baton {}`", words.join(" "))).collect();
        let _ = writeln!(
            page,
            "| [{name}](#{name}) | {} | {} | {} | {} | {} |",
            about.kind,
            about.role,
            about.repeat,
            verbs.join(", "),
            about.help,
            name = about.name,
        );
    }
    for entry in all {
        let _ = write!(page, "\n## {}\n\n{}\n", entry.about.name, entry.about.help);
        members(&mut page, "takes", &entry.input());
        members(&mut page, "gives", &entry.output());
    }
    page
}

/// The members of an object, or of the objects of a list, one a line.
fn members(page: &mut String, what: &str, root: &Value) {
    let (list, object) = match root.get("items") {
        Some(items) => (true, resolved(root, items)),
        None => (false, root),
    };
    let Some(members) = object.get("properties").and_then(Value::as_object).filter(|all| !all.is_empty())
    else {
        let said = described(root);
        let _ = writeln!(page, "\nIt {what} {}.", if said.is_empty() { "nothing" } else { &said });
        return;
    };
    let of_each = if list { ", a list, each" } else { "" };
    let _ = writeln!(page, "\nIt {what}{of_each}:\n");
    let required = object.get("required").and_then(Value::as_array);
    for (name, member) in members {
        let is_required = required.is_some_and(|all| all.iter().any(|one| one == name));
        let optional = if is_required { "" } else { ", optional" };
        let text = member.get("description").and_then(Value::as_str).unwrap_or_default();
        let text = text.lines().next().unwrap_or_default();
        let dash = if text.is_empty() { "" } else { ": " };
        let _ = writeln!(page, "- `{name}` ({}{optional}){dash}{text}", described(member));
    }
}

/// What a reference stands for.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
    pointer.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

/// A type in a word or two.
fn described(schema: &Value) -> String {
    if let Some(items) = schema.get("items") {
        return format!("list of {}", described(items));
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return reference.rsplit('/').next().unwrap_or(reference).to_owned();
    }
    match schema.get("type") {
        Some(Value::String(one)) if one != "null" => one.clone(),
        Some(Value::Array(several)) => {
            let words = several.iter().filter_map(Value::as_str).filter(|word| *word != "null");
            words.collect::<Vec<_>>().join(" or ")
        }
        Some(_) => String::new(),
        None => {
            let either = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
            let words = either.into_iter().flatten().map(described);
            let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
            if words.is_empty() { "any".to_owned() } else { words.join(" or ") }
        }
    }
}

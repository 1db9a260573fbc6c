//! Examples of everything that is serialised into a store or sent to it, as it was written once. Lines are added, and
//! none is changed: what was stored must be read for good, and what reads it back must write the same.

use std::collections::BTreeSet;
use std::fmt::Debug;

use baton_core::agent::Card;
use baton_core::budget::{Amount, Bill};
use baton_core::episode::Episode;
use baton_core::event::Fact;
use baton_core::knowledge::Tally;
use baton_core::note::Note;
use baton_core::op::{self, Op, RouterChoice};
use baton_core::outcome::Report;
use baton_core::people::Question;
use baton_core::plan::Workstream;
use baton_core::task;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn read<T: Serialize + DeserializeOwned + Debug>(what: &str, lines: &str) -> Vec<Value> {
    let read = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{what}: {why}: {line}"));
        let decoded: T = serde_json::from_str(line).unwrap_or_else(|why| panic!("{what}: {why}: {line}"));
        let again = serde_json::to_value(&decoded).unwrap_or_else(|why| panic!("{what}: {why}: {line}"));
        assert!(covers(&again, &value), "{what} is written back as another: {line} as {again}");
        value
    };
    lines.lines().map(read).collect()
}

/// Whether all that one value has is in the other too, which may have more members.
fn covers(more: &Value, less: &Value) -> bool {
    match (more, less) {
        (Value::Object(more), Value::Object(less)) => {
            less.iter().all(|(name, inner)| more.get(name).is_some_and(|more| covers(more, inner)))
        }
        (Value::Array(more), Value::Array(less)) => {
            more.len() == less.len() && more.iter().zip(less).all(|(more, less)| covers(more, less))
        }
        (more, less) => more == less,
    }
}

/// Every member that may not be missing, as `what/path`.
fn required<T: DeserializeOwned>(what: &str, lines: &[Value], found: &mut BTreeSet<String>) {
    for line in lines {
        let tag = match what {
            "facts" => "kind",
            _ => "op",
        };
        let variant = line.get(tag).and_then(Value::as_str);
        let name = variant.map_or(what.to_owned(), |variant| format!("{what}/{variant}"));
        for path in members(line, "") {
            let mut without = line.clone();
            let (above, member) = path.rsplit_once('/').unwrap_or(("", &path));
            if let Some(Value::Object(object)) = without.pointer_mut(above) {
                object.remove(member);
            }
            if serde_json::from_value::<T>(without).is_err() {
                found.insert(format!("{name}{path}"));
            }
        }
    }
}

/// The paths of all members of all objects in a value.
fn members(value: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                let path = format!("{path}/{name}");
                found.extend(members(inner, &path));
                found.push(path);
            }
        }
        Value::Array(inner) => {
            for (place, inner) in inner.iter().enumerate() {
                found.extend(members(inner, &format!("{path}/{place}")));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}

#[test]
fn what_was_stored_once_is_read_for_good_and_no_new_member_is_required() {
    let mut found = BTreeSet::new();
    macro_rules! golden {
        ($($type:ty, $file:literal;)*) => {$(
            let lines = read::<$type>($file, include_str!(concat!("golden/", $file, ".jsonl")));
            required::<$type>($file, &lines, &mut found);
        )*};
    }
    golden! {
        Fact, "facts";
        Op, "ops";
        Report, "reports";
        task::TaskPolicy, "terms";
        op::TrialTerms, "trials";
        Card, "cards";
        Question, "questions";
        Bill, "bills";
        Amount, "amounts";
        RouterChoice, "routers";
        Tally, "tallies";
        Episode, "episodes";
        Note, "notes";
        Workstream, "workstreams";
    }
    let found: String = found.into_iter().map(|line| line + "\n").collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/golden/required.txt");
    if std::env::var_os("BATON_UPDATE").is_some() {
        std::fs::write(path, &found).expect("the repository can be written");
    }
    let expected = include_str!("golden/required.txt");
    let added: Vec<&str> =
        found.lines().filter(|line| !expected.lines().any(|known| known == *line)).collect();
    assert!(added.is_empty(), "a store of yesterday lacks these members, so they need a default: {added:#?}");
}

/// The tags that serde knows, which it names where it finds none of them.
fn tags<T: DeserializeOwned>(tag: &str) -> BTreeSet<String> {
    let Err(why) = serde_json::from_value::<T>(serde_json::json!({ tag: "no-such-tag" })) else {
        return BTreeSet::new();
    };
    let why = why.to_string();
    let list = why.split("expected one of ").nth(1).unwrap_or_default();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_kind_of_fact_and_operation_has_an_example() {
    let shown = |tag: &str, lines: &str| -> BTreeSet<String> {
        let tag_of = |line: &str| {
            let value: Value = serde_json::from_str(line).ok()?;
            value.get(tag)?.as_str().map(str::to_owned)
        };
        lines.lines().filter_map(tag_of).collect()
    };
    assert_eq!(tags::<Fact>("kind"), shown("kind", include_str!("golden/facts.jsonl")));
    assert_eq!(tags::<Op>("op"), shown("op", include_str!("golden/ops.jsonl")));
}

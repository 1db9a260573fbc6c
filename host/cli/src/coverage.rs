//! Every verb that reads or changes state is an operation of the table, and every operation has its verbs.

use std::collections::{BTreeMap, BTreeSet};

use baton_app::operation::{ALL, Entry};
use clap::{Command, CommandFactory as _};

use super::Cli;

/// Verbs that are no operation: they work on files or on this machine, for whoever sits at it.
const LOCAL: [(&str, &str); 22] = [
    ("bench plan", "measures this machine"),
    ("bench plugin", "measures this machine"),
    ("bench queue", "measures this machine"),
    ("bench recover", "measures this machine"),
    ("bench route", "measures this machine"),
    ("bench scale", "measures this machine"),
    ("completions", "prints what a shell needs"),
    ("db restore", "works where no store is"),
    ("host", "is the host that others ask"),
    ("init", "writes files"),
    ("man", "prints pages"),
    ("plan graph", "reads a file"),
    ("plan schema", "prints a schema"),
    ("plan simulate", "reads a file"),
    ("plugin build", "runs a compiler"),
    ("plugin new", "writes files"),
    ("plugin test", "runs a component that is not installed"),
    ("plugin watch", "builds and tests, and asks for plugin-add"),
    ("plugin wit", "prints a contract"),
    ("sim gates", "plays simulated worlds"),
    ("sim play", "plays a simulated world"),
    ("template run", "fills a template, and asks for submit"),
];

/// Arguments that say how a verb shows or hands over something, and are no part of what it asks for; members that a verb
/// fills in by itself.
const APART: [(&str, &[&str]); 6] = [
    ("doctor", &["near"]),
    ("events", &["follow"]),
    ("insights", &["only"]),
    ("report", &["md", "write"]),
    ("run", &["dry_run", "detach", "source"]),
    // It says which of two operations is asked for.
    ("worktrees", &["prune"]),
];

/// The verbs that can be typed, each as its words, with what they take.
fn verbs() -> BTreeMap<String, Command> {
    fn walk(command: &Command, words: &str, found: &mut BTreeMap<String, Command>) {
        let inner =
            command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help");
        let mut is_leaf = true;
        for inner in inner {
            is_leaf = false;
            walk(inner, format!("{words} {}", inner.get_name()).trim(), found);
        }
        if is_leaf {
            found.insert(words.to_owned(), command.clone());
        }
    }
    let mut found = BTreeMap::new();
    walk(&Cli::command(), "", &mut found);
    found
}

/// The operations by verb.
fn asked_for() -> BTreeMap<String, Vec<&'static Entry>> {
    let mut found: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
    for entry in ALL {
        for words in entry.about.verbs {
            found.entry(words.join(" ")).or_default().push(entry);
        }
    }
    found
}

#[test]
fn every_verb_is_an_operation_or_says_why_not() {
    let asked_for = asked_for();
    let local: BTreeMap<&str, &str> = LOCAL.into_iter().collect();
    for verb in verbs().keys() {
        let (is_operation, is_local) = (asked_for.contains_key(verb), local.contains_key(verb.as_str()));
        assert!(is_operation || is_local, "`baton {verb}` has no row in the table of operations");
        assert!(!(is_operation && is_local), "`baton {verb}` is said to be no operation, and is one");
    }
    let verbs = verbs();
    for verb in local.keys().copied().chain(asked_for.keys().map(String::as_str)) {
        assert!(verbs.contains_key(verb), "there is no `baton {verb}`");
    }
}

#[test]
fn a_verb_takes_what_its_operations_take() {
    let verbs = verbs();
    for (verb, entries) in asked_for() {
        let Some(command) = verbs.get(&verb) else { continue };
        let apart: BTreeSet<&str> =
            APART.iter().filter(|(of, _)| *of == verb).flat_map(|(_, names)| names.iter().copied()).collect();
        let arguments: BTreeSet<&str> = command
            .get_arguments()
            .filter(|argument| !argument.is_global_set() && argument.get_id() != "help")
            .map(|argument| argument.get_id().as_str())
            .filter(|name| !apart.contains(name))
            .collect();
        let inputs: Vec<serde_json::Value> = entries.iter().map(|entry| entry.input()).collect();
        let members: BTreeSet<&str> = inputs
            .iter()
            .filter_map(|input| input.get("properties")?.as_object())
            .flat_map(|members| members.keys().map(String::as_str))
            .filter(|name| !apart.contains(name))
            .collect();
        assert_eq!(arguments, members, "`baton {verb}`");
    }
}

//! Whatever agents, plans and programs say, a terminal is never told to do anything by it.

use serde_json::json;

use crate::support::{Env, Output};

/// Every control character, in front of what makes commands of them, and characters that change what others look like.
fn hostile(about: &str) -> String {
    let controls = (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32);
    let unseen = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{200d}', '\u{feff}', '\u{2028}', '\u{e0041}'];
    let mut text = format!("{about} ");
    for c in controls.chain(unseen) {
        text.extend([c, '[', '2', 'J']);
    }
    text + "\nbaton: r1: 9 of 9 accepted\u{1b}]0;owned\u{7}"
}

/// That nothing is on it but what can be seen, and that no line is another's.
fn harmless(args: &[&str], output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        let acts = |c: &char| {
            (c.is_control() && !matches!(c, '\n' | '\t'))
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..)
        };
        let acting = text.chars().find(acts);
        assert_eq!(acting, None, "{args:?} printed {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("baton: r1: 9 of")), "{args:?} printed {text}");
    }
}

fn env() -> Env {
    let env = Env::new();
    let done = json!({ "summary": hostile("summary"), "output": hostile("output") }).to_string();
    let (done, said) =
        (env.write("done.json", &done), env.write("said.txt", &hostile("stderr").replace('\n', " ")));
    let (done, said) = (done.display(), said.display());
    let name = serde_json::to_string(&hostile("agent")).expect("a string").replace('\u{7f}', "\\u007f");
    env.write(
        "baton.toml",
        &format!(
            "[agents.doer]\nadapter = \"command\"\nskills = [\"do\"]\nconfig = {{ profile = \"do\" }}\n\
             [agents.failer]\nadapter = \"command\"\nskills = [\"fail\"]\nconfig = {{ profile = \"fail\" }}\n\
             [agents.me]\nadapter = \"person\"\nskills = [\"decide\"]\n\
             [agents.{name}]\nadapter = \"mock\"\nskills = [\"named\"]\n\
             [profiles.do]\nargv = [\"/bin/cat\", \"{done}\"]\n\
             [profiles.fail]\nargv = [\"/bin/sh\", \"-c\", \"cat {said} >&2; exit 1\"]\n"
        ),
    );
    let task = |id: &str, skill: &str| {
        json!({ "id": id, "title": hostile("title"), "skills": [skill], "effects": "pure", "retry": { "attempts": 2, "base": "1ms" },
                "track": hostile("track"), "input": { "question": hostile("question"), "choices": [hostile("yes"), "no"] } })
    };
    let tasks =
        [task("a", "do"), task("b", "fail"), task("c", "decide"), task("d", "named"), task("e", "nobody")];
    env.write("plan.json", &json!({ "name": hostile("plan"), "workstreams": tasks }).to_string());
    let bad = json!({ "workstreams": [{ "id": hostile("id"), "depends_on": [hostile("other")], "executor": hostile("executor") }] });
    env.write("bad.json", &bad.to_string());
    env
}

#[test]
fn no_verb_prints_what_a_terminal_acts_on() {
    let env = env();
    let run = env.baton(&["run", "plan.json"]);
    assert!(run.stdout.contains("a accepted"), "{run:?}");
    harmless(&["run"], &run);
    // What is typed has no NUL, and its line breaks are the typist's own.
    let (id, hostile_router) = (hostile("id").replace(['\0', '\n'], ""), hostile("router").replace('\0', ""));
    let verbs: &[&[&str]] = &[
        &["questions"],
        &["status"],
        &["show", "a"],
        &["show", "b"],
        &["show", "c"],
        &["why", "a"],
        &["why", "b"],
        &["why", "c"],
        &["why", "e"],
        &["report"],
        &["report", "--md"],
        &["dead", "list"],
        &["dead", "show", "b"],
        &["events"],
        &["cost"],
        &["insights"],
        &["skills"],
        &["agents", "list"],
        &["agents", "show", "failer"],
        &["router", "explain", "d"],
        &["notes", "list"],
        &["plan", "check", "plan.json"],
        &["plan", "check", "bad.json"],
        &["plan", "graph", "plan.json"],
        &["plan", "graph", "plan.json", "--format", "mermaid"],
        &["plan", "graph", "plan.json", "--format", "dot"],
        &["run", "bad.json"],
        &["run", "plan.json", "--again", "--dry-run"],
        &["run", "plan.json", "--router", &hostile_router],
        &["show", &id],
        &["skills", &id],
        &[&id],
        &["plan", "check", &id],
        &["plugin", "check", &id],
    ];
    for args in verbs {
        harmless(args, &env.baton(args));
        let json: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        harmless(&json, &env.baton(&json));
    }
    let shown = env.baton(&["show", "a", "--json"]).json();
    let said = &shown["attempts"][0]["report"]["outcome"]["summary"];
    assert_eq!(said.as_str(), Some(&*hostile("summary")), "values stay as they are");
    env.baton(&["report", "--write", "out"]).ok();
    let written = std::fs::read_to_string(env.path("out/report.md")).expect("it is there");
    assert_eq!(written.chars().find(|c| c.is_control() && *c != '\n'), None, "{written:?}");
}

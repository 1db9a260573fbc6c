//! The command line itself: version, completions, man pages, the pager, colours of the log.

use std::process::Command;

use serde_json::json;

use crate::support::{BATON, Env, cache, output, plan, root};

#[test]
fn the_version_names_the_commit() {
    let said = Env::new().baton(&["--version"]).ok();
    let git = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).current_dir(root()).output();
    let commit = git
        .ok()
        .filter(|git| git.status.success())
        .map(|git| String::from_utf8_lossy(&git.stdout).trim().to_owned());
    assert!(said.starts_with("baton 0.1.0"), "{said}");
    // A source archive has no commit.
    if let Some(commit) = commit {
        assert!(said.contains(&commit), "{said} is not of {commit}");
    }
}

#[test]
fn completions_are_scripts_that_their_shells_take() {
    let env = Env::new();
    for (shell, word) in
        [("bash", "complete -F _baton"), ("zsh", "#compdef baton"), ("fish", "complete -c baton")]
    {
        let script = env.baton(&["completions", shell]).ok();
        assert!(script.contains(word), "{shell}: {script:.200}");
    }
    env.write("baton.bash", &env.baton(&["completions", "bash"]).ok());
    let mut bash = Command::new("bash");
    bash.args(["-c", "source baton.bash; COMP_WORDS=(baton plu); COMP_CWORD=1; _baton baton plu baton; echo ${COMPREPLY[@]}"]);
    bash.current_dir(env.path("."));
    assert_eq!(output(bash).ok(), "plugin\n");
}

#[test]
fn there_is_a_man_page_for_each_verb() {
    let env = Env::new();
    assert!(env.baton(&["man"]).ok().contains(".SH NAME\nbaton"));
    env.baton(&["man", "--write", "man"]).ok();
    for page in ["baton.1", "baton-run.1", "baton-plugin-add.1", "baton-doctor.1"] {
        let text = std::fs::read_to_string(env.path(&format!("man/{page}")))
            .unwrap_or_else(|why| panic!("{page}: {why}"));
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
}

/// `script` gives a program a terminal of its own.
fn on_a_terminal(env: &Env, line: &str) -> String {
    let mut script = Command::new("script");
    script.args(["--quiet", "--command", line, "/dev/null"]).current_dir(env.path("."));
    script.env("BATON_CACHE", cache()).env("TERM", "xterm");
    output(script).stdout
}

#[test]
fn long_lists_go_through_a_pager_only_where_somebody_looks() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    env.baton(&["run", "plan.json"]).ok();
    env.write("page.sh", "sed 's/^/paged: /'\n");
    let paged = on_a_terminal(&env, &format!("BATON_PAGER='sh page.sh' {BATON} status"));
    assert!(paged.contains("paged: r1 test: 1 succeeded"), "{paged}");
    let plain = on_a_terminal(&env, &format!("BATON_PAGER='sh page.sh' {BATON} --no-pager status"));
    assert!(plain.contains("r1 test: 1 succeeded") && !plain.contains("paged: "), "{plain}");
    let mut piped = env.command(&["status"]);
    piped.env("BATON_PAGER", "sh page.sh");
    assert!(!output(piped).ok().contains("paged: "));
}

#[test]
fn bars_fit_a_narrow_terminal() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.a-rather-long-name]\nadapter = \"mock\"\nconfig = { latency-ms = 1500 }\n",
    );
    let id = "a-task-with-a-name-that-is-longer-than-the-screen-is-wide";
    env.write("plan.json", &plan(json!([{ "id": id }])));
    let shown = on_a_terminal(&env, &format!("stty cols 40 rows 20; {BATON} run plan.json"));
    // Whatever is wider than the screen goes on in its next row.
    let rows: Vec<String> = visible(&shown).iter().flat_map(|line| rows(line, 40)).collect();
    assert!(rows.iter().any(|row| row.starts_with("r1 [") && row.ends_with("] 0/1 0s")), "{rows:?}");
    let busy = |row: &&String| row.contains("a-rather-lon a-task-with-a-name");
    let busy: Vec<&String> = rows.iter().filter(busy).collect();
    assert!(!busy.is_empty() && busy.iter().all(|row| row.ends_with('s')), "{rows:?}");
    assert!(shown.contains("r1 test: 1 of 1 accepted"), "{shown:?}");
}

/// What stands between the sequences that move the cursor or clear a line.
fn visible(text: &str) -> Vec<String> {
    let mut shown = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                let end = chars.by_ref().find(|c| c.is_ascii_alphabetic());
                shown.push(if end == Some('m') { ' ' } else { '\n' });
            }
            '\r' => shown.push('\n'),
            c => shown.push(c),
        }
    }
    shown.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

fn rows(line: &str, width: usize) -> Vec<String> {
    line.chars().collect::<Vec<_>>().chunks(width).map(|row| row.iter().collect()).collect()
}

#[test]
fn the_log_has_no_colours_where_nobody_looks() {
    let env = Env::new();
    env.write("baton.toml", "[agents.a]\nadapter = \"mock\"\nconfig = { fail-first = 9, fault = \"transient\" }\n[breaker]\nfailures = 1\npause = \"50ms\"\n");
    env.write("plan.json", &plan(json!([{ "id": "a", "retry": { "attempts": 2, "base": "1ms" } }])));
    let said = env.baton(&["run", "plan.json"]).fails(1);
    assert!(said.contains("WARN") && !said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn an_event_that_does_not_exist_is_no_filter() {
    let env = Env::with_mocks();
    let said = env.baton(&["events", "--kind", "acepted"]).fails(2);
    assert!(said.starts_with("baton: there is no event \"acepted\" (did you mean \"accepted\"?)"), "{said}");
}

/// Nobody may be there to read what went wrong either.
#[test]
fn an_error_that_can_not_be_printed_is_still_the_exit_code() {
    let env = Env::with_mocks();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{BATON} run nowhere.json 2>/dev/full")]).current_dir(env.path("."));
    assert_eq!(output(shell).code, Some(2));
}

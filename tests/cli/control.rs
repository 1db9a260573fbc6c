//! Pausing, resuming, cancelling; a second baton; Ctrl-C.

use baton_core::clock::Time;
use baton_core::id::RunId;
use baton_core::task::StateName;
use baton_store::testing::StoredTask;
use baton_store::testing::tamper::Alteration;
use serde_json::json;

use crate::support::stored::{Stored, lasted};
use crate::support::{Env, chain, plan};

const SLOW: &str = r#"
[agents.slow]
adapter = "mock"
skills = ["work"]
config = { latency-ms = 600000 }

[agents.quick]
adapter = "mock"
skills = ["quick"]
"#;

fn slow() -> Env {
    let env = Env::new();
    env.write("baton.toml", SLOW);
    env.write(
        "plan.json",
        &plan(json!([{ "id": "long", "skills": ["work"] }, { "id": "next", "skills": ["quick"], "depends_on": ["long"] }])),
    );
    env
}

/// Whether a task runs.
fn runs(stored: &Stored) -> bool {
    stored.tasks_in(StateName::Running) > 0
}

#[test]
fn a_second_baton_talks_to_the_one_that_runs() {
    let env = slow();
    let host = env.start(&["run", "plan.json"]);
    env.until("the first task", runs);
    let why = env.baton(&["why", "long"]).ok();
    assert!(why.starts_with("long is running: slow has it since "), "{why}");
    assert_eq!(env.baton(&["cancel", "long"]).ok(), "long cancelled\n");
    let output = host.wait();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert!(output.stdout.contains("long cancelled: it was asked to stop"), "{}", output.stdout);
    assert_eq!(
        env.baton(&["why", "next"]).ok(),
        "next waits for long, which was cancelled: `baton retry long` or `baton dead drop long`\n"
    );
}

#[test]
fn the_socket_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = slow();
    let _host = env.start(&["run", "plan.json"]);
    env.until("the first task", runs);
    let mode =
        std::fs::metadata(env.path(".baton/baton.sock")).expect("there is a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn another_plan_is_run_by_the_host_that_is_there() {
    let env = slow();
    let mut host = env.start(&["run", "plan.json"]);
    env.until("the first task", runs);
    env.write("other.json", &plan(json!([{ "id": "quick", "skills": ["quick"] }])));
    let said = env.baton(&["run", "other.json"]).ok();
    assert!(said.contains("r2 test: 1 of 1 accepted"), "{said}");
    host.kill();
}

#[test]
fn a_host_that_does_not_answer_is_named() {
    let env = slow();
    let host = env.start(&["run", "plan.json"]);
    env.until("the first task", runs);
    std::fs::remove_file(env.path(".baton/baton.sock")).expect("there is a socket");
    let said = env.baton(&["pause", "r1"]).fails(3);
    assert!(said.contains(&format!("is in use by another baton (process {})", host.id())), "{said}");
}

#[test]
fn a_paused_run_starts_nothing_and_exits_with_4() {
    let env = slow();
    let config = format!(
        "{SLOW}\n[agents.brief]\nadapter = \"mock\"\nskills = [\"brief\"]\nconfig = {{ latency-ms = 1500 }}\n"
    );
    env.write("baton.toml", &config);
    env.write(
        "plan.json",
        &plan(json!([{ "id": "first", "skills": ["brief"] }, { "id": "second", "skills": ["quick"], "depends_on": ["first"] }])),
    );
    let host = env.start(&["run", "plan.json"]);
    env.until("the first task", runs);
    assert_eq!(env.baton(&["pause", "r1"]).ok(), "r1 paused\n");
    let output = host.wait();
    assert_eq!(output.code, Some(4), "{} {}", output.stdout, output.stderr);
    assert_eq!(env.baton(&["why", "second"]).ok(), "second is paused: `baton resume r1`\n");
    assert_eq!(env.baton(&["resume", "r1"]).ok(), "r1 goes on\n");
    assert!(env.baton(&["run", "plan.json"]).ok().contains("2 of 2 accepted"));
}

#[test]
fn whoever_only_watches_a_paused_run_exits_with_4_as_well() {
    let env = slow();
    env.write(
        "other.json",
        &plan(json!([{ "id": "o", "skills": ["quick"] }, { "id": "p", "skills": ["work"] }])),
    );
    let _host = env.start(&["run", "plan.json"]);
    env.until("the first task", runs);
    let watcher = env.start(&["run", "other.json"]);
    env.until("the second run", |stored| {
        let is_done = |stored: &StoredTask| {
            stored.task.run == RunId(2) && stored.task.state.name() == StateName::Succeeded
        };
        stored.tasks().iter().any(is_done)
    });
    assert_eq!(env.baton(&["pause", "r2"]).ok(), "r2 paused\n");
    let output = watcher.wait();
    assert_eq!(output.code, Some(4), "{} {}", output.stdout, output.stderr);
}

#[test]
fn a_store_that_another_machine_has_is_left_alone_until_its_lease_is_over() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    env.baton(&["run", "plan.json", "--detach"]).ok();
    let other = |lease: i64| {
        env.alter(&[Alteration::Host { boot: 7, pid: 42, machine: "elsewhere/1", lease_until: Time(lease) }]);
    };
    other(9_000_000_000_000);
    let said = env.baton(&["run", "plan.json"]).fails(3);
    assert!(
        said.contains("a host on another machine (elsewhere/1, process 42) has this store until "),
        "{said}"
    );
    other(1);
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(env.stored().newest_boot(), 8);
}

#[test]
fn a_paused_task_waits_and_the_rest_goes_on() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }, { "id": "b", "skills": ["work"], "depends_on": ["a"] }])));
    env.baton(&["run", "plan.json", "--detach"]).ok();
    env.baton(&["pause", "b"]).ok();
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(4));
    assert_eq!(env.baton(&["why", "b"]).ok(), "b is paused: `baton resume b`\n");
    env.baton(&["resume", "b"]).ok();
    env.baton(&["run", "plan.json"]).ok();
}

#[test]
fn an_interrupt_waits_for_what_runs_and_a_second_stops_at_once() {
    let env = slow();
    let host = env.start(&["run", "plan.json"]);
    env.until("the first task", runs);
    host.interrupt();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(runs(&env.stored()), "the first interrupt lets it finish");
    host.interrupt();
    let output = host.wait();
    assert_eq!(output.code, Some(3), "{}", output.stderr);
    assert_eq!(env.stored().task().task.attempts, 0, "nothing was charged");
    assert_eq!(env.stored().events_of(RunId(1)).last().expect("it has events").fact.kind(), "released");
}

#[test]
fn a_native_program_dies_with_its_host() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.sh]\nadapter = \"command\"\nconfig = { profile = \"sleep\" }\n\
         [profiles.sleep]\nargv = [\"sh\", \"-c\", \"echo $$ > pid; sleep 600 & wait\"]\nenv = [\"PATH\"]\n",
    );
    env.write("plan.json", &plan(json!([{ "id": "a" }])));
    let mut host = env.start(&["run", "plan.json"]);
    let started = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        std::fs::read_to_string(env.path("pid")).is_ok_and(|pid| pid.ends_with('\n'))
    });
    assert!(started, "the program did not start");
    let pid: i32 =
        std::fs::read_to_string(env.path("pid")).expect("it wrote its id").trim().parse().expect("a number");
    host.kill();
    let gone = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        !std::path::Path::new(&format!("/proc/{pid}")).exists()
    });
    assert!(gone, "process {pid} outlived its host");
}

#[test]
fn a_run_that_was_handed_over_is_finished_by_who_hosts_it() {
    let env = Env::new();
    let agent = |name: &str, millis: u32| {
        format!(
            "[agents.{name}]\nadapter = \"mock\"\nskills = [\"{name}\"]\nconfig = {{ latency-ms = {millis} }}\n"
        )
    };
    env.write("baton.toml", &[agent("short", 500), agent("long", 1000)].concat());
    env.write("first.json", &plan(chain(2, "short")));
    env.write("second.json", &plan(chain(4, "long")));
    let first = env.start(&["run", "first.json"]);
    env.until("the first task", runs);
    let second = env.start(&["run", "second.json"]);
    let (first, second) = (first.wait(), second.wait());
    assert_eq!(second.code, Some(0), "{second:?}");
    assert!(second.stdout.contains("r2 test: 4 of 4 accepted"), "{}", second.stdout);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stdout.contains("r1 test: 2 of 2 accepted"), "{}", first.stdout);
    assert!(
        first.stderr.contains("r2, which was handed over to this host, goes on here"),
        "{}",
        first.stderr
    );
}

#[test]
fn a_run_whose_host_is_killed_goes_on_with_who_follows_it() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.a]\nadapter = \"mock\"\nskills = [\"work\"]\nconfig = { latency-ms = 300 }\n",
    );
    env.write("second.json", &plan(chain(4, "work")));
    let mut first = env.start(&["run", "second.json"]);
    env.until("the first task", runs);
    let second = env.start(&["run", "second.json"]);
    env.until("half of it", |stored| stored.tasks_in(StateName::Succeeded) > 1);
    first.kill();
    let second = second.wait();
    assert_eq!(second.code, Some(0), "{second:?}");
    assert!(second.stderr.contains("the host ended before r1 did: it goes on here"), "{}", second.stderr);
    assert!(second.stdout.contains("4 of 4 accepted"), "{}", second.stdout);
    assert_eq!(env.stored().runs().len(), 1);
}

#[test]
fn an_agent_without_its_adapter_is_named_and_is_in_nobodys_way() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.ann]\nadapter = \"mock\"\nskills = [\"work\"]\n[agents.web]\nadapter = \"gone\"\nskills = [\"work\", \"web\"]\n",
    );
    env.write(
        "plan.json",
        &plan(json!([{ "id": "a", "skills": ["work"] }, { "id": "b", "skills": ["work"] }])),
    );
    let output = env.baton(&["run", "plan.json"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(
        output.stderr.contains("[agents.web] is left out: gone can't be loaded: no agent of this name"),
        "{}",
        output.stderr
    );
    assert_eq!(env.stored().attempts().len(), 2);
}

#[test]
fn an_effect_of_a_host_that_was_killed_is_not_held_against_its_agent() {
    let env = slow();
    env.write("plan.json", &plan(json!([{ "id": "long", "skills": ["work"], "effects": "external" }])));
    let mut host = env.start(&["run", "plan.json"]);
    env.until("the first task", runs);
    host.kill();
    let again = env.baton(&["run", "plan.json"]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(
        again.stdout.contains("lost: the host that ran it ended; it may have acted already"),
        "{}",
        again.stdout
    );
    assert_eq!(env.stored().tallies(), 0, "nothing was learned of its agent");
    let took = lasted(&env.stored().attempts()[0]);
    let starts = env.stored().host_starts();
    let down = starts[starts.len() - 1].0 - starts[0].0;
    assert!(took <= down, "the time without a host is not work: {took} of {down} ms");
}

#[test]
fn a_deadline_is_part_of_what_is_rehearsed() {
    let env = slow();
    let task = |id: &str, after: &[&str]| json!({ "id": id, "skills": ["work"], "depends_on": after, "estimate": "1m", "timeouts": { "deadline": "30s" } });
    env.write("plan.json", &plan(json!([task("a", &[]), task("b", &["a"])])));
    let said = env.baton(&["run", "plan.json", "--dry-run"]);
    assert!(matches!(said.code, Some(0 | 1)), "{said:?}");
    assert!(!env.path(".baton/baton.db").exists(), "nothing was written");
}

#[test]
fn what_is_over_is_not_cancelled() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(env.baton(&["cancel", "r1"]).fails(1), "baton: r1 has ended: there is nothing to cancel\n");
    assert_eq!(
        env.baton(&["cancel", "a"]).fails(1),
        "baton: a is succeeded already: there is nothing to cancel\n"
    );
    assert_eq!(
        env.baton(&["skills", "wrok"]).fails(2),
        "baton: nobody declares \"wrok\" or was tried on it (did you mean \"work\"?)\n"
    );
}

#[test]
fn a_second_pause_and_a_second_resumption_change_nothing() {
    let env = slow();
    env.baton(&["run", "plan.json", "--detach"]).ok();
    for target in ["r1", "next"] {
        let count = || env.stored().record().len();
        assert_eq!(env.baton(&["pause", target]).ok(), format!("{target} paused\n"));
        let paused = count();
        assert_eq!(env.baton(&["pause", target]).ok(), format!("{target} paused\n"));
        assert_eq!(count(), paused, "{target}");
        assert_eq!(env.baton(&["resume", target]).ok(), format!("{target} goes on\n"));
        let resumed = count();
        assert_eq!(env.baton(&["resume", target]).ok(), format!("{target} goes on\n"));
        assert_eq!(count(), resumed, "{target}");
    }
    env.baton(&["cancel", "next"]).ok();
    let said = |verb: &str| env.baton(&[verb, "next"]).fails(1);
    assert_eq!(said("pause"), "baton: next is cancelled already: there is nothing to pause\n");
    assert_eq!(said("resume"), "baton: next is cancelled already: there is nothing to resume\n");
}

/// It waits for whoever is told of a question, and takes nothing any more.
#[test]
fn what_a_host_that_ends_no_longer_takes_is_done_after_it() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.me]\nadapter = \"person\"\nskills = [\"decide\"]\n[people]\nnotify-profile = \"tell\"\n\
         [profiles.tell]\nargv = [\"sleep\", \"4\"]\nenv = [\"PATH\"]\n",
    );
    env.write(
        "plan.json",
        r#"[{"id": "asked", "skills": ["decide"], "effects": "pure", "input": {"question": "Well?"}}]"#,
    );
    let host = env.start(&["run", "plan.json"]);
    env.until("the end of the host", |stored| !stored.events("host-stopped").is_empty());
    assert_eq!(env.baton(&["pause", "r1"]).ok(), "r1 paused\n");
    assert_eq!(host.wait().code, Some(4));
    let run = env.stored().runs().into_iter().next().expect("there is one");
    assert!(run.held);
}

#[test]
fn a_store_is_its_owners_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    let mut command = std::process::Command::new("/bin/sh");
    command
        .arg("-c")
        .arg("umask 000; exec \"$0\" \"$@\"")
        .arg(crate::support::BATON)
        .args(["run", "plan.json"]);
    command.current_dir(env.path("")).env("BATON_CACHE", crate::support::cache());
    crate::support::output(command).ok();
    let mode =
        |name: &str| std::fs::metadata(env.path(name)).expect("it is there").permissions().mode() & 0o777;
    assert_eq!([mode(".baton"), mode(".baton/baton.db"), mode(".baton/baton.lock")], [0o700, 0o600, 0o600]);
}

#[test]
fn a_host_that_is_drained_starts_nothing_more_and_ends_with_what_runs() {
    let env = slow();
    let tasks = json!([{ "id": "long", "skills": ["work"] }, { "id": "next", "skills": ["work"] }]);
    env.write("plan.json", &plan(tasks));
    assert_eq!(env.baton(&["drain"]).fails(1), "baton: no host is running, so there is none to end\n");
    env.baton(&["run", "plan.json", "--detach"]).ok();
    let host = env.start(&["host"]);
    env.until("the first task", runs);
    let said = env.baton(&["drain"]).ok();
    assert_eq!(said, format!("the host (process {}) ends once what runs has ended\n", host.id()));
    assert_eq!(
        env.baton(&["why", "next"]).ok(),
        "next waits for the next host: the one that runs is ending, and starts nothing more\n"
    );
    env.baton(&["cancel", "long"]).ok();
    assert_eq!(host.wait().code, Some(0));
    assert_eq!(env.stored().tasks_in(StateName::Succeeded), 0, "nothing more was started");
    assert!(env.baton(&["why", "next"]).ok().starts_with("next is ready, and no host is running"));
}

//! The real binary under kill -9: at every named point of a commit and an attempt, and at random. What was accepted
//! stays accepted, nothing is accepted twice, and the end equals that of a run that nobody disturbed.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use baton_core::ending::Ending;
use baton_core::task::StateName;
use baton_store::testing::{StoredAttempt, StoredTask};
use serde_json::json;

use crate::support::stored::Stored;
use crate::support::{Env, output, plan, seed};

/// Kills at random in the longer loop: `BATON_KILLS=1000 cargo test --test durability -- kill`.
fn random_kills() -> u64 {
    std::env::var("BATON_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(36)
}

/// Twenty tasks in a lattice; each appends a line to its own file, so that every execution is seen.
fn lattice() -> Env {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.one]\nadapter = \"command\"\ncapacity = 3\nconfig = { profile = \"note\" }\n\
         [profiles.note]\nenv = [\"PATH\"]\n\
         argv = [\"sh\", \"-c\", \"mkdir -p ran; echo $1 >> ran/$0; sleep 0.0$2; echo '{\\\"by\\\": \\\"'$0'\\\"}'\", \"{task}\", \"{attempt}\", \"{input.pace}\"]\n",
    );
    let one = |index: usize| {
        let on: Vec<String> = [index.checked_sub(4), index.checked_sub(5)]
            .into_iter()
            .flatten()
            .map(|on| format!("t{on:02}"))
            .collect();
        json!({ "id": format!("t{index:02}"), "depends_on": on, "input": { "pace": 1 + index % 3 }, "retry": { "crashes": 100, "base": "1ms" } })
    };
    env.write("plan.json", &plan(json!((0..20).map(one).collect::<Vec<_>>())));
    env
}

/// What must be the same at the end, however it came about.
fn end(env: &Env) -> BTreeMap<String, String> {
    let stored = env.stored();
    let end = |attempt: StoredAttempt| {
        let by = Stored::report(&attempt)["outcome"]["output"]["by"].to_string();
        let state = stored.state_of(&attempt.name);
        (attempt.name, format!("{state} {by}"))
    };
    stored.attempts_that(Ending::Accepted).into_iter().map(end).collect()
}

fn accepted(env: &Env) -> Vec<String> {
    let Some(stored) = Stored::open(&env.path(".baton")) else { return Vec::new() };
    let succeeded = |stored: &StoredTask| stored.task.state.name() == StateName::Succeeded;
    let mut names: Vec<String> =
        stored.tasks().into_iter().filter(succeeded).map(|stored| stored.name).collect();
    names.sort();
    names
}

fn check(env: &Env, undisturbed: &BTreeMap<String, String>, what: &str) {
    assert_eq!(env.baton(&["db", "check"]).ok(), "sound\n", "{what}");
    assert_eq!(end(env), *undisturbed, "{what}");
    let accepted = env.stored().events("accepted");
    let tasks: HashSet<_> = accepted.iter().map(|event| event.task).collect();
    assert_eq!((accepted.len(), tasks.len()), (20, 20), "{what}: a task was accepted twice");
}

fn undisturbed() -> BTreeMap<String, String> {
    let env = lattice();
    env.baton(&["run", "plan.json", "-q"]).ok();
    end(&env)
}

#[test]
fn killed_at_every_named_point_it_goes_on_where_it_was() {
    let expected = undisturbed();
    assert_eq!(expected.len(), 20);
    for point in baton_store::failpoint::RUN {
        let env = lattice();
        let mut kills = 0;
        for count in [1, 4, 9] {
            let mut command = env.command(&["run", "plan.json", "-q"]);
            command.env("BATON_FAILPOINT", format!("{point}:{count}"));
            let before = accepted(&env);
            let ended = output(command);
            kills += usize::from(ended.code.is_none());
            let after = accepted(&env);
            assert!(before.iter().all(|task| after.contains(task)), "{point}: accepted work was lost");
        }
        assert!(kills > 0, "{point} was never reached");
        env.baton(&["run", "plan.json", "-q"]).ok();
        check(&env, &expected, point);
    }
}

/// The file is there before its tables are.
#[test]
fn killed_while_the_store_was_made_it_makes_it_anew() {
    let env = lattice();
    env.write(".baton/baton.db", "");
    assert!(env.baton(&["status"]).fails(2).contains("there is no store in"));
    env.baton(&["run", "plan.json", "-q"]).ok();
    assert_eq!(env.stored().tasks_in(StateName::Succeeded), 20);
}

#[test]
fn killed_at_random_it_goes_on_where_it_was() {
    let expected = undisturbed();
    let seed = seed::drawn("kills");
    let mut kills = 0;
    let mut round = 0;
    while kills < random_kills() {
        let env = lattice();
        round += 1;
        for attempt in 0..40 {
            let mut host = env.start(&["run", "plan.json", "-q"]);
            let pause = seed.of(round).of(attempt).0 % 400;
            std::thread::sleep(Duration::from_millis(30 + pause));
            let before = accepted(&env);
            host.kill();
            kills += 1;
            let after = accepted(&env);
            assert!(before.iter().all(|task| after.contains(task)), "round {round}: accepted work was lost");
            if after.len() == 20 || kills >= random_kills() {
                break;
            }
        }
        env.baton(&["run", "plan.json", "-q"]).ok();
        check(&env, &expected, &format!("round {round}"));
    }
}

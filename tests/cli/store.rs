//! Audit, backup, restore; reading the database with plain SQL.

use baton_core::id::RunId;
use baton_store::testing::Guide;
use baton_store::testing::tamper::{Alteration, To, rows};
use serde_json::json;

use crate::support::{Env, plan};

fn done() -> Env {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }, { "id": "b", "skills": ["work"], "depends_on": ["a"] }])));
    env.baton(&["run", "plan.json"]).ok();
    env
}

#[test]
fn the_queries_of_the_first_guide_run_as_they_stand() {
    let env = done();
    for (query, columns) in [(Guide::Newest, 5), (Guide::ByStart, 3), (Guide::ByStatus, 2)] {
        let found =
            baton_store::testing::guide(env.stored().reader(), query).expect("the query is understood");
        assert_eq!(found.first().map(Vec::len), Some(columns), "{query:?}");
    }
    let status = env.stored().workstream_status();
    assert_eq!(
        status.iter().find(|line| line.workstream == "b").map(|line| line.status.as_str()),
        Some("completed")
    );
}

#[test]
fn an_altered_event_is_named() {
    let env = done();
    assert!(env.baton(&["audit", "verify"]).ok().contains("r1: "));
    let seq = env.stored().events("accepted")[0].seq;
    let altered = [("seq", seq)];
    env.alter(&[Alteration::Replace { rows: rows("event", &altered), column: "fact", from: "0", to: "1" }]);
    let output = env.baton(&["audit", "verify"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.contains(&format!("r1: altered at event {seq} (accepted)")), "{}", output.stdout);
}

#[test]
fn an_audit_names_rows_too_also_those_that_no_event_tells_of() {
    let env = done();
    env.alter(&[
        Alteration::Set { rows: rows("attempt", &[("task_id", 2)]), column: "bill", to: To::Text("{}") },
        Alteration::Set { rows: rows("agent", &[("id", 1)]), column: "card", to: To::Text("{}") },
    ]);
    let output = env.baton(&["audit", "verify"]);
    assert_eq!(output.code, Some(1));
    let named: Vec<&str> = output.stdout.lines().filter(|line| !line.ends_with("intact")).collect();
    let registered = env.stored().events("agent-registered")[0].seq;
    assert_eq!(
        named,
        [
            format!("agent id 1: name or card is not what event {registered} recorded"),
            "attempt task_id 2, epoch 1 (r1/b): no event tells of its bill".to_owned(),
        ]
    );
}

#[test]
fn a_cut_off_tail_is_noticed() {
    let env = done();
    let last = env.stored().events_of(RunId(1)).last().expect("it has events").seq;
    env.alter(&[Alteration::Delete { rows: rows("event", &[("seq", last)]) }]);
    let output = env.baton(&["audit", "verify"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.contains("r1: cut off after event"), "{}", output.stdout);
}

#[test]
fn every_altered_event_is_named_and_those_that_are_gone_by_their_numbers() {
    let env = done();
    let later = |of| Alteration::Add { rows: rows("event", of), column: "epoch", by: 1 };
    env.alter(&[
        later(&[("run_id", 1), ("number", 2)]),
        later(&[("run_id", 1), ("number", 6)]),
        Alteration::Delete { rows: rows("event", &[("run_id", 1), ("number", 4)]) },
    ]);
    let output = env.baton(&["audit", "verify", "r1"]);
    assert_eq!(output.code, Some(1));
    let events = env.stored().events_of(RunId(1));
    let seq = |number: i64| events.iter().find(|event| event.number == number).expect("it is there").seq;
    let expected = [
        format!("r1: altered at event {} (router-used)", seq(2)),
        format!("r1: event number 4, before event {}, is gone", seq(5)),
        format!("r1: altered at event {} (accepted)", seq(6)),
    ];
    let of_chain: Vec<&str> = output.stdout.lines().filter(|line| line.starts_with("r1: ")).collect();
    assert_eq!(of_chain, expected);
}

#[test]
fn a_record_that_was_written_anew_is_told_by_what_was_kept_elsewhere() {
    let env = done();
    let head = env.baton(&["audit", "head"]).ok().trim().to_owned();
    env.write("more.json", &plan(json!([{ "id": "z", "skills": ["work"] }])));
    env.baton(&["run", "more.json", "-q"]).ok();
    let same = env.baton(&["audit", "verify", "--head", &head]).ok();
    let upto = head.split_once('-').map_or("", |(upto, _)| upto);
    assert_eq!(same, format!("all up to event {upto} is what it was\n"));
    // Whoever can write the file can make another record that is sound in itself.
    std::fs::remove_dir_all(env.path(".baton")).expect("it is there");
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }, { "id": "c", "skills": ["work"], "depends_on": ["a"] }])));
    env.baton(&["run", "plan.json", "-q"]).ok();
    assert_eq!(env.baton(&["audit", "verify"]).code, Some(0));
    let output = env.baton(&["audit", "verify", "--head", &head]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.contains(&format!("expected {head}")), "{}", output.stdout);
    let wrong = env.baton(&["audit", "verify", "--head", "12"]).fails(2);
    assert!(wrong.contains("expected what `baton audit head` printed"), "{wrong}");
}

/// The same file with the version before this one, whose record vouched for nothing but itself.
#[test]
fn a_store_of_an_earlier_baton_is_refused_with_the_way_out() {
    let env = done();
    env.alter(&[Alteration::Version(1)]);
    for args in [&["status"][..], &["run", "plan.json"], &["db", "check"], &["agents", "drain", "ann"]] {
        let said = env.baton(args).fails(2);
        assert!(
            said.contains("was written by an earlier baton (schema 1, this one knows 3)"),
            "{args:?}: {said}"
        );
        assert!(said.contains("move it aside and begin anew"), "{args:?}: {said}");
    }
    env.alter(&[Alteration::Version(3)]);
    assert_eq!(env.stored().runs().len(), 1, "nothing was done to it");
}

#[test]
fn check_finds_a_row_that_its_events_do_not_explain() {
    let env = done();
    assert_eq!(env.baton(&["db", "check"]).ok(), "sound\n");
    env.alter(&[Alteration::Set { rows: rows("task", &[("id", 1)]), column: "attempts", to: To::Number(7) }]);
    let output = env.baton(&["db", "check"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.starts_with("t1 is {"), "{}", output.stdout);
}

#[test]
fn a_backup_comes_back() {
    let env = done();
    env.baton(&["db", "backup", "copy.db"]).ok();
    env.write("other.json", &plan(json!([{ "id": "z", "skills": ["work"] }])));
    env.baton(&["run", "other.json"]).ok();
    assert_eq!(env.stored().runs().len(), 2);
    env.baton(&["db", "restore", "copy.db"]).ok();
    assert_eq!(env.stored().runs().len(), 1);
    assert_eq!(env.baton(&["db", "check"]).ok(), "sound\n");
    env.write("broken.db", "nonsense");
    let said = env.baton(&["db", "restore", "broken.db"]).fails(2);
    assert_eq!(said, "baton: broken.db is no store of Baton's: file is not a database\n");
    assert_eq!(env.stored().runs().len(), 1, "a bad copy replaces nothing");
}

/// What a log holds that was lost, together with the ends of the chains.
#[test]
fn a_record_that_lost_its_newest_events_is_noticed() {
    let env = done();
    let before = std::fs::read(env.path(".baton/baton.db")).expect("it is there");
    env.write("more.json", &plan(json!([{ "id": "z", "skills": ["work"] }])));
    env.baton(&["run", "more.json", "-q"]).ok();
    let newest = env.stored().last_seq();
    for part in ["baton.db-wal", "baton.db-shm"] {
        let _ = std::fs::remove_file(env.path(".baton").join(part));
    }
    std::fs::write(env.path(".baton/baton.db"), before).expect("writable");
    let output = env.baton(&["db", "check"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let last = env.stored().last_seq();
    let expected =
        format!("the record ends at event {last}, and went to {newest} when the store was last at rest\n");
    assert_eq!(output.stdout, expected);
}

//! Audit, backup, restore; reading the database with plain SQL.

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
    let conn = env.database();
    for (sql, columns) in [
        ("SELECT * FROM workstream_status ORDER BY started_at DESC LIMIT 10", 5),
        ("SELECT workstream_id, status, agent_id\n FROM workstream_status\n ORDER BY started_at", 3),
        ("SELECT status, COUNT(*)\n FROM workstream_status\n GROUP BY status", 2),
    ] {
        let mut select = conn.prepare(sql).expect("the query is understood");
        assert_eq!(select.column_count(), columns);
        assert!(select.query([]).expect("it runs").next().expect("it has rows").is_some());
    }
    assert_eq!(
        env.sql::<String>("SELECT status FROM workstream_status WHERE workstream_id = 'b'"),
        "completed"
    );
}

#[test]
fn an_altered_event_is_named() {
    let env = done();
    assert!(env.baton(&["audit", "verify"]).ok().contains("r1: "));
    let seq: i64 = env.sql("SELECT min(seq) FROM event WHERE kind = 'accepted'");
    env.database()
        .execute(
            "UPDATE event SET fact = CAST(replace(CAST(fact AS TEXT), '0', '1') AS BLOB) WHERE seq = ?1",
            [seq],
        )
        .expect("it can be altered");
    let output = env.baton(&["audit", "verify"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.contains(&format!("r1: altered at event {seq} (accepted)")), "{}", output.stdout);
}

#[test]
fn an_audit_names_rows_too_also_those_that_no_event_tells_of() {
    let env = done();
    env.database()
        .execute_batch(
            "UPDATE attempt SET bill = '{}' WHERE task_id = 2; UPDATE agent SET card = '{}' WHERE id = 1",
        )
        .expect("written");
    let output = env.baton(&["audit", "verify"]);
    assert_eq!(output.code, Some(1));
    let rows: Vec<&str> = output.stdout.lines().filter(|line| !line.ends_with("intact")).collect();
    let registered: i64 = env.sql("SELECT min(seq) FROM event WHERE kind = 'agent-registered'");
    assert_eq!(
        rows,
        [
            format!("agent id 1: name or card is not what event {registered} recorded"),
            "attempt task_id 2, epoch 1 (r1/b): no event tells of its bill".to_owned(),
        ]
    );
}

#[test]
fn a_cut_off_tail_is_noticed() {
    let env = done();
    let last: i64 = env.sql("SELECT max(seq) FROM event WHERE run_id = 1");
    env.database().execute("DELETE FROM event WHERE seq = ?1", [last]).expect("it can be deleted");
    let output = env.baton(&["audit", "verify"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.contains("r1: cut off after event"), "{}", output.stdout);
}

#[test]
fn every_altered_event_is_named_and_those_that_are_gone_by_their_numbers() {
    let env = done();
    env.database()
        .execute_batch(
            "UPDATE event SET epoch = epoch + 1 WHERE run_id = 1 AND number IN (2, 6); DELETE FROM event WHERE run_id = 1 AND number = 4",
        )
        .expect("written");
    let output = env.baton(&["audit", "verify", "r1"]);
    assert_eq!(output.code, Some(1));
    let seq = |number: i64| {
        env.sql::<i64>(&format!("SELECT seq FROM event WHERE run_id = 1 AND number = {number}"))
    };
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
    env.database().execute_batch("PRAGMA user_version = 1").expect("written");
    for args in [&["status"][..], &["run", "plan.json"], &["db", "check"], &["agents", "drain", "ann"]] {
        let said = env.baton(args).fails(2);
        assert!(
            said.contains("was written by an earlier baton (schema 1, this one knows 2)"),
            "{args:?}: {said}"
        );
        assert!(said.contains("move it aside and begin anew"), "{args:?}: {said}");
    }
    assert_eq!(env.sql::<i64>("SELECT count(*) FROM run"), 1);
}

#[test]
fn check_finds_a_row_that_its_events_do_not_explain() {
    let env = done();
    assert_eq!(env.baton(&["db", "check"]).ok(), "sound\n");
    env.database().execute("UPDATE task SET attempts = 7 WHERE id = 1", []).expect("it can be altered");
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
    assert_eq!(env.sql::<i64>("SELECT count(*) FROM run"), 2);
    env.baton(&["db", "restore", "copy.db"]).ok();
    assert_eq!(env.sql::<i64>("SELECT count(*) FROM run"), 1);
    assert_eq!(env.baton(&["db", "check"]).ok(), "sound\n");
    env.write("broken.db", "nonsense");
    let said = env.baton(&["db", "restore", "broken.db"]).fails(2);
    assert_eq!(said, "baton: broken.db is no store of Baton's: file is not a database\n");
    assert_eq!(env.sql::<i64>("SELECT count(*) FROM run"), 1, "a bad copy replaces nothing");
}

/// What a log holds that was lost, together with the ends of the chains.
#[test]
fn a_record_that_lost_its_newest_events_is_noticed() {
    let env = done();
    let before = std::fs::read(env.path(".baton/baton.db")).expect("it is there");
    env.write("more.json", &plan(json!([{ "id": "z", "skills": ["work"] }])));
    env.baton(&["run", "more.json", "-q"]).ok();
    let newest: i64 = env.sql("SELECT max(seq) FROM event");
    for part in ["baton.db-wal", "baton.db-shm"] {
        let _ = std::fs::remove_file(env.path(".baton").join(part));
    }
    std::fs::write(env.path(".baton/baton.db"), before).expect("writable");
    let output = env.baton(&["db", "check"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let last: i64 = env.sql("SELECT max(seq) FROM event");
    let expected =
        format!("the record ends at event {last}, and went to {newest} when the store was last at rest\n");
    assert_eq!(output.stdout, expected);
}

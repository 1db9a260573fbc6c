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
fn a_cut_off_tail_is_noticed() {
    let env = done();
    let last: i64 = env.sql("SELECT max(seq) FROM event WHERE run_id = 1");
    env.database().execute("DELETE FROM event WHERE seq = ?1", [last]).expect("it can be deleted");
    let output = env.baton(&["audit", "verify"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.contains("r1: cut off after event"), "{}", output.stdout);
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

//! A store that was altered behind baton's back: whatever was done to whatever row of whatever table, `db check` finds it
//! and says which row it is.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::check;
use crate::fixture::history;
use crate::reader::Reader;
use baton_core::seed::Seed;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../../../tests/support/seed.rs"]
mod seed;

/// An alteration in SQL, and what of it the check must say.
const ALTERATIONS: [(&str, &str, &str); 17] = [
    (
        "what was accepted",
        "UPDATE attempt SET report = CAST(replace(CAST(report AS TEXT), 'true', 'false') AS BLOB) WHERE task_id = 1",
        "attempt task_id 1, epoch 1 (r1/plain): ended_at, ending or report is not what event",
    ),
    (
        "all reports",
        "UPDATE attempt SET report = NULL",
        "attempt task_id 1, epoch 1 (r1/plain): ended_at, ending or report is not what event",
    ),
    (
        "what a task is told",
        "UPDATE task_spec SET spec = CAST(replace(CAST(spec AS TEXT), '\"n\":7', '\"n\":8') AS BLOB)",
        "task_spec task_id 1 (r1/plain): run_id, name or spec is not what event",
    ),
    (
        "a plan",
        "UPDATE run_plan SET plan = CAST(replace(CAST(plan AS TEXT), '\"n\":7', '\"n\":8') AS BLOB)",
        "run_plan run_id 1 (r1): digest or plan is not what event",
    ),
    (
        "what a router was asked",
        "UPDATE decision SET input = CAST(replace(CAST(input AS TEXT), 'capacity', 'capacitx') AS BLOB) WHERE id = 1",
        "decision id 1 (r1): run_id, at, router, digest, fuel, input, answer, state_before, state_after, trial_id or shadow_of is not what event",
    ),
    (
        "a decision that is gone",
        "DELETE FROM decision WHERE id = 2",
        "decision id 2 (r1): the row is gone that event",
    ),
    (
        "attempts that are gone",
        "DELETE FROM attempt WHERE task_id < 3",
        "attempt task_id 1, epoch 1 (r1/plain): the row is gone that event",
    ),
    (
        "a card",
        "UPDATE agent SET card = replace(card, 'mock', 'mick') WHERE name = 'ann'",
        "agent id 1: name or card is not what event",
    ),
    (
        "a bill",
        "UPDATE attempt SET bill = '{}' WHERE bill IS NOT NULL",
        "attempt task_id 1, epoch 1 (r1/plain): bill is not what event",
    ),
    (
        "grants",
        "UPDATE plugin SET grants = '[\"net:any\"]'",
        "plugin name \"mine\": kind, digest, grants or added_at is not what event",
    ),
    (
        "an answer",
        "UPDATE question SET answer = 'no'",
        "question id 1 (r1): answer, answered_by or answered_at is not what event",
    ),
    (
        "a note that was forgotten",
        "UPDATE note SET forgotten = 0",
        "note id 1: forgotten: nothing is there any more of what event",
    ),
    (
        "when something happened",
        "UPDATE event SET at = at + 1 WHERE run_id = 1 AND number = 5",
        "the record of r1: altered at event",
    ),
    (
        "a chain's end and an event",
        "UPDATE event SET at = at + 1 WHERE run_id = 1 AND number = 5; DELETE FROM chain",
        "the record of r1: its row of the table chain is gone",
    ),
    (
        "a link of another length",
        "UPDATE event SET link = x'00', epoch = -1 WHERE run_id = 1 AND number = 5",
        "the record of r1: altered at event",
    ),
    (
        "a run with all that is of it",
        "DELETE FROM run WHERE id = 2; DELETE FROM run_plan WHERE run_id = 2; DELETE FROM event WHERE run_id = 2; DELETE FROM chain WHERE run_id = 2; \
      DELETE FROM attempt WHERE task_id IN (SELECT id FROM task WHERE run_id = 2); DELETE FROM task_spec WHERE run_id = 2; \
      DELETE FROM decision WHERE run_id = 2; DELETE FROM task WHERE run_id = 2",
        "run id 2: the row is gone that event",
    ),
    (
        "a trigger",
        "CREATE TRIGGER quiet AFTER INSERT ON event BEGIN DELETE FROM event WHERE seq < 3; END",
        "the schema: trigger quiet is not baton's",
    ),
];

#[test]
fn what_was_altered_is_named_whatever_it_was() {
    let store = history();
    let Reader { conn } = store.reader();
    for (what, sql, expected) in ALTERATIONS {
        conn.execute_batch(&format!("BEGIN; {sql}")).unwrap_or_else(|why| panic!("{what}: {why}"));
        let found = check(store.reader()).expect("readable");
        conn.execute_batch("ROLLBACK").expect("it is taken back");
        assert!(found.iter().any(|line| line.starts_with(expected)), "{what}: {found:#?}");
    }
    assert_eq!(check(store.reader()).expect("readable"), Vec::<String>::new());
}

/// Of a table, what can be altered.
struct Table {
    name: String,
    keys: Vec<String>,
    /// Those that are not part of the key, with their type and whether they may be NULL.
    others: Vec<(String, String, bool)>,
}

/// What is renewed without an event, and counters that mean something only while a task waits for children.
const VOLATILE: [(&str, &str); 4] =
    [("task", "lease_until"), ("host", "lease_until"), ("task", "children"), ("task", "children_ended")];

fn tables(conn: &Connection) -> Vec<Table> {
    let mut select = conn
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
        )
        .expect("readable");
    let names = select.query_map([], |row| row.get::<_, String>(0)).expect("readable");
    names.map(|name| table(conn, name.expect("readable"))).collect()
}

fn table(conn: &Connection, name: String) -> Table {
    let mut select = conn
        .prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1) ORDER BY pk, cid")
        .expect("readable");
    let rows = select
        .query_map([&name], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, bool>(2)?,
                row.get::<_, i64>(3)?,
            ))
        })
        .expect("readable");
    let mut table = Table { name, keys: Vec::new(), others: Vec::new() };
    for row in rows {
        let (column, kind, filled, place) = row.expect("readable");
        if place > 0 {
            table.keys.push(column);
        } else if !VOLATILE.contains(&(table.name.as_str(), column.as_str())) {
            table.others.push((column, kind, !filled));
        }
    }
    table
}

/// What is done to a store, with the keys of the rows of which one must be named.
struct Alteration {
    said: String,
    rows: Vec<Vec<Value>>,
}

/// Numbers of a seed, one after the other.
struct Draws(Seed, i64);

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.1 += 1;
        usize::try_from(self.0.of(self.1).0 % limit as u64).expect("it is below a usize")
    }
}

impl Table {
    fn count(&self, conn: &Connection) -> usize {
        let sql = format!("SELECT count(*) FROM {}", self.name);
        usize::try_from(conn.query_row(&sql, [], |row| row.get::<_, i64>(0)).expect("readable")).expect("few")
    }

    /// A row by lot: its key and its other columns.
    fn row(&self, conn: &Connection, draws: &mut Draws) -> (Vec<Value>, Vec<Value>) {
        let place = draws.below(self.count(conn));
        let columns: Vec<&str> =
            self.keys.iter().chain(self.others.iter().map(|(name, ..)| name)).map(String::as_str).collect();
        let keys = self.keys.join(", ");
        let sql = format!(
            "SELECT {} FROM {} ORDER BY {keys} LIMIT 1 OFFSET {place}",
            columns.join(", "),
            self.name
        );
        let all: Vec<Value> = conn
            .query_row(&sql, [], |row| (0..columns.len()).map(|column| row.get(column)).collect())
            .expect("there is such a row");
        let (key, others) = all.split_at(self.keys.len());
        (key.to_vec(), others.to_vec())
    }

    fn condition(&self) -> String {
        self.keys.iter().map(|key| format!("{key} = ?")).collect::<Vec<_>>().join(" AND ")
    }

    fn set(&self, conn: &Connection, column: &str, value: &Value, key: &[Value]) -> rusqlite::Result<usize> {
        let sql = format!("UPDATE {} SET {column} = ? WHERE {}", self.name, self.condition());
        conn.execute(&sql, params_from_iter(std::iter::once(value).chain(key)))
    }

    /// Alters something by lot; none where nothing would be another than before.
    fn alter(&self, conn: &Connection, draws: &mut Draws) -> Option<Alteration> {
        let (key, others) = self.row(conn, draws);
        let shown = format!("{} {key:?}", self.name);
        match draws.below(6) {
            0 => {
                let sql = format!("DELETE FROM {} WHERE {}", self.name, self.condition());
                conn.execute(&sql, params_from_iter(&key)).ok()?;
                Some(Alteration { said: format!("{shown} deleted"), rows: vec![key] })
            }
            1 => self
                .double(conn, &key, &others, draws)
                .map(|new| Alteration { said: format!("{shown} doubled as {new:?}"), rows: vec![new] }),
            2 => {
                let place = draws.below(self.keys.len());
                let new = other(&key[place], "", draws);
                self.set(conn, &self.keys[place], &new, &key).ok()?;
                Some(Alteration { said: format!("{shown}: its key has {new:?}"), rows: vec![key] })
            }
            3 => self.exchange(conn, &key, &others, draws),
            _ if self.others.is_empty() => None,
            _ => {
                let place = draws.below(self.others.len());
                let (column, kind, nullable) = &self.others[place];
                let old = &others[place];
                let empty = *nullable && *old != Value::Null && draws.below(3) == 0;
                let new = if empty { Value::Null } else { other(old, kind, draws) };
                self.set(conn, column, &new, &key).ok()?;
                Some(Alteration {
                    said: format!("{shown}: {column} from {old:?} to {new:?}"),
                    rows: vec![key],
                })
            }
        }
    }

    /// The same once more under another key.
    fn double(
        &self,
        conn: &Connection,
        key: &[Value],
        others: &[Value],
        draws: &mut Draws,
    ) -> Option<Vec<Value>> {
        let mut new = key.to_vec();
        let last = new.len() - 1;
        new[last] = match &key[last] {
            Value::Integer(number) => Value::Integer(number + 1000 + draws.below(1000) as i64),
            _ => other(&key[last], "", draws),
        };
        let columns: Vec<&str> =
            self.keys.iter().chain(self.others.iter().map(|(name, ..)| name)).map(String::as_str).collect();
        let volatile = VOLATILE.iter().filter(|(table, _)| *table == self.name).map(|(_, column)| *column);
        let names: Vec<&str> = columns.iter().copied().chain(volatile.clone()).collect();
        let places = vec!["?"; names.len()].join(", ");
        // Names are unique in some tables.
        let fresh =
            others.iter().zip(&self.others).map(|(value, (column, ..))| match (column.as_str(), value) {
                ("name" | "key" | "lesson", Value::Text(text)) => Value::Text(format!("{text}~")),
                (_, value) => value.clone(),
            });
        let values = new.iter().cloned().chain(fresh).chain(volatile.map(|_| Value::Integer(0)));
        let sql = format!("INSERT INTO {} ({}) VALUES ({places})", self.name, names.join(", "));
        conn.execute(&sql, params_from_iter(values)).ok()?;
        Some(new)
    }

    /// Two rows of which each has the other's content.
    fn exchange(
        &self,
        conn: &Connection,
        key: &[Value],
        others: &[Value],
        draws: &mut Draws,
    ) -> Option<Alteration> {
        let (second, theirs) = self.row(conn, draws);
        if second == key || others == theirs {
            return None;
        }
        // Unique names stand in each other's way until one of them is gone.
        conn.execute_batch("SAVEPOINT one").ok()?;
        let sql = format!("DELETE FROM {} WHERE {}", self.name, self.condition());
        let full = |key: &[Value]| -> Vec<Value> {
            let sql = format!("SELECT * FROM {} WHERE {}", self.name, self.condition());
            let mut select = conn.prepare(&sql).expect("readable");
            let count = select.column_count();
            select
                .query_row(params_from_iter(key), |row| (0..count).map(|column| row.get(column)).collect())
                .expect("it is there")
        };
        let (mut one, mut two) = (full(key), full(&second));
        for name in &self.keys {
            let place = self.place(conn, name);
            std::mem::swap(&mut one[place], &mut two[place]);
        }
        for row in [key, &second] {
            conn.execute(&sql, params_from_iter(row)).ok()?;
        }
        let places = vec!["?"; one.len()].join(", ");
        for row in [&one, &two] {
            conn.execute(&format!("INSERT INTO {} VALUES ({places})", self.name), params_from_iter(row))
                .ok()?;
        }
        let said = format!("{} {key:?} and {second:?} exchanged", self.name);
        Some(Alteration { said, rows: vec![key.to_vec(), second] })
    }

    fn place(&self, conn: &Connection, column: &str) -> usize {
        let sql = "SELECT cid FROM pragma_table_info(?1) WHERE name = ?2";
        let place: i64 = conn.query_row(sql, [&self.name, column], |row| row.get(0)).expect("a column");
        usize::try_from(place).expect("few")
    }

    /// The words of which one must be in what is found.
    fn names(&self, conn: &Connection, key: &[Value]) -> Vec<String> {
        let text = |value: &Value| match value {
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => format!("{text:?}"),
            other => format!("{other:?}"),
        };
        let plain = |value: &Value| text(value).trim_matches('"').to_owned();
        match self.name.as_str() {
            "task" => vec![format!("t{} ", text(&key[0]))],
            "tally" => vec![format!("of a{} on {}", text(&key[0]), text(&key[1]))],
            "state" => vec![format!("state {}: ", plain(&key[0]))],
            "chain" => vec![format!("the record of {}: ", whose(plain(&key[0])))],
            "event" => {
                let sql = "SELECT run_id FROM event WHERE seq = ?1";
                let run = conn.query_row(sql, [&key[0]], |row| row.get::<_, i64>(0));
                let runs = run.map(|run| format!("the record of {}: ", whose(run.to_string())));
                runs.into_iter().collect()
            }
            name => {
                let parts =
                    self.keys.iter().zip(key).map(|(column, value)| format!("{column} {}", text(value)));
                vec![format!("{name} {}", parts.collect::<Vec<_>>().join(", "))]
            }
        }
    }
}

fn whose(run: String) -> String {
    if run == "0" { "the host".to_owned() } else { format!("r{run}") }
}

/// Something of the same type that is another.
fn other(value: &Value, kind: &str, draws: &mut Draws) -> Value {
    match value {
        Value::Integer(number) => {
            Value::Integer(number + 1 + i64::try_from(draws.below(5000)).expect("small"))
        }
        Value::Real(number) => Value::Real(number + 0.125),
        Value::Text(text) => {
            let mut letters: Vec<char> = text.chars().collect();
            if letters.is_empty() {
                return Value::Text("x".into());
            }
            let place = draws.below(letters.len());
            letters[place] = if letters[place] == 'x' { 'y' } else { 'x' };
            Value::Text(letters.into_iter().collect())
        }
        Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            if bytes.is_empty() {
                return Value::Blob(vec![0]);
            }
            let place = draws.below(bytes.len());
            bytes[place] ^= 1 << draws.below(7);
            Value::Blob(bytes)
        }
        Value::Null => match kind {
            "TEXT" => Value::Text("x".into()),
            "BLOB" => Value::Blob(vec![b'x']),
            "REAL" => Value::Real(0.5),
            _ => Value::Integer(1),
        },
    }
}

#[test]
fn every_table_is_guarded_in_every_column() {
    let seed = seed::drawn("alterations");
    let store = history();
    let Reader { conn } = store.reader();
    let tables = tables(conn);
    let empty: Vec<&str> =
        tables.iter().filter(|table| table.count(conn) == 0).map(|table| table.name.as_str()).collect();
    assert_eq!(empty, Vec::<&str>::new(), "every table is to be tried");
    let (mut tried, mut touched, mut missed) = (0, BTreeSet::new(), Vec::new());
    for round in 0..seed::rounds(480) {
        let table = &tables[round as usize % tables.len()];
        let mut draws = Draws(seed.of(i64::from(round)), 0);
        conn.execute_batch("BEGIN").expect("a transaction begins");
        let before = table.count(conn);
        let alteration = table.alter(conn, &mut draws);
        if let Some(Alteration { said, rows }) = alteration {
            let found = check(store.reader()).expect("readable");
            conn.execute_batch("ROLLBACK").expect("it is taken back");
            let names: Vec<String> = rows.iter().flat_map(|key| table.names(conn, key)).collect();
            let named =
                |line: &String| names.is_empty() || names.iter().any(|name| line.contains(name.as_str()));
            if !found.iter().any(named) {
                missed.push(format!(
                    "round {round} ({before} rows): {said}, expected one of {names:?} in {found:#?}"
                ));
            }
            tried += 1;
            touched.insert(table.name.clone());
        } else {
            conn.execute_batch("ROLLBACK").expect("it is taken back");
        }
    }
    assert!(missed.is_empty(), "BATON_SEED={}: {} of {tried}: {}", seed.0, missed.len(), missed.join("\n"));
    assert!(tried >= 200 || std::env::var("BATON_ROUNDS").is_ok(), "{tried} alterations");
    assert_eq!(touched.len(), tables.len(), "{touched:?}");
}

//! Whether tables, indexes and the view are those that this version makes.

use std::collections::BTreeMap;

use rusqlite::Connection;

pub(super) fn compare(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let fresh = Connection::open_in_memory()?;
    fresh.execute_batch(include_str!("../schema.sql"))?;
    let (expected, mut found) = (objects(&fresh)?, objects(conn)?);
    let mut wrong = Vec::new();
    for (name, sql) in expected {
        match found.remove(&name) {
            Some(same) if same == sql => {}
            Some(_) => wrong.push(format!("the schema: {name} is another than this version makes")),
            None => wrong.push(format!("the schema: {name} is gone")),
        }
    }
    wrong.extend(found.keys().map(|name| format!("the schema: {name} is not baton's")));
    Ok(wrong)
}

/// Their definitions by kind and name, without what SQLite makes by itself.
fn objects(conn: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut select =
        conn.prepare("SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'")?;
    select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

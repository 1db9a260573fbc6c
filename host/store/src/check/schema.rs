//! Whether tables, indexes and the view are those that this version makes.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::error::Reading;
use crate::reader::Reader;
use crate::schema;

pub(super) fn compare(reader: &Reader) -> Reading<Vec<String>> {
    let fresh = Reader { conn: Connection::open_in_memory()? };
    fresh.conn.execute_batch(schema::DEFINITIONS)?;
    let (expected, mut found) = (objects(&fresh)?, objects(reader)?);
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

/// Their definitions by kind and name, without what SQLite makes by itself. A table that was renamed by a migration has its
/// name in quotes; none of ours needs them.
fn objects(reader: &Reader) -> Reading<BTreeMap<String, String>> {
    let sql =
        "SELECT type || ' ' || name, replace(sql, '\"', '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'";
    Ok(reader.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect())
}

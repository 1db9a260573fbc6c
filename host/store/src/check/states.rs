//! What routers left is called by its digest, and kept because a decision or lesson names it.

use crate::error::Reading;
use crate::reader::Reader;
use baton_core::id::DecisionId;

pub(super) fn compare(reader: &Reader) -> Reading<Vec<String>> {
    let mut wrong = Vec::new();
    let mut select = reader.conn.prepare("SELECT digest, bytes FROM state ORDER BY digest")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (digest, bytes): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        if blake3::hash(&bytes).to_hex().as_str() != digest {
            wrong.push(format!("state {digest}: its bytes have another digest"));
        }
    }
    wrong.extend(missing(reader)?);
    let mut select = reader.conn.prepare(
        "SELECT digest FROM state WHERE digest NOT IN (SELECT state_before FROM decision UNION SELECT state_after FROM decision \
         UNION SELECT state_before FROM lesson UNION SELECT state_after FROM lesson) ORDER BY digest",
    )?;
    for digest in select.query_map([], |row| row.get::<_, String>(0))? {
        wrong.push(format!("state {}: no decision or lesson names it", digest?));
    }
    Ok(wrong)
}

fn missing(reader: &Reader) -> Reading<Vec<String>> {
    let mut wrong = Vec::new();
    let named = [
        ("decision", "state_before"),
        ("decision", "state_after"),
        ("lesson", "state_before"),
        ("lesson", "state_after"),
    ];
    for (table, column) in named {
        let mut select = reader.conn.prepare(&format!(
            "SELECT min(id), {column} FROM {table} WHERE {column} NOT IN (SELECT digest FROM state) GROUP BY {column}"
        ))?;
        for row in select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))? {
            let (id, digest) = row?;
            let by = if table == "decision" { DecisionId(id).to_string() } else { id.to_string() };
            wrong.push(format!("state {digest}: the row is gone, and {table} {by} has it as its {column}"));
        }
    }
    Ok(wrong)
}

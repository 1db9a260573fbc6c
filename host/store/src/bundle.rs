//! Recorded decisions in a file of their own, with the states and components that they depend on: what another machine
//! needs to make them again. A manifest has the digest of each row, and one of the whole file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params};

use super::durable;
use super::error::OpenError;
use super::reader::Reader;
use super::seal::row_digest;
use baton_core::id::RunId;

const APPLICATION_ID: i64 = 0x4241_5442;
/// 2: with a manifest.
const VERSION: i64 = 2;

/// Tables and their keys.
const TABLES: [(&str, &str); 4] =
    [("decision", "id"), ("lesson", "id"), ("state", "digest"), ("component", "digest")];

/// What stands before the digest of the file, which is taken with zeros in the digest's own place.
const MARK: &[u8] = b"baton-bundle-blake3:";
const DIGITS: usize = 64;

/// A component by the digest that decisions name it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// As decisions name it.
    pub name: String,
    /// `blake3:` and 64 hexadecimal digits.
    pub digest: String,
    /// Its bytes.
    pub wasm: Vec<u8>,
}

/// Copies decisions and lessons, of all runs or of one, and answers with the digest of the file.
///
/// # Errors
/// The store can't be read, or the file can't be written or exists.
pub fn write(
    from: &Reader,
    to: &Path,
    run: Option<RunId>,
    components: &[Component],
) -> Result<String, OpenError> {
    if to.exists() {
        return Err(OpenError::unusable(to, "it exists already"));
    }
    let unusable = |why: std::io::Error| OpenError::unusable(to, why);
    let partial = durable::beside(to, "partial");
    durable::create_private(&partial).map_err(unusable)?;
    fill(&Connection::open(&partial)?, &from.conn, run, components)?;
    let digest = sign(&partial).map_err(unusable)?;
    durable::rename(&partial, to).map_err(unusable)?;
    Ok(digest)
}

fn fill(
    conn: &Connection,
    from: &Connection,
    run: Option<RunId>,
    components: &[Component],
) -> rusqlite::Result<()> {
    conn.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; BEGIN;"
    ))?;
    for table in ["decision", "lesson", "state"] {
        let create: String =
            from.query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0))?;
        conn.execute_batch(&create)?;
    }
    conn.execute_batch(
        "CREATE TABLE component (digest TEXT PRIMARY KEY, name TEXT NOT NULL, wasm BLOB NOT NULL) STRICT; \
         CREATE TABLE manifest (place TEXT PRIMARY KEY, digest TEXT NOT NULL) STRICT, WITHOUT ROWID;",
    )?;
    let run = run.map(|run| run.0);
    let of_run = "WHERE ?1 IS NULL OR run_id = ?1";
    copy(from, conn, "decision", of_run, run)?;
    copy(from, conn, "lesson", of_run, run)?;
    let used = "WHERE digest IN (SELECT state_before FROM decision WHERE ?1 IS NULL OR run_id = ?1 \
                UNION SELECT state_before FROM lesson WHERE ?1 IS NULL OR run_id = ?1)";
    copy(from, conn, "state", used, run)?;
    for Component { name, digest, wasm } in components {
        conn.execute(
            "INSERT INTO component (digest, name, wasm) VALUES (?1, ?2, ?3)",
            params![digest, name, wasm],
        )?;
    }
    for (place, digest) in rows(conn)? {
        conn.execute("INSERT INTO manifest (place, digest) VALUES (?1, ?2)", [place, digest])?;
    }
    let unsigned = format!("{}{}", String::from_utf8_lossy(MARK), "0".repeat(DIGITS));
    conn.execute("INSERT INTO manifest (place, digest) VALUES ('file', ?1)", [unsigned])?;
    conn.execute_batch("COMMIT;")
}

fn copy(
    from: &Connection,
    to: &Connection,
    table: &str,
    which: &str,
    run: Option<i64>,
) -> rusqlite::Result<()> {
    let mut select = from.prepare(&format!("SELECT * FROM {table} {which} ORDER BY 1"))?;
    let columns = select.column_count();
    let places: Vec<String> = (1..=columns).map(|place| format!("?{place}")).collect();
    let mut insert = to.prepare(&format!("INSERT INTO {table} VALUES ({})", places.join(", ")))?;
    let mut rows = select.query([run])?;
    while let Some(row) = rows.next()? {
        let values: Vec<Value> =
            (0..columns).map(|column| row.get(column)).collect::<rusqlite::Result<_>>()?;
        insert.execute(rusqlite::params_from_iter(values))?;
    }
    Ok(())
}

/// The digest of each row by where it lies, such as `decision 7`.
fn rows(conn: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for (table, key) in TABLES {
        let mut select = conn.prepare(&format!("SELECT CAST({key} AS TEXT), * FROM {table}"))?;
        let columns = select.column_count();
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let values =
                (1..columns).map(|column| row.get_ref(column)).collect::<rusqlite::Result<Vec<_>>>()?;
            let digest = row_digest(values.into_iter());
            let place = format!("{table} {}", row.get::<_, String>(0)?);
            // Two rows of one place can't be told apart: neither is then what the manifest has.
            found.entry(place).and_modify(|both: &mut String| both.push_str(&digest)).or_insert(digest);
        }
    }
    Ok(found)
}

/// Writes the digest of a file into it.
fn sign(path: &Path) -> std::io::Result<String> {
    let mut bytes = fs::read(path)?;
    let digest = blake3::hash(&bytes).to_hex().to_string();
    for place in marks(&bytes, &[b'0'; DIGITS]) {
        bytes[place..place + DIGITS].copy_from_slice(digest.as_bytes());
    }
    fs::write(path, &bytes)?;
    durable::sync_file(path)?;
    Ok(digest)
}

/// Digests that are tried of those that a file seems to have: text of a task may look like one.
const TRIED: usize = 16;

/// Whether a file is, to the byte, what was written.
fn is_as_signed(bytes: &[u8]) -> bool {
    let marked = bytes.windows(MARK.len() + DIGITS).filter_map(|window| window.strip_prefix(MARK));
    let digests: BTreeSet<&[u8]> = marked.take(TRIED).collect();
    digests.into_iter().any(|digest| {
        let mut unsigned = bytes.to_vec();
        for place in marks(bytes, digest) {
            unsigned[place..place + DIGITS].fill(b'0');
        }
        blake3::hash(&unsigned).to_hex().as_bytes() == digest
    })
}

/// Where these digits stand for the digest of the file; SQLite may have left more than one copy. What a row holds that
/// looks like it has other digits.
fn marks(bytes: &[u8], digits: &[u8]) -> Vec<usize> {
    let is_mark = |window: &[u8]| window.strip_prefix(MARK) == Some(digits);
    let found = bytes.windows(MARK.len() + DIGITS).enumerate().filter(|(_, window)| is_mark(window));
    found.map(|(at, _)| at + MARK.len()).collect()
}

/// A bundle that was opened: its decisions, lessons and states are read as those of a store.
pub struct Bundle {
    /// Answers what is asked of its decisions and lessons.
    pub reader: Reader,
    /// Those that its decisions were made by.
    pub components: Vec<Component>,
    /// Where it is not what was written.
    pub altered: Vec<String>,
}

/// # Errors
/// It is not there, or no bundle.
pub fn open(path: &Path) -> Result<Bundle, OpenError> {
    let unusable = |why: &str| OpenError::unusable(path, why);
    if !path.exists() {
        return Err(unusable("there is no such file"));
    }
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let number = |pragma: &str| conn.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
    let not_one = |_| unusable("it is no bundle: write one with `baton router export`");
    if number("application_id").map_err(not_one)? != APPLICATION_ID {
        return Err(unusable("it is no bundle: write one with `baton router export`"));
    }
    if number("user_version")? != VERSION {
        return Err(unusable("it was written by another version of baton: export it anew with this one"));
    }
    let is_as_signed = is_as_signed(&fs::read(path).map_err(|why| OpenError::unusable(path, why))?);
    let garbled = |why: rusqlite::Error| match is_as_signed {
        true => why.into(),
        false => unusable(&format!("its bytes were changed, and it can't be read any more: {why}")),
    };
    let altered = compare(&conn, is_as_signed).map_err(garbled)?;
    let components = components(&conn).map_err(garbled)?;
    Ok(Bundle { reader: Reader { conn }, components, altered })
}

fn components(conn: &Connection) -> rusqlite::Result<Vec<Component>> {
    let mut select = conn.prepare("SELECT name, digest, wasm FROM component ORDER BY digest")?;
    let rows = select
        .query_map([], |row| Ok(Component { name: row.get(0)?, digest: row.get(1)?, wasm: row.get(2)? }))?;
    rows.collect()
}

/// Rows beside the manifest, components beside the digests that decisions name, and the file beside its own digest.
fn compare(conn: &Connection, is_as_signed: bool) -> rusqlite::Result<Vec<String>> {
    let mut select = conn.prepare("SELECT place, digest FROM manifest WHERE place <> 'file'")?;
    let mut manifest: BTreeMap<String, String> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let mut altered = Vec::new();
    for (place, digest) in rows(conn)? {
        match manifest.remove(&place) {
            Some(same) if same == digest => {}
            Some(_) => altered.push(format!("{place}: it is not what the manifest says")),
            None => altered.push(format!("{place}: the manifest does not have it")),
        }
    }
    altered.extend(manifest.into_keys().map(|place| format!("{place}: the row is gone")));
    for Component { name, digest, wasm } in components(conn)? {
        if format!("blake3:{}", blake3::hash(&wasm).to_hex()) != digest {
            altered.push(format!("component {digest} ({name}): its bytes have another digest"));
        }
    }
    if altered.is_empty() && !is_as_signed {
        altered.push("the manifest or bytes that belong to no row: the file has another digest".into());
    }
    Ok(altered)
}

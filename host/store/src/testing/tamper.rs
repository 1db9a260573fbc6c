//! What somebody who can write the file may do to it.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use crate::codec;
use crate::error::{OpenError, Reading};
use crate::reader::Reader;
use baton_core::clock::Time;
use baton_core::task::StateName;

/// Some rows of a table.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'r> {
    /// Those whose columns have these numbers.
    Numbered {
        /// The table.
        table: &'r str,
        /// Columns and their numbers.
        of: &'r [(&'r str, i64)],
    },
    /// Those whose column has this text.
    Named {
        /// The table.
        table: &'r str,
        /// The column.
        column: &'r str,
        /// What is in it.
        text: &'r str,
    },
    /// Those whose column has more than one byte.
    Filled {
        /// The table.
        table: &'r str,
        /// The column.
        column: &'r str,
    },
}

/// The rows of a table whose columns have these numbers; all where none is named.
#[must_use]
pub const fn rows<'r>(table: &'r str, of: &'r [(&'r str, i64)]) -> Rows<'r> {
    Rows::Numbered { table, of }
}

/// The rows of a table whose column has this text.
#[must_use]
pub const fn named<'r>(table: &'r str, column: &'r str, text: &'r str) -> Rows<'r> {
    Rows::Named { table, column, text }
}

/// The rows of a table whose column has more than one byte.
#[must_use]
pub const fn filled<'r>(table: &'r str, column: &'r str) -> Rows<'r> {
    Rows::Filled { table, column }
}

impl Rows<'_> {
    fn table(&self) -> &str {
        match self {
            Self::Numbered { table, .. } | Self::Named { table, .. } | Self::Filled { table, .. } => table,
        }
    }

    fn condition(&self) -> String {
        match self {
            Self::Numbered { of: [], .. } => "1".to_owned(),
            Self::Numbered { of, .. } => of
                .iter()
                .map(|(column, number)| format!("{column} = {number}"))
                .collect::<Vec<_>>()
                .join(" AND "),
            Self::Named { column, text, .. } => format!("{column} = '{}'", text.replace('\'', "''")),
            Self::Filled { column, .. } => format!("length({column}) > 1"),
        }
    }
}

/// An alteration.
#[derive(Clone, Copy, Debug)]
pub enum Alteration<'r> {
    /// In a column of text or JSON, each of one text becomes another.
    Replace {
        /// Of these rows.
        rows: Rows<'r>,
        /// The column.
        column: &'r str,
        /// What is looked for.
        from: &'r str,
        /// What takes its place.
        to: &'r str,
    },
    /// A column holds this.
    Set {
        /// Of these rows.
        rows: Rows<'r>,
        /// The column.
        column: &'r str,
        /// What it holds from now on.
        to: To<'r>,
    },
    /// Tasks are in another state, and nothing else of them is.
    State {
        /// Of the table `task`.
        rows: Rows<'r>,
        /// Their state from now on.
        to: StateName,
    },
    /// A column becomes larger by this.
    Add {
        /// Of these rows.
        rows: Rows<'r>,
        /// The column.
        column: &'r str,
        /// By how much.
        by: i64,
    },
    /// Rows are gone.
    Delete {
        /// These.
        rows: Rows<'r>,
    },
    /// A row like another, but for one number.
    Copy {
        /// What is copied.
        rows: Rows<'r>,
        /// The column in which the copy differs.
        column: &'r str,
        /// Its number there.
        to: i64,
    },
    /// Another host has started.
    Host {
        /// The number of its boot; one of the same number gives way.
        boot: u32,
        /// Its process.
        pid: u32,
        /// Where it runs.
        machine: &'r str,
        /// When its lease ends.
        lease_until: Time,
    },
    /// The file says that another version made it.
    Version(i64),
}

/// A store's file, opened for writing without Baton's rules.
pub struct File {
    reader: Reader,
}

impl File {
    /// Opens the file, which is there.
    ///
    /// # Errors
    /// It is no database.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { reader: Reader { conn: Connection::open(path)? } })
    }

    /// Answers queries about the file as it is now.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Carries an alteration out.
    ///
    /// # Errors
    /// The database refuses it.
    pub fn alter(&self, alteration: &Alteration<'_>) -> Reading<()> {
        let conn = &self.reader.conn;
        match *alteration {
            Alteration::Version(version) => conn.pragma_update(None, "user_version", version)?,
            Alteration::Delete { rows } => {
                conn.execute(&format!("DELETE FROM {} WHERE {}", rows.table(), rows.condition()), [])?;
            }
            Alteration::Copy { rows, column, to } => self.copy(rows, column, to)?,
            Alteration::Host { boot, pid, machine, lease_until } => {
                let sql = "INSERT OR REPLACE INTO host (boot, pid, version, machine, started_at, lease_until) \
                           VALUES (?1, ?2, '0.1.0', ?3, 0, ?4)";
                conn.execute(sql, params![boot, pid, machine, lease_until.0])?;
            }
            Alteration::Set { rows, column, ref to } => {
                let sql = format!("UPDATE {} SET {column} = ?1 WHERE {}", rows.table(), rows.condition());
                conn.execute(&sql, [value(to)])?;
            }
            Alteration::State { rows, to } => {
                let sql = format!("UPDATE {} SET state = ?1 WHERE {}", rows.table(), rows.condition());
                conn.execute(&sql, [codec::state_number(to)])?;
            }
            Alteration::Add { rows, column, by } => {
                let sql = format!(
                    "UPDATE {} SET {column} = {column} + ?1 WHERE {}",
                    rows.table(),
                    rows.condition()
                );
                conn.execute(&sql, [by])?;
            }
            Alteration::Replace { rows, column, from, to } => {
                let replaced = format!("replace(CAST({column} AS TEXT), ?1, ?2)");
                // A column of bytes stays one.
                let typed = format!("iif(typeof({column}) = 'blob', CAST({replaced} AS BLOB), {replaced})");
                let sql =
                    format!("UPDATE {} SET {column} = {typed} WHERE {}", rows.table(), rows.condition());
                conn.execute(&sql, [from, to])?;
            }
        }
        Ok(())
    }

    fn copy(&self, rows: Rows<'_>, column: &str, to: i64) -> Reading<()> {
        let names =
            self.reader.all("SELECT name FROM pragma_table_info(?1)", [rows.table()], |row| row.get(0))?;
        let taken: Vec<&str> =
            names.iter().map(|name: &String| if name == column { "?1" } else { name.as_str() }).collect();
        let (table, condition) = (rows.table(), rows.condition());
        let sql = format!("INSERT INTO {table} SELECT {} FROM {table} WHERE {condition}", taken.join(", "));
        self.reader.conn.execute(&sql, [to])?;
        Ok(())
    }
}

/// What a column is to hold.
#[derive(Clone, Copy, Debug)]
pub enum To<'r> {
    /// A text.
    Text(&'r str),
    /// A number.
    Number(i64),
    /// Bytes.
    Bytes(&'r [u8]),
    /// NULL.
    Nothing,
}

fn value(to: &To<'_>) -> Value {
    match *to {
        To::Text(text) => Value::Text(text.to_owned()),
        To::Number(number) => Value::Integer(number),
        To::Bytes(bytes) => Value::Blob(bytes.to_vec()),
        To::Nothing => Value::Null,
    }
}

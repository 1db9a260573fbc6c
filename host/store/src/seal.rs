//! What the record vouches for beyond its own lines: whoever writes rows seals them, and the seals are part of the next
//! link of a chain. A seal is a digest of the columns that are written together, with the table and key that they
//! belong to, so that a row which was altered, removed, added or swapped with another is found and can be named.

mod section;

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

pub(super) use section::{Layout, Section};

/// The first 16 bytes of a blake3 hash: 128 bits against a second pre-image.
pub(super) type Digest = [u8; 16];

/// Of what is not there any more.
pub(super) const GONE: Digest = [0; 16];

/// A row's key as it is stored in a seal: each of its columns with its type and length.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn of<'v>(values: impl Iterator<Item = ValueRef<'v>>) -> Self {
        let mut key = Vec::with_capacity(8);
        values.for_each(|value| put_value(&mut key, value));
        Self(key)
    }

    pub(super) fn values(&self) -> Vec<Value> {
        let mut rest = self.0.as_slice();
        let mut values = Vec::new();
        while let Some(value) = take_value(&mut rest) {
            values.push(value);
        }
        values
    }
}

/// The digest of one section of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) section: Section,
    pub(super) key: Key,
    pub(super) digest: Digest,
}

impl Seal {
    /// Of columns that were just written.
    pub(super) fn of(section: Section, key: &[&dyn ToSql], columns: &[&dyn ToSql]) -> rusqlite::Result<Self> {
        let (key, columns) = (outputs(key)?, outputs(columns)?);
        let key = Key::of(key.iter().map(value_of));
        let digest = digest(section, &key, columns.iter().map(value_of)).unwrap_or(GONE);
        Ok(Self { section, key, digest })
    }

    /// Of a row, or a part of one, that was taken away.
    pub(super) fn gone(section: Section, key: &[&dyn ToSql]) -> rusqlite::Result<Self> {
        let key = outputs(key)?;
        Ok(Self { section, key: Key::of(key.iter().map(value_of)), digest: GONE })
    }

    pub(super) fn put(&self, into: &mut Vec<u8>) {
        into.push(self.section.layout().number);
        put_length(into, self.key.0.len());
        into.extend_from_slice(&self.key.0);
        into.extend_from_slice(&self.digest);
    }

    /// All that [`Self::put`] wrote; none where that can't be read.
    pub(super) fn all(mut bytes: &[u8]) -> Option<Vec<Self>> {
        let mut seals = Vec::new();
        while let Some((number, rest)) = bytes.split_first() {
            let mut rest = rest;
            let length = take_length(&mut rest)?;
            let (key, rest) = rest.split_at_checked(length)?;
            let (digest, rest) = rest.split_first_chunk()?;
            let section = Section::numbered(*number)?;
            seals.push(Self { section, key: Key(key.to_vec()), digest: *digest });
            bytes = rest;
        }
        Some(seals)
    }
}

/// The digest of a section's columns under their table and key; none for one that is not there, because nothing is in
/// its columns.
pub(super) fn digest<'v>(
    section: Section,
    key: &Key,
    columns: impl Iterator<Item = ValueRef<'v>>,
) -> Option<Digest> {
    let mut bytes = Vec::with_capacity(256);
    let mut is_empty = !section.layout().columns.is_empty();
    bytes.push(section.layout().number);
    put_length(&mut bytes, key.0.len());
    bytes.extend_from_slice(&key.0);
    columns.for_each(|value| {
        is_empty &= value == ValueRef::Null;
        put_value(&mut bytes, value);
    });
    if is_empty {
        return None;
    }
    let mut digest = Digest::default();
    digest.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..16]);
    Some(digest)
}

/// The digest of a whole row, in hexadecimal digits.
pub(super) fn row_digest<'v>(columns: impl Iterator<Item = ValueRef<'v>>) -> String {
    let mut bytes = Vec::new();
    columns.for_each(|value| put_value(&mut bytes, value));
    blake3::hash(&bytes).to_hex().to_string()
}

fn outputs<'v>(values: &'v [&'v dyn ToSql]) -> rusqlite::Result<Vec<ToSqlOutput<'v>>> {
    values.iter().map(|value| value.to_sql()).collect()
}

fn value_of<'v>(output: &'v ToSqlOutput<'_>) -> ValueRef<'v> {
    match output {
        ToSqlOutput::Borrowed(value) => *value,
        ToSqlOutput::Owned(value) => value.into(),
        // The other forms exist for other features of the database than tables with columns.
        _ => ValueRef::Null,
    }
}

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;

fn put_value(into: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => into.push(NULL),
        ValueRef::Integer(number) => {
            into.push(INTEGER);
            put_number(into, number);
        }
        ValueRef::Real(number) => {
            into.push(REAL);
            into.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        ValueRef::Text(text) => put_bytes(into, TEXT, text),
        ValueRef::Blob(bytes) => put_bytes(into, BLOB, bytes),
    }
}

fn put_bytes(into: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    into.push(kind);
    put_length(into, bytes.len());
    into.extend_from_slice(bytes);
}

fn take_value(from: &mut &[u8]) -> Option<Value> {
    let (kind, rest) = from.split_first()?;
    *from = rest;
    match *kind {
        INTEGER => Some(Value::Integer(take_number(from)?)),
        TEXT => {
            let length = take_length(from)?;
            let (text, rest) = from.split_at_checked(length)?;
            *from = rest;
            Some(Value::Text(String::from_utf8_lossy(text).into_owned()))
        }
        // Keys are numbers and names.
        _ => None,
    }
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn put_varint(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

fn take_varint(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Small numbers of either sign take few bytes.
fn put_number(into: &mut Vec<u8>, number: i64) {
    put_varint(into, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

fn take_number(from: &mut &[u8]) -> Option<i64> {
    let folded = take_varint(from)?;
    Some((folded >> 1).cast_signed() ^ -((folded & 1).cast_signed()))
}

fn put_length(into: &mut Vec<u8>, length: usize) {
    put_varint(into, length as u64);
}

fn take_length(from: &mut &[u8]) -> Option<usize> {
    usize::try_from(take_varint(from)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seals_read_back_what_was_written() {
        let number = Seal::of(Section::AttemptBilled, &[&5, &i64::MAX], &[&"{}"]).expect("plain values");
        let name = Seal::gone(Section::Memory, &[&"ann", &""]).expect("plain values");
        let mut bytes = Vec::new();
        number.put(&mut bytes);
        name.put(&mut bytes);
        assert_eq!(number.key.values(), [Value::Integer(5), Value::Integer(i64::MAX)]);
        assert_eq!(Seal::all(&bytes), Some(vec![number, name]));
        assert_eq!(Seal::all(&bytes[..bytes.len() - 1]), None, "a seal that was cut off is none");
    }

    #[test]
    fn a_value_is_told_from_its_neighbours_and_a_row_from_others() {
        let of = |section, key: i64, columns: &[&dyn ToSql]| {
            Seal::of(section, &[&key], columns).expect("plain values").digest
        };
        let digests = [
            of(Section::NoteTaught, 1, &[&"ab", &"c", &"d"]),
            of(Section::NoteTaught, 1, &[&"a", &"bc", &"d"]),
            of(Section::NoteTaught, 2, &[&"ab", &"c", &"d"]),
            of(Section::TrialStarted, 1, &[&"ab", &"c", &"d"]),
            of(Section::NoteTaught, 1, &[&"ab", &"c", &b"d".as_slice()]),
            of(Section::NoteTaught, 1, &[&"ab", &"c", &None::<String>]),
        ];
        for (index, one) in digests.iter().enumerate() {
            assert!(!digests[index + 1..].contains(one), "{index}");
        }
    }

    /// What a stored number means never changes.
    #[test]
    fn sections_keep_their_numbers_and_columns() {
        let lines: Vec<String> = Section::ALL
            .into_iter()
            .map(|section| {
                let Layout { number, table, keys, columns } = section.layout();
                format!("{number} {table} ({}) {}", keys.join(", "), columns.join(", "))
            })
            .collect();
        assert_eq!(lines.join("\n") + "\n", include_str!("golden/sections.txt"));
    }
}

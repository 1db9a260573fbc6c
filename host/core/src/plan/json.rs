//! JSON as plans use it: as strict as YAML and TOML about duplicate keys, and without numbers that can't be
//! represented.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Parses a text; a leading byte order mark is ignored.
///
/// # Errors
/// A message with line and column, for invalid JSON, for a key that occurs twice in an object, and for a number that
/// would lose digits.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = serde_json::Deserializer::from_str(text);
    let invalid = |why: serde_json::Error| format!("is not valid JSON: {why}");
    let value = Strict.deserialize(&mut reader).map_err(invalid)?;
    reader.end().map_err(invalid)?;
    match unkept(text) {
        None => Ok(value),
        Some((number, line, column)) => Err(format!(
            "holds a number with more digits than are kept, {number}, at line {line} column {column}: write it as \
             a text, \"{number}\""
        )),
    }
}

/// Deserialises a value and refuses duplicate keys.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(de::Error::custom(format!("the key {key:?} is given twice")));
            }
            let value = members.next_value_seed(Self)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// The first number that would lose digits, with its line and column. `text` must be valid JSON.
fn unkept(text: &str) -> Option<(&str, usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = after_string(bytes, at),
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let length = bytes[at..].iter().take_while(|byte| is_part(byte)).count();
                let number = &text[at..at + length];
                if !is_kept(number) {
                    let before = &text[..at];
                    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
                    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
                    return Some((number, line, before[line_start..].chars().count() + 1));
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    None
}

/// The position after the string that begins at `at`.
fn after_string(bytes: &[u8], at: usize) -> usize {
    let mut next = at + 1;
    while next < bytes.len() && bytes[next] != b'"' {
        next += if bytes[next] == b'\\' { 2 } else { 1 };
    }
    next + 1
}

/// Whether parsing keeps a number exactly: 64-bit integers are kept, others if an `f64` represents their digits.
fn is_kept(number: &str) -> bool {
    if number.parse::<u64>().is_ok() || number.parse::<i64>().is_ok() {
        return true;
    }
    let Ok(read) = number.parse::<f64>() else { return false };
    read.is_finite() && Decimal::of(number) == Decimal::of(&format!("{read:e}"))
}

/// A number as its significant digits and the power of ten of the last of them.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn of(number: &str) -> Self {
        let (negative, number) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0').trim_end_matches('0');
        let dropped = all.trim_start_matches('0').len() - digits.len();
        let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
        let exponent = exponent.trim_start_matches('+').parse::<i64>().unwrap_or(i64::MAX);
        let exponent = exponent
            .saturating_sub(length(fraction))
            .saturating_add(i64::try_from(dropped).unwrap_or(i64::MAX));
        if digits.is_empty() {
            return Self { negative: false, digits: String::new(), exponent: 0 };
        }
        Self { negative, digits: digits.to_owned(), exponent }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::seed::Seed;

    #[test]
    fn a_key_that_is_given_twice_is_named_wherever_it_is() {
        let why = |text: &str| read(text).unwrap_err();
        assert_eq!(
            why(r#"{"a": 1, "a": 1}"#),
            r#"is not valid JSON: the key "a" is given twice at line 1 column 12"#
        );
        assert_eq!(
            why("[{\"id\": \"x\",\n  \"input\": {\"b\": [{\"c\": 1, \"c\": 2}]}}]"),
            r#"is not valid JSON: the key "c" is given twice at line 2 column 30"#
        );
        // Written otherwise, it is the same key.
        assert!(why(r#"{"a": 1, "\u0061": 2}"#).contains(r#"the key "a" is given twice"#));
        assert_eq!(read(r#"[{"a": 1}, {"a": 1}]"#), Ok(json!([{"a": 1}, {"a": 1}])));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_plan() {
        assert_eq!(read("\u{feff}[1]"), Ok(json!([1])));
        assert!(read("[\u{feff}1]").is_err());
    }

    #[test]
    fn numbers_are_kept_or_named() {
        for kept in
            ["0", "-0", "1.50", "1e3", "1E+3", "18446744073709551615", "-9223372036854775808", "0.1", "1e-7"]
        {
            assert_eq!(read(kept).map(|value| value.is_number()), Ok(true), "{kept}");
        }
        for changed in [
            "123456789012345678901234567890",
            "-9223372036854775809",
            "18446744073709551617",
            "0.1000000000000000055511151231257827",
            "1.00000000000000000001",
        ] {
            let why = read(&format!("{{\n \"n\": {changed}}}")).unwrap_err();
            assert_eq!(
                why,
                format!(
                    "holds a number with more digits than are kept, {changed}, at line 2 column 7: write it as a text, \
                     \"{changed}\""
                )
            );
        }
        assert_eq!(
            read(r#""123456789012345678901234567890 \" 1.00000000000000000001""#)
                .map(|value| value.is_string()),
            Ok(true)
        );
    }

    /// Whatever is written that an `f64` holds is read as the same.
    #[test]
    fn no_number_that_can_be_held_is_refused() {
        for index in 0..2000 {
            let value = f64::from_bits(Seed(7).of(index).0);
            if value.is_finite() {
                assert!(is_kept(&format!("{value:e}")) && is_kept(&format!("{value:?}")), "{value:e}");
            }
        }
    }
}

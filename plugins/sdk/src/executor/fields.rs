//! Typed access to the members of an input. Errors name the JSON pointer.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;

use super::part::wrong;
use super::{ExecutionError, Keys, keys};

/// The members of a JSON object.
pub struct Fields(Keys);

impl Fields {
    /// Parses an object.
    ///
    /// # Errors
    /// It is not an object, or has members that are not in `known`.
    pub fn read(input: &str, known: &[&str]) -> Result<Self, ExecutionError> {
        keys(input, "", known).map(Self)
    }

    /// A member as JSON text; none if it is missing.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|raw| raw.get())
    }

    /// A member as JSON text.
    ///
    /// # Errors
    /// It is missing.
    pub fn required_text(&self, key: &str) -> Result<&str, ExecutionError> {
        self.text(key).ok_or_else(|| wrong(&format!("/{key}"), "a JSON value"))
    }

    /// A member; none if it is missing. `expected` describes a valid value.
    ///
    /// # Errors
    /// It has another type.
    pub fn optional<T: DeserializeOwned>(
        &self,
        key: &str,
        expected: &str,
    ) -> Result<Option<T>, ExecutionError> {
        match self.text(key) {
            None => Ok(None),
            Some(text) => {
                serde_json::from_str(text).map(Some).map_err(|_| wrong(&format!("/{key}"), expected))
            }
        }
    }

    /// A member. `expected` describes a valid value.
    ///
    /// # Errors
    /// It is missing, or has another type.
    pub fn required<T: DeserializeOwned>(&self, key: &str, expected: &str) -> Result<T, ExecutionError> {
        self.optional(key, expected)?.ok_or_else(|| wrong(&format!("/{key}"), expected))
    }

    /// A list of strings; empty if it is missing.
    ///
    /// # Errors
    /// It has another type.
    pub fn strings(&self, key: &str) -> Result<Vec<String>, ExecutionError> {
        Ok(self.optional(key, "an array of strings")?.unwrap_or_default())
    }

    /// A number; none if it is missing.
    ///
    /// # Errors
    /// It is not a number within the bounds.
    pub fn within<T: DeserializeOwned + PartialOrd + Display>(
        &self,
        key: &str,
        bounds: RangeInclusive<T>,
    ) -> Result<Option<T>, ExecutionError> {
        let expected = format!("a number from {} to {}", bounds.start(), bounds.end());
        match self.optional::<T>(key, &expected)? {
            Some(number) if !bounds.contains(&number) => Err(wrong(&format!("/{key}"), &expected)),
            number => Ok(number),
        }
    }

    /// The value that `words` assigns to the text of a member; none if it is missing.
    ///
    /// # Errors
    /// It is none of the words.
    pub fn one_of<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, ExecutionError> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let expected = format!("one of {}", names.join(", "));
        let Some(said) = self.optional::<String>(key, &expected)? else {
            return Ok(None);
        };
        match words.iter().find(|(word, _)| *word == said) {
            Some((_, value)) => Ok(Some(*value)),
            None => Err(wrong(&format!("/{key}"), &expected)),
        }
    }

    /// The error of a member that is not as `expected`.
    pub fn wrong(key: &str, expected: &str) -> ExecutionError {
        wrong(&format!("/{key}"), expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_what_they_must_be() {
        let fields =
            Fields::read(r#"{"n": 3, "s": ["a"], "w": "left", "x": 1.50}"#, &["n", "s", "w", "x", "y"]);
        let fields = fields.unwrap();
        assert_eq!(fields.within("n", 1..=5), Ok(Some(3)));
        let refused = ExecutionError::BadInput(String::from("/n: expected a number from 4 to 5"));
        assert_eq!(fields.within("n", 4..=5), Err(refused));
        assert_eq!(fields.strings("s"), Ok(vec![String::from("a")]));
        assert_eq!(fields.one_of("w", &[("left", 1), ("right", 2)]), Ok(Some(1)));
        assert_eq!(fields.required_text("x"), Ok("1.50"));
        let missing = ExecutionError::BadInput(String::from("/y: expected a string"));
        assert_eq!(fields.required::<String>("y", "a string"), Err(missing));
    }
}

//! Hashed names, computed once where they are used often.

use baton_sdk::seed::fnv1a;

/// Of an agent, a kind or a skill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Name(pub u64);

/// Stands for no name.
pub const NOTHING: Name = Name(0);

impl Name {
    pub fn of(name: &str) -> Self {
        Self(fnv1a(name.as_bytes()))
    }

    pub fn all<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        names.into_iter().map(Self::of).collect()
    }
}

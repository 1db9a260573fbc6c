//! Scopes: what a task may touch, as locks on a track and on path globs. Two tasks whose scopes conflict never run at
//! the same time.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, de};

use crate::malformed::Malformed;

/// A path pattern relative to the plan's folder: `*` and `?` stay inside one path segment, `**` stands for any
/// number of segments.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Glob(String);

impl Glob {
    /// As written, without a trailing slash or repeated `**`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether some path matches both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let ours: Vec<&str> = self.0.split('/').collect();
        let theirs: Vec<&str> = other.0.split('/').collect();
        paths_meet(&ours, &theirs)
    }
}

/// Whether some path matches both lists of segments. `reach[j]` says whether `ours[..i]` and `theirs[..j]` match a common
/// path, so that the time is at most quadratic in the number of segments however many `**` there are.
fn paths_meet(ours: &[&str], theirs: &[&str]) -> bool {
    let mut reach = vec![false; theirs.len() + 1];
    reach[0] = true;
    for (j, &right) in theirs.iter().enumerate() {
        reach[j + 1] = reach[j] && right == "**";
    }
    for &left in ours {
        let mut diagonal = reach[0];
        reach[0] = reach[0] && left == "**";
        for (j, &right) in theirs.iter().enumerate() {
            let above = reach[j + 1];
            reach[j + 1] = match (left, right) {
                ("**", _) | (_, "**") => above || reach[j],
                _ => diagonal && segments_meet(left.as_bytes(), right.as_bytes()),
            };
            diagonal = above;
        }
    }
    reach[theirs.len()]
}

/// Whether some string matches both segments. `reach[j]` says whether `a[..i]` and `b[..j]` match a common string.
fn segments_meet(a: &[u8], b: &[u8]) -> bool {
    let mut reach = vec![false; b.len() + 1];
    reach[0] = true;
    for (j, &right) in b.iter().enumerate() {
        reach[j + 1] = reach[j] && right == b'*';
    }
    for &left in a {
        let mut diagonal = reach[0];
        reach[0] = reach[0] && left == b'*';
        for (j, &right) in b.iter().enumerate() {
            let above = reach[j + 1];
            let one_each = left == right || left == b'?' || right == b'?';
            reach[j + 1] = match (left, right) {
                (b'*', _) | (_, b'*') => above || reach[j] || diagonal,
                _ => diagonal && one_each,
            };
            diagonal = above;
        }
    }
    reach[b.len()]
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Glob {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let wrong = |why| Err(Malformed::new("a path pattern such as \"src/**\"", text).because(why));
        if text.is_empty() {
            return wrong("it is empty");
        }
        if text.starts_with('/') || text.contains('\\') {
            return wrong("it must be relative, with `/` between folders");
        }
        if text.contains(['[', ']', '{', '}']) {
            return wrong("only *, ? and ** are understood");
        }
        if text
            .split('/')
            .filter(|segment| !segment.is_empty())
            .any(|segment| segment == "." || segment == "..")
        {
            return wrong("it must not hold . or ..");
        }
        if text.split('/').any(|segment| segment != "**" && segment.contains("**")) {
            return wrong("** must be a whole segment");
        }
        if text.split('/').count() > 32 {
            return wrong("it has more than 32 segments");
        }
        let mut segments: Vec<&str> = text.trim_end_matches('/').split('/').collect();
        segments.dedup_by(|next, before| *next == "**" && *before == "**");
        Ok(Self(segments.join("/")))
    }
}

impl Serialize for Glob {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Glob {
    fn schema_name() -> Cow<'static, str> {
        "Glob".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "description": "A relative path pattern: * and ? inside a segment, ** for any number of segments.",
        })
    }
}

/// The locks that a task takes when it starts, all or none, and holds while it runs or waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// A track is held by one task at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// Locked exclusively.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<Glob>,
    /// Shared with other readers, not with writers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<Glob>,
}

/// The first conflict between two scopes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ScopeConflict {
    /// One of the tasks must change the workspace alone, after a merge conflict.
    Alone,
    /// Both are on this track.
    Track(String),
    /// A pattern of each; some path matches both.
    Paths(Glob, Glob),
}

impl fmt::Display for ScopeConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone => f.write_str("the whole workspace, after a conflict"),
            Self::Track(track) => write!(f, "track {track}"),
            Self::Paths(mine, theirs) if mine == theirs => write!(f, "path {mine}"),
            Self::Paths(mine, theirs) => write!(f, "path {mine} (held as {theirs})"),
        }
    }
}

impl Scope {
    /// Whether nothing is locked.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.track.is_none() && self.writes.is_empty() && self.reads.is_empty()
    }

    /// Why both can't run at the same time; none = they can.
    #[must_use]
    pub fn conflict(&self, other: &Self) -> Option<ScopeConflict> {
        if self.track.is_some() && self.track == other.track {
            return self.track.clone().map(ScopeConflict::Track);
        }
        let first = |mine: &[Glob], theirs: &[Glob]| {
            mine.iter().find_map(|glob| {
                let held = theirs.iter().find(|held| glob.overlaps(held))?;
                Some(ScopeConflict::Paths(glob.clone(), held.clone()))
            })
        };
        first(&self.writes, &other.writes)
            .or_else(|| first(&self.writes, &other.reads))
            .or_else(|| first(&self.reads, &other.writes))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meet(left: &str, right: &str) -> bool {
        let (left, right): (Glob, Glob) = (left.parse().unwrap(), right.parse().unwrap());
        assert_eq!(left.overlaps(&right), right.overlaps(&left), "{left} and {right}, both ways");
        left.overlaps(&right)
    }

    #[test]
    fn patterns_meet_where_a_path_matches_both() {
        for (left, right) in [
            ("src/a.rs", "src/a.rs"),
            ("src/**", "src/deep/down/a.rs"),
            ("src/**", "src"),
            ("**/a.rs", "src/**"),
            ("src/*.rs", "src/a*"),
            ("*a*b", "a*c*b"),
            ("src/?/x", "src/a/*"),
            ("**", "anything/at/all"),
            ("a/**/b", "a/b"),
        ] {
            assert!(meet(left, right), "{left} and {right} should overlap");
        }
    }

    #[test]
    fn patterns_do_not_meet_where_none_does() {
        for (left, right) in [
            ("src/a.rs", "src/b.rs"),
            ("src/*", "src/deep/a.rs"),
            ("src/*.rs", "src/*.toml"),
            ("a/**", "b/**"),
            ("src/?", "src/ab"),
            ("a/**/b", "a/c"),
        ] {
            assert!(!meet(left, right), "{left} and {right} should not overlap");
        }
    }

    /// A search that tries each `**` at every place would take years for these.
    #[test]
    fn patterns_of_many_wildcards_are_compared_at_once() {
        let many = |last: &str| format!("{}{last}", "**/a/".repeat(15));
        assert!(!meet(&many("b"), &many("c")));
        assert!(meet(&many("b"), &many("*")));
    }

    #[test]
    fn readers_share_and_writers_do_not() {
        let reads = Scope { reads: vec!["docs/**".parse().unwrap()], ..Scope::default() };
        let writes = Scope { writes: vec!["docs/a.md".parse().unwrap()], ..Scope::default() };
        assert_eq!(reads.conflict(&reads), None);
        assert_eq!(reads.conflict(&writes).unwrap().to_string(), "path docs/** (held as docs/a.md)");
        assert_eq!(writes.conflict(&writes).unwrap().to_string(), "path docs/a.md");
    }

    #[test]
    fn a_bad_pattern_says_why() {
        assert_eq!(
            "src/**.rs".parse::<Glob>().map_err(|why| why.to_string()),
            Err("expected a path pattern such as \"src/**\", not \"src/**.rs\": ** must be a whole segment"
                .into())
        );
        assert!(
            "../x".parse::<Glob>().is_err_and(|why| why.to_string().ends_with("it must not hold . or .."))
        );
    }

    /// The plain meaning of a pattern, by trying everything.
    fn matches(pattern: &[&str], path: &[&str]) -> bool {
        fn segment(pattern: &[u8], text: &[u8]) -> bool {
            match (pattern.split_first(), text.split_first()) {
                (None, None) => true,
                (Some((b'*', rest)), _) if segment(rest, text) => true,
                (Some((b'*', _)), Some((_, tail))) => segment(pattern, tail),
                (Some((b'?', rest)), Some((_, tail))) => segment(rest, tail),
                (Some((want, rest)), Some((have, tail))) => want == have && segment(rest, tail),
                (None, Some(_)) | (Some(_), None) => false,
            }
        }
        match (pattern.split_first(), path.split_first()) {
            (None, None) => true,
            (Some((&"**", rest)), _) if matches(rest, path) => true,
            (Some((&"**", _)), Some((_, tail))) => matches(pattern, tail),
            (Some((want, rest)), Some((have, tail))) => {
                segment(want.as_bytes(), have.as_bytes()) && matches(rest, tail)
            }
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn a_path_that_matches_both_means_overlap(
            left in "(\\*\\*|[ab*?]{1,3})(/(\\*\\*|[ab*?]{1,3})){0,3}",
            right in "(\\*\\*|[ab*?]{1,3})(/(\\*\\*|[ab*?]{1,3})){0,3}",
            path in "[ab]{1,3}(/[ab]{1,3}){0,3}",
        ) {
            let (Ok(one), Ok(two)) = (left.parse::<Glob>(), right.parse::<Glob>()) else { return Ok(()) };
            let split = |text: &'static str| -> Vec<&'static str> { text.split('/').collect() };
            let path = split(path.leak());
            if matches(&split(left.leak()), &path) && matches(&split(right.leak()), &path) {
                prop_assert!(one.overlaps(&two));
            }
        }
    }
}

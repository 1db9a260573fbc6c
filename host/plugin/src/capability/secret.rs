//! Secrets: named in the configuration, read when a request leaves the host, and seen by no plugin.

use std::fmt;
use std::path::PathBuf;

/// Where a secret is to be found. It is read anew for each use, so that it can be changed while a host runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// A variable of the host's environment.
    Env(String),
    /// A file; white space around its content is not part of the secret.
    File(PathBuf),
}

impl Secret {
    /// # Errors
    /// Where it was looked for in vain.
    pub fn reveal(&self) -> Result<String, String> {
        let found = match self {
            Self::Env(name) => {
                std::env::var(name).map_err(|_| format!("{name} is not set in the environment"))
            }
            Self::File(path) => std::fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .map_err(|why| format!("{} can't be read: {why}", path.display())),
        };
        found.and_then(|text| if text.is_empty() { Err(format!("{self} is empty")) } else { Ok(text) })
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A text with places for secrets, such as `Bearer {openai}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Secret { name: String, secret: Secret },
}

impl Template {
    /// # Errors
    /// A place in braces names no secret.
    pub fn parse(text: &str, known: impl Fn(&str) -> Option<Secret>) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once('{') {
            let (name, after) =
                tail.split_once('}').ok_or_else(|| format!("the brace in {text:?} is never closed"))?;
            let secret = known(name).ok_or_else(|| {
                format!("there is no secret {name:?}: add [secrets] {name} = {{ env = \"NAME\" }}")
            })?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Secret { name: name.to_owned(), secret });
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Secret { .. }))
    }

    /// The secrets alone, as far as they are there.
    pub fn secrets(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Secret { secret, .. } => secret.reveal().ok(),
        })
    }

    /// The text with its secrets in place: must go nowhere but out.
    ///
    /// # Errors
    /// A secret that is not there.
    pub fn reveal(&self) -> Result<String, String> {
        self.0.iter().try_fold(String::new(), |mut text, piece| {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Secret { name, secret } => {
                    text.push_str(&secret.reveal().map_err(|why| format!("secret {name}: {why}"))?);
                }
            }
            Ok(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_put_in_on_the_way_out() {
        let known = |name: &str| (name == "path").then(|| Secret::Env("PATH".into()));
        let template = Template::parse("Bearer {path}!", known).unwrap();
        assert_eq!(template.reveal(), Ok(format!("Bearer {}!", std::env::var("PATH").unwrap())));
        assert!(template.has_secrets());
        assert_eq!(
            Template::parse("{other}", known),
            Err(r#"there is no secret "other": add [secrets] other = { env = "NAME" }"#.into())
        );
        let missing = Secret::Env("BATON_NO_SUCH".into());
        assert_eq!(missing.reveal(), Err("BATON_NO_SUCH is not set in the environment".into()));
    }
}

//! Secrets: named in the configuration, read when a request is sent, never shown to a plugin.

use std::fmt;
use std::path::PathBuf;

use baton_core::file::read_text;
use thiserror::Error;

/// Maximum size of a secret's file, in bytes.
const MAX_SECRET: u64 = 64 << 10;

/// The source of a secret. It is read at each use, so that a secret can be rotated while a host runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// A variable of the host's environment.
    Env(String),
    /// A file. White space around its content is ignored.
    File(PathBuf),
}

impl Secret {
    /// Reads the secret.
    ///
    /// # Errors
    /// It is missing or empty; the text names the source.
    pub fn reveal(&self) -> Result<String, SecretError> {
        let text = match self {
            Self::Env(name) => std::env::var(name).map_err(|_| SecretError::NotSet(name.clone()))?,
            Self::File(path) => read_text(path, MAX_SECRET)
                .map(|text| text.trim().to_owned())
                .map_err(|source| SecretError::Unreadable { path: path.clone(), source })?,
        };
        if text.is_empty() { Err(SecretError::Empty(self.to_string())) } else { Ok(text) }
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

/// Why a secret, or a text with secrets, can't be used. All but `Unclosed` and `Unknown` can be fixed while a host runs.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The variable is not set. Set it and restart the host.
    #[error("{0} is not set in the environment")]
    NotSet(String),
    /// The file can't be read.
    #[error("{} can't be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system reported.
        source: std::io::Error,
    },
    /// The source is there and holds nothing.
    #[error("{0} is empty")]
    Empty(String),
    /// One of the secrets of a text is missing.
    #[error("secret {name}: {source}")]
    Missing {
        /// Its name in the configuration.
        name: String,
        /// What is wrong with it.
        source: Box<SecretError>,
    },
    /// The text of the configuration has an opening brace without a closing one.
    #[error("the brace in {0:?} is never closed")]
    Unclosed(String),
    /// The text of the configuration names a secret that is not configured.
    #[error("there is no secret {0:?}: add [secrets] {0} = {{ env = \"NAME\" }}")]
    Unknown(String),
}

/// A text with placeholders for secrets, such as `Bearer {openai}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretTemplate(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Secret { name: String, secret: Secret },
}

impl SecretTemplate {
    /// Parses a text. `known` returns the configured secret of a name.
    ///
    /// # Errors
    /// A placeholder names no secret, or a brace is not closed.
    pub fn parse(text: &str, known: impl Fn(&str) -> Option<Secret>) -> Result<Self, SecretError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once('{') {
            let (name, after) = tail.split_once('}').ok_or_else(|| SecretError::Unclosed(text.to_owned()))?;
            let secret = known(name).ok_or_else(|| SecretError::Unknown(name.to_owned()))?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Secret { name: name.to_owned(), secret });
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// Whether it has any placeholder.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Secret { .. }))
    }

    /// The secrets alone; missing ones are skipped.
    pub fn secrets(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Secret { secret, .. } => secret.reveal().ok(),
        })
    }

    /// The text with its secrets filled in. It must go into a request and nowhere else.
    ///
    /// # Errors
    /// [`SecretError::Missing`] for the first secret that can't be read.
    pub fn reveal(&self) -> Result<String, SecretError> {
        self.0.iter().try_fold(String::new(), |mut text, piece| {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Secret { name, secret } => {
                    let revealed = secret.reveal().map_err(|source| SecretError::Missing {
                        name: name.clone(),
                        source: Box::new(source),
                    })?;
                    text.push_str(&revealed);
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
    fn a_secret_is_filled_in_when_a_request_is_sent() {
        let known = |name: &str| (name == "path").then(|| Secret::Env("PATH".into()));
        let template = SecretTemplate::parse("Bearer {path}!", known).unwrap();
        assert_eq!(template.reveal().unwrap(), format!("Bearer {}!", std::env::var("PATH").unwrap()));
        assert!(template.has_secrets());
        assert_eq!(
            SecretTemplate::parse("{other}", known).unwrap_err().to_string(),
            r#"there is no secret "other": add [secrets] other = { env = "NAME" }"#
        );
        let missing = Secret::Env("BATON_NO_SUCH".into());
        assert_eq!(missing.reveal().unwrap_err().to_string(), "BATON_NO_SUCH is not set in the environment");
    }
}

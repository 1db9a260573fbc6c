//! A profile: a native program that the operator allows to be started, and how.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::confine::Confine;
use super::order::Graces;
use crate::bindings::agent::baton::host::process::{Command, ProcessError};

#[derive(Clone, Debug)]
pub struct Profile {
    pub name: String,
    /// The program and its arguments, with `{name}` places.
    pub argv: Vec<String>,
    /// Where it starts.
    pub cwd: Place,
    /// What is passed on of the host's environment.
    pub env: Vec<(String, String)>,
    pub timeout: Option<Duration>,
    pub max_stdout: usize,
    /// The longest line of a program that is talked to.
    pub max_line: usize,
    pub graces: Graces,
    /// None = not at all.
    pub confine: Option<Confine>,
    /// How many of its programs may run at once, if that is limited.
    pub places: Option<Arc<Semaphore>>,
}

/// A folder of the configuration: in an attempt with a working tree of its own, what is relative starts there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The configuration's folder.
    pub base: PathBuf,
    /// Relative to it, or absolute.
    pub path: PathBuf,
}

impl Profile {
    /// Where the program starts.
    pub(super) fn place(&self, folder: Option<&Path>) -> PathBuf {
        let base = folder.unwrap_or(&self.cwd.base);
        if self.cwd.path.as_os_str().is_empty() { base.to_owned() } else { base.join(&self.cwd.path) }
    }

    /// The arguments, filled in.
    pub(super) fn args(&self, command: &Command) -> Result<Vec<String>, ProcessError> {
        let own = self.argv.iter().skip(1);
        // What follows is no option to programs that know the convention of POSIX, and to others the operator has said so.
        let separated = own.clone().position(|argument| argument == "--").unwrap_or(usize::MAX);
        let filled = own.enumerate().map(|(index, template)| {
            let argument = fill(template, command)?;
            if argument.starts_with('-') && !template.starts_with('-') && index < separated {
                return Err(ProcessError::BadValue(format!(
                    "the value for {template:?} begins with \"-\", and the program of profile {} would take it for \
                     an option: put an argument \"--\" before it in argv, or write \"--name={template}\"",
                    self.name
                )));
            }
            Ok(argument)
        });
        filled.collect()
    }

    /// The program's file, where it starts without a tree of its own.
    ///
    /// # Errors
    /// What is missing.
    pub fn find(&self) -> Result<PathBuf, String> {
        self.program(&self.place(None)).map_err(|why| match why {
            ProcessError::NotStarted(why) | ProcessError::Denied(why) => {
                why.trim_start_matches(&format!("profile {}: ", self.name)).to_owned()
            }
            other => format!("{other:?}"),
        })
    }

    /// The program's file, looked up as a shell would with the profile's PATH.
    pub(super) fn program(&self, cwd: &Path) -> Result<PathBuf, ProcessError> {
        let not_started = |why: String| ProcessError::NotStarted(format!("profile {}: {why}", self.name));
        let program = self.argv.first().map_or("", String::as_str);
        if !cwd.is_dir() {
            return Err(not_started(format!("there is no folder {}", cwd.display())));
        }
        let path = self
            .env
            .iter()
            .find(|(name, _)| name == "PATH")
            .map_or("/usr/local/bin:/usr/bin:/bin", |(_, path)| path);
        let found = if program.contains('/') {
            // A relative program belongs to the configuration, not to the tree that is worked on.
            Some(self.cwd.base.join(&self.cwd.path).join(program)).filter(|file| is_executable(file))
        } else {
            path.split(':').map(|folder| Path::new(folder).join(program)).find(|file| is_executable(file))
        };
        found.ok_or_else(|| not_started(format!("there is no program {program:?} to start")))
    }
}

fn is_executable(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

/// `{task}` and `{input.key}` are places; braces around anything else are the profile's own.
fn is_place(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Fills the `{name}` places of one argument.
fn fill(template: &str, command: &Command) -> Result<String, ProcessError> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once('{') {
        let Some((name, after)) = tail.split_once('}').filter(|(name, _)| is_place(name)) else {
            filled.push_str(before);
            filled.push('{');
            rest = tail;
            continue;
        };
        let value = command.values.iter().find(|attr| attr.name == name).map(|attr| attr.value.as_str());
        let value = value.ok_or_else(|| {
            ProcessError::BadValue(format!("the task has no value for {{{name}}} in {template:?}"))
        })?;
        if value.contains('\0') {
            return Err(ProcessError::BadValue(format!("the value for {{{name}}} holds a NUL")));
        }
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::shared::baton::types::core::Attr;

    fn args(argv: &[&str], value: &str) -> Result<Vec<String>, String> {
        let profile = Profile {
            name: "p".into(),
            argv: argv.iter().map(|argument| (*argument).to_owned()).collect(),
            cwd: Place { base: PathBuf::new(), path: PathBuf::new() },
            env: Vec::new(),
            timeout: None,
            max_stdout: 1,
            max_line: 1,
            graces: Graces::default(),
            confine: None,
            places: None,
        };
        let values = vec![Attr { name: "x".into(), value: value.into() }];
        let command = Command { profile: "p".into(), values, stdin: Vec::new() };
        profile.args(&command).map_err(|why| match why {
            ProcessError::BadValue(why) => why,
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn no_value_becomes_an_option() {
        for value in ["-", "-o", "--upload-file=/etc/passwd", "-5"] {
            let why = args(&["curl", "--silent", "{x}"], value).unwrap_err();
            assert!(why.starts_with("the value for \"{x}\" begins with \"-\""), "{why}");
            assert!(args(&["curl", "{x}{x}"], value).is_err());
            for argv in [&["curl", "--", "{x}"][..], &["curl", "--data={x}"], &["curl", "https://x/{x}"]] {
                let filled = args(argv, value).unwrap();
                assert_eq!(filled.last().unwrap(), &argv.last().unwrap().replace("{x}", value));
            }
        }
        assert_eq!(args(&["curl", "{x}"], "a-b"), Ok(vec!["a-b".to_owned()]));
        assert_eq!(args(&["curl", "-{x}"], "v"), Ok(vec!["-v".to_owned()]));
    }
}

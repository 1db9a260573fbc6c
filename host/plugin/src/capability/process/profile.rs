//! A profile: a native program that the operator allows plugins to start, and the conditions.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;

use super::confine::ConfinePolicy;
use super::supervise_request::GracePeriods;
use crate::bindings::agent::baton::host::process::{Command, ProcessError};

/// A table `[profiles.NAME]` of the configuration.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name in the configuration.
    pub name: String,
    /// The program and its arguments, with placeholders such as `{name}`.
    pub argv: Vec<String>,
    /// The folder in which it starts.
    pub cwd: StartFolder,
    /// Its whole environment: it inherits nothing else.
    pub env: Vec<(String, String)>,
    /// The longest that it may run; none = until the attempt's deadline.
    pub timeout: Option<Duration>,
    /// The most bytes of standard output that are kept. A program that writes more is killed.
    pub max_stdout: usize,
    /// The most bytes of a line of a program whose output is read line by line. A program that writes more is killed.
    pub max_line: usize,
    /// The time that it has to end after a signal.
    pub grace_periods: GracePeriods,
    /// What it may access beyond its own folder; none = it is not confined.
    pub confine: Option<ConfinePolicy>,
    /// Limits how many of its programs run at once; none = no limit.
    pub slots: Option<Arc<Semaphore>>,
}

/// The folder in which a program starts. In an attempt with a working tree, a relative path is relative to that tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFolder {
    /// The folder of the configuration file.
    pub base: PathBuf,
    /// Relative to `base` or to the working tree, or absolute.
    pub path: PathBuf,
}

impl Profile {
    /// The folder in which the program starts, given the attempt's working tree.
    pub(super) fn start_folder(&self, folder: Option<&Path>) -> PathBuf {
        let base = folder.unwrap_or(&self.cwd.base);
        if self.cwd.path.as_os_str().is_empty() { base.to_owned() } else { base.join(&self.cwd.path) }
    }

    /// The arguments with their placeholders filled in. A value must not turn into an option.
    pub(super) fn args(&self, command: &Command) -> Result<Vec<String>, ProcessError> {
        let own = self.argv.iter().skip(1);
        // Arguments after `--` are no options, by the convention of POSIX: the operator who writes it vouches for the program.
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

    /// The program's file, as found without a working tree.
    ///
    /// # Errors
    /// There is no such folder or program.
    pub fn find(&self) -> Result<PathBuf, NoProgram> {
        self.program(&self.start_folder(None))
    }

    /// The program's file, looked up as a shell does it, in the profile's PATH.
    pub(super) fn program(&self, cwd: &Path) -> Result<PathBuf, NoProgram> {
        let program = self.argv.first().map_or("", String::as_str);
        if !cwd.is_dir() {
            return Err(NoProgram::Folder(cwd.to_owned()));
        }
        let path = self
            .env
            .iter()
            .find(|(name, _)| name == "PATH")
            .map_or("/usr/local/bin:/usr/bin:/bin", |(_, path)| path);
        let found = if program.contains('/') {
            // Relative to the configuration and not to the working tree: an attempt must not replace the program.
            Some(self.cwd.base.join(&self.cwd.path).join(program)).filter(|file| is_executable(file))
        } else {
            path.split(':').map(|folder| Path::new(folder).join(program)).find(|file| is_executable(file))
        };
        found.ok_or_else(|| NoProgram::Program(program.to_owned()))
    }
}

/// Why a profile has nothing to start. The operator has to fix the profile or install the program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoProgram {
    /// The folder in which it is to start does not exist.
    #[error("there is no folder {}", .0.display())]
    Folder(PathBuf),
    /// No executable file of this name was found.
    #[error("there is no program {0:?} to start")]
    Program(String),
}

impl NoProgram {
    /// The error of the contract.
    pub(super) fn of(self, profile: &Profile) -> ProcessError {
        ProcessError::NotStarted(format!("profile {}: {self}", profile.name))
    }
}

fn is_executable(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Whether a name in braces is a placeholder, as in `{task}` and `{input.key}`. Braces around anything else are literal.
fn is_placeholder(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Fills the placeholders of one argument.
fn fill(template: &str, command: &Command) -> Result<String, ProcessError> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once('{') {
        let Some((name, after)) = tail.split_once('}').filter(|(name, _)| is_placeholder(name)) else {
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
            cwd: StartFolder { base: PathBuf::new(), path: PathBuf::new() },
            env: Vec::new(),
            timeout: None,
            max_stdout: 1,
            max_line: 1,
            grace_periods: GracePeriods::default(),
            confine: None,
            slots: None,
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

//! Talking with a program that answers line by line: what is the same in every adapter of a command line.
//!
//! An adapter is a [`Reader`], a pure function of the lines. [`run`] starts the program, feeds it the lines, tells the
//! host what they say, and notices by the adapter's own patience when the program hangs.

mod end;
mod patience;

use crate::agent::process::{self, Command, Completed, Line, ProcessError, Program};
use crate::agent::session::{self, Known};
use crate::agent::{Attempt, Attr, Config, Health, progress};
use crate::words::{ErrorClass, Fault, Outcome, Usage};

pub use end::{End, Skipped, explained, last_line, reason};
pub use patience::Patience;

/// How long a program may take to end once it has said that it is done.
pub const GRACE_MS: u64 = 10_000;

/// What a line tells the host.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Progress {
        message: String,
        /// From 0.0 to 1.0, where it is known.
        done: Option<f64>,
    },
    /// In all, not since the last time.
    Spent(Usage),
    /// What this conversation can be taken up again by.
    Session(String),
    /// What the conversation as a whole has used up by now, in the adapter's own words, for the attempt that takes it up
    /// again: some programs tell no less.
    Total(String),
}

impl News {
    pub fn progress(message: impl Into<String>) -> Self {
        Self::Progress { message: message.into(), done: None }
    }
}

/// Understands a program.
pub trait Reader {
    /// What one line of its output tells.
    fn read(&mut self, line: &str) -> Vec<News>;

    /// The conversation is taken up again: what it had used up before, as [`News::Total`] said.
    fn resumes(&mut self, total: &str) {
        let _ = total;
    }

    /// Whether a tool that it called is at work, as far as its protocol tells.
    fn has_open_tool(&self) -> bool {
        false
    }

    /// Whether the end that its protocol has was heard. It has a moment to leave then, and silence is no fault.
    fn is_over(&self) -> bool;

    /// What became of the work.
    fn conclude(&mut self, end: &End) -> Result<Outcome, Fault>;
}

/// The program and the host, or what stands for them in a test.
pub trait World {
    fn next_line(&mut self, patience_ms: u64) -> Result<Line, Fault>;
    fn tell(&mut self, news: News) -> Result<(), Fault>;
    fn finish(&mut self, patience_ms: u64) -> Result<Completed, Fault>;
}

/// Runs the program to its end. It has no further input.
pub fn run(
    command: &Command,
    patience: Patience,
    memory: Option<&Memory>,
    reader: &mut impl Reader,
) -> Result<Outcome, Fault> {
    let program = process::start(command)?;
    program.close_input();
    converse(&mut Host { program, memory: memory.cloned() }, patience, reader)
}

/// Runs the program of `profile`, or that of `resume-profile` where there is one and an earlier attempt of the task left
/// a session to take up; that fills the place `place`.
pub fn run_in_session(
    attempt: &Attempt,
    place: &str,
    mut values: Vec<Attr>,
    stdin: Vec<u8>,
    reader: &mut impl Reader,
) -> Result<Outcome, Fault> {
    let config = Config(&attempt.config);
    let profile = config.required("profile")?;
    let patience = Patience::read(config)?;
    let resume = config.get("resume-profile").zip(session::key(&attempt.idempotency_key));
    let Some((resume, key)) = resume else {
        let command = Command { profile: profile.to_owned(), values, stdin };
        return run(&command, patience, None, reader);
    };
    let known = session::known(&key)?;
    let profile = if known.is_some() { resume } else { profile };
    values.extend(known.as_ref().map(|known| Attr::new(place, &known.id)));
    let total = known.map(|known| known.total).unwrap_or_default();
    reader.resumes(&total);
    let command = Command { profile: profile.to_owned(), values, stdin };
    let memory = Memory { key: key.clone(), known: Known { id: String::new(), total } };
    run(&command, patience, Some(&memory), reader).or_else(|fault| {
        if !session::is_gone(&fault) {
            return Err(fault);
        }
        session::forget(&key)?;
        Err(Fault { class: ErrorClass::Transient, ..fault })
    })
}

/// Every line is a sign of life, whether it says something or not.
pub fn converse(
    world: &mut impl World,
    patience: Patience,
    reader: &mut impl Reader,
) -> Result<Outcome, Fault> {
    let mut latest = News::progress("started");
    let silent_ms = loop {
        let silence = if reader.is_over() { GRACE_MS } else { patience.now(reader.has_open_tool()) };
        match world.next_line(silence)? {
            Line::Text(line) => {
                for news in reader.read(&line) {
                    match news {
                        News::Progress { .. } => latest = news,
                        News::Spent(_) | News::Session(_) | News::Total(_) => world.tell(news)?,
                    }
                }
                world.tell(latest.clone())?;
            }
            Line::Silent => break Some(silence),
            Line::Closed => break None,
        }
    };
    let grace = if silent_ms.is_some() { 0 } else { GRACE_MS };
    let completed = world.finish(grace)?;
    reader.conclude(&End { silent_ms, completed })
}

/// Lets a program end whose adapter has come to a result. What it wrote to standard error is only known then.
pub fn conclude(program: &Program, result: Result<Outcome, Fault>) -> Result<Outcome, Fault> {
    program.close_input();
    let patience = match &result {
        Ok(_) => GRACE_MS,
        Err(fault) if fault.class == ErrorClass::Timeout => 1000,
        Err(_) => GRACE_MS / 2,
    };
    match (result, program.finish(patience)) {
        (Err(fault), Ok(completed)) => Err(explained(fault, &completed)),
        (result, _) => result,
    }
}

/// Where a conversation is remembered, and what is known of it.
#[derive(Clone)]
pub struct Memory {
    key: String,
    known: Known,
}

struct Host {
    program: Program,
    memory: Option<Memory>,
}

impl World for Host {
    fn next_line(&mut self, patience_ms: u64) -> Result<Line, Fault> {
        Ok(self.program.read_line(Some(patience_ms))?)
    }

    fn tell(&mut self, news: News) -> Result<(), Fault> {
        match (news, &mut self.memory) {
            (News::Progress { message, done }, _) => Ok(progress::report(&message, done)?),
            (News::Spent(usage), _) => Ok(progress::spent(&usage)?),
            (News::Session(id), Some(memory)) => {
                memory.known.id = id;
                session::remember(&memory.key, &memory.known)
            }
            (News::Total(total), Some(memory)) => {
                memory.known.total = total;
                // Before the session is known there is nothing to take up again.
                if memory.known.id.is_empty() {
                    Ok(())
                } else {
                    session::remember(&memory.key, &memory.known)
                }
            }
            (News::Session(_) | News::Total(_), None) => Ok(()),
        }
    }

    fn finish(&mut self, patience_ms: u64) -> Result<Completed, Fault> {
        Ok(self.program.finish(patience_ms)?)
    }
}

/// Whether the programs of `profile`, and of `resume-profile` if there is one, could be started.
pub fn probe(config: Config<'_>) -> Health {
    let profile = match config.required("profile") {
        Ok(profile) => profile,
        Err(unusable) => return Health::Unreachable(unusable.to_string()),
    };
    if let Err(error) = process::check(profile) {
        return Health::Unreachable(Fault::from(error).message);
    }
    match config.get("resume-profile").map(process::check) {
        None | Some(Ok(())) => Health::Ready,
        Some(Err(error)) => Health::Degraded(Fault::from(error).message),
    }
}

/// A prompt that no program takes for a command or an option of its own, as they do with what begins with `/`, `!` or `-`.
pub fn plain(prompt: String) -> String {
    if prompt.trim_start().starts_with(['/', '!', '-']) { format!("Task: {prompt}") } else { prompt }
}

/// The paths that an agent says it has changed, in the order in which it said so, as an attribute of its outcome. A
/// claim like any other.
pub fn changed_files(paths: &[String]) -> Attr {
    Attr::new("changed-files", serde_json::json!(paths).to_string())
}

impl From<ProcessError> for Fault {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Denied(why) | ProcessError::NotStarted(why) => {
                Self::new(ErrorClass::Environment, why)
            }
            ProcessError::BadValue(why) => Self::new(ErrorClass::InvalidInput, why),
            ProcessError::Stopped => Self::stopped("the attempt is over"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Rehearsal;

    /// Done when it hears `done`; answers with what it heard.
    #[derive(Default)]
    struct Echo {
        heard: Vec<String>,
    }

    impl Reader for Echo {
        fn read(&mut self, line: &str) -> Vec<News> {
            self.heard.push(line.to_owned());
            if line == "hm" { Vec::new() } else { vec![News::progress(line)] }
        }

        fn has_open_tool(&self) -> bool {
            self.heard.last().is_some_and(|line| line == "build")
        }

        fn is_over(&self) -> bool {
            self.heard.iter().any(|line| line == "done")
        }

        fn conclude(&mut self, end: &End) -> Result<Outcome, Fault> {
            if self.is_over() {
                return Ok(Outcome::text(self.heard.join(" ")));
            }
            Err(end.without("a last word", &Skipped::default()))
        }
    }

    fn converse(transcript: &str) -> (Result<Outcome, Fault>, Rehearsal) {
        let mut rehearsal = Rehearsal::new(transcript);
        let result = super::converse(&mut rehearsal, Patience::default(), &mut Echo::default());
        (result, rehearsal)
    }

    #[test]
    fn every_line_is_a_sign_of_life() {
        let (result, rehearsal) = converse("< a\n< hm\n< done\n!exit 0");
        assert_eq!(result, Ok(Outcome::text("a hm done")));
        assert_eq!(rehearsal.progress(), ["a", "a", "done"]);
    }

    #[test]
    fn who_hangs_is_killed_at_once() {
        let (result, rehearsal) = converse("< a\n2 still here\n!silent");
        assert_eq!(result, Err(Fault::new(ErrorClass::Timeout, "silent for 300 s, and killed: still here")));
        assert_eq!(rehearsal.patience, [300_000, 300_000, 0]);
    }

    #[test]
    fn who_is_done_and_stays_is_not_at_fault() {
        let (result, rehearsal) = converse("< done\n!silent");
        assert_eq!(result, Ok(Outcome::text("done")));
        assert_eq!(rehearsal.patience, [300_000, GRACE_MS, 0]);
    }

    #[test]
    fn an_attempt_that_the_host_ends_is_over() {
        let mut rehearsal = Rehearsal::new("< a\n< b\n!exit 0");
        rehearsal.stop_after = Some(1);
        let result = super::converse(&mut rehearsal, Patience::default(), &mut Echo::default());
        assert_eq!(result, Err(Fault::stopped("the attempt is over")));
        assert_eq!(rehearsal.progress(), ["a"]);
    }

    #[test]
    fn no_prompt_is_a_command() {
        assert_eq!(plain(String::from("/run rm")), "Task: /run rm");
        assert_eq!(plain(String::from(" !rm")), "Task:  !rm");
        assert_eq!(plain(String::from("Mend a/b!")), "Mend a/b!");
    }

    #[test]
    fn a_tool_at_work_may_take_longer() {
        let (result, rehearsal) = converse("< build\n< built\n< done\n!exit 0");
        assert_eq!(result, Ok(Outcome::text("build built done")));
        assert_eq!(rehearsal.patience, [300_000, 1_800_000, 300_000, GRACE_MS, GRACE_MS]);
    }
}

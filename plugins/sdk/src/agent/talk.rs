//! Runs programs that write their output line by line: what all adapters of command lines have in common.
//!
//! An adapter is a [`Reader`], which interprets the lines without side effects. [`run`] starts the program, passes its lines
//! to the reader, reports to the host what they say, and ends a program that exceeds the idle timeout.

mod end;
mod idle_timeout;

use crate::agent::process::{self, Command, Completed, Line, ProcessError, Program};
use crate::agent::session::{self, Known};
use crate::agent::{Attempt, Attr, Config, Health, progress};
use crate::words::{ErrorClass, Fault, Outcome, Usage};

pub use end::{End, Skipped, explained, last_line, reason};
pub use idle_timeout::IdleTimeout;

/// How long a program may take to exit after its last message, in milliseconds.
pub const GRACE_MS: u64 = 10_000;

/// What a line of output means to the host.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// Progress.
    Progress {
        /// One line for people.
        message: String,
        /// 0.0 to 1.0; none if unknown.
        done: Option<f64>,
    },
    /// The usage of the attempt so far, as a total.
    Spent(Usage),
    /// The id by which the session can be resumed.
    Session(String),
    /// The usage of the whole session in the adapter's own format, for the attempt that resumes it: some programs report
    /// nothing smaller.
    Total(String),
}

impl News {
    /// Progress without a known share.
    pub fn progress(message: impl Into<String>) -> Self {
        Self::Progress { message: message.into(), done: None }
    }
}

/// Interprets the output of a program.
pub trait Reader {
    /// Interprets one line.
    fn read(&mut self, line: &str) -> Vec<News>;

    /// Called before the first line of a resumed session, with its last [`News::Total`].
    fn resumes(&mut self, total: &str) {
        let _ = total;
    }

    /// Whether a tool is running, as far as the protocol tells.
    fn has_open_tool(&self) -> bool {
        false
    }

    /// Whether the protocol's final message was read. The program then has [`GRACE_MS`] to exit.
    fn is_over(&self) -> bool;

    /// The result, after the program has ended.
    ///
    /// # Errors
    /// The fault that ended the attempt.
    fn conclude(&mut self, end: &End) -> Result<Outcome, Fault>;
}

/// The program and the host, replaced in tests.
pub trait World {
    /// The next line of output. Waits at most `timeout_ms`.
    ///
    /// # Errors
    /// The attempt was stopped, or the line is too long.
    fn next_line(&mut self, timeout_ms: u64) -> Result<Line, Fault>;

    /// Reports to the host.
    ///
    /// # Errors
    /// The attempt was stopped.
    fn tell(&mut self, news: News) -> Result<(), Fault>;

    /// Waits for the program to exit, and kills it after `timeout_ms`.
    ///
    /// # Errors
    /// The attempt was stopped.
    fn finish(&mut self, timeout_ms: u64) -> Result<Completed, Fault>;
}

/// Runs a program to its end, without further input. With a memory, its session is remembered.
///
/// # Errors
/// It could not be started, the attempt was stopped, or the reader's fault.
pub fn run(
    command: &Command,
    timeout: IdleTimeout,
    memory: Option<&Memory>,
    reader: &mut impl Reader,
) -> Result<Outcome, Fault> {
    let program = process::start(command)?;
    program.close_input();
    converse(&mut Host { program, memory: memory.cloned() }, timeout, reader)
}

/// Runs the program of `profile`, or that of `resume-profile` if it is configured and an earlier attempt left a session. The
/// id of the session fills the placeholder `place`.
///
/// # Errors
/// As [`run`]. A session that is gone is forgotten, and the fault is transient.
pub fn run_in_session(
    attempt: &Attempt,
    place: &str,
    mut values: Vec<Attr>,
    stdin: Vec<u8>,
    reader: &mut impl Reader,
) -> Result<Outcome, Fault> {
    let config = Config(&attempt.config);
    let profile = config.required("profile")?;
    let timeout = IdleTimeout::read(config)?;
    let resume = config.get("resume-profile").zip(session::key(&attempt.idempotency_key));
    let Some((resume, key)) = resume else {
        let command = Command { profile: profile.to_owned(), values, stdin };
        return run(&command, timeout, None, reader);
    };
    let known = session::known(&key)?;
    let profile = if known.is_some() { resume } else { profile };
    values.extend(known.as_ref().map(|known| Attr::new(place, &known.id)));
    let total = known.map(|known| known.total).unwrap_or_default();
    reader.resumes(&total);
    let command = Command { profile: profile.to_owned(), values, stdin };
    let memory = Memory { key: key.clone(), known: Known { id: String::new(), total } };
    run(&command, timeout, Some(&memory), reader).or_else(|fault| {
        if !session::is_gone(&fault) {
            return Err(fault);
        }
        session::forget(&key)?;
        Err(Fault { class: ErrorClass::Transient, ..fault })
    })
}

/// Reads the output of a running program to its end. Every line resets the idle timeout.
///
/// # Errors
/// The attempt was stopped, or the reader's fault.
pub fn converse(
    world: &mut impl World,
    timeout: IdleTimeout,
    reader: &mut impl Reader,
) -> Result<Outcome, Fault> {
    let mut latest = News::progress("started");
    let silent_ms = loop {
        let limit = if reader.is_over() { GRACE_MS } else { timeout.now(reader.has_open_tool()) };
        match world.next_line(limit)? {
            Line::Text(line) => {
                for news in reader.read(&line) {
                    match news {
                        News::Progress { .. } => latest = news,
                        News::Spent(_) | News::Session(_) | News::Total(_) => world.tell(news)?,
                    }
                }
                world.tell(latest.clone())?;
            }
            Line::Silent => break Some(limit),
            Line::Closed => break None,
        }
    };
    let grace = if silent_ms.is_some() { 0 } else { GRACE_MS };
    let completed = world.finish(grace)?;
    reader.conclude(&End { silent_ms, completed })
}

/// Ends a program whose adapter has its result. A fault is extended with what the program wrote to standard error, which is
/// known only now.
///
/// # Errors
/// The fault of `result`.
pub fn conclude(program: &Program, result: Result<Outcome, Fault>) -> Result<Outcome, Fault> {
    program.close_input();
    let timeout_ms = match &result {
        Ok(_) => GRACE_MS,
        Err(fault) if fault.class == ErrorClass::Timeout => 1000,
        Err(_) => GRACE_MS / 2,
    };
    match (result, program.finish(timeout_ms)) {
        (Err(fault), Ok(completed)) => Err(explained(fault, &completed)),
        (result, _) => result,
    }
}

/// Where a session is remembered, and what is known about it.
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
    fn next_line(&mut self, timeout_ms: u64) -> Result<Line, Fault> {
        Ok(self.program.read_line(Some(timeout_ms))?)
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
                // Without an id there is nothing to resume.
                if memory.known.id.is_empty() {
                    Ok(())
                } else {
                    session::remember(&memory.key, &memory.known)
                }
            }
            (News::Session(_) | News::Total(_), None) => Ok(()),
        }
    }

    fn finish(&mut self, timeout_ms: u64) -> Result<Completed, Fault> {
        Ok(self.program.finish(timeout_ms)?)
    }
}

/// Checks whether the programs of `profile` and of `resume-profile` could be started. Starts neither.
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

/// A prompt that no program mistakes for a command or an option: text that begins with `/`, `!` or `-` gets a prefix.
pub fn plain(prompt: String) -> String {
    if prompt.trim_start().starts_with(['/', '!', '-']) { format!("Task: {prompt}") } else { prompt }
}

/// The attribute of an outcome with the paths that an agent reports as changed, in the order of its reports. A claim, which
/// the host does not rely on.
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
    use crate::fixture::ScriptedProgram;

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

    fn converse(transcript: &str) -> (Result<Outcome, Fault>, ScriptedProgram) {
        let mut program = ScriptedProgram::new(transcript);
        let result = super::converse(&mut program, IdleTimeout::default(), &mut Echo::default());
        (result, program)
    }

    #[test]
    fn every_line_resets_the_idle_timeout() {
        let (result, program) = converse("< a\n< hm\n< done\n!exit 0");
        assert_eq!(result, Ok(Outcome::text("a hm done")));
        assert_eq!(program.progress(), ["a", "a", "done"]);
    }

    #[test]
    fn a_program_that_hangs_is_killed_at_once() {
        let (result, program) = converse("< a\n2 still here\n!silent");
        assert_eq!(result, Err(Fault::new(ErrorClass::Timeout, "silent for 300 s, and killed: still here")));
        assert_eq!(program.timeouts, [300_000, 300_000, 0]);
    }

    #[test]
    fn a_program_that_is_done_and_does_not_exit_is_no_fault() {
        let (result, program) = converse("< done\n!silent");
        assert_eq!(result, Ok(Outcome::text("done")));
        assert_eq!(program.timeouts, [300_000, GRACE_MS, 0]);
    }

    #[test]
    fn an_attempt_that_the_host_ends_is_over() {
        let mut program = ScriptedProgram::new("< a\n< b\n!exit 0");
        program.stop_after = Some(1);
        let result = super::converse(&mut program, IdleTimeout::default(), &mut Echo::default());
        assert_eq!(result, Err(Fault::stopped("the attempt is over")));
        assert_eq!(program.progress(), ["a"]);
    }

    #[test]
    fn a_program_that_was_not_run_is_the_operators_or_the_tasks_to_fix() {
        let class = |error: ProcessError| Fault::from(error).class;
        let why = || String::from("why");
        assert_eq!(class(ProcessError::Denied(why())), ErrorClass::Environment);
        assert_eq!(class(ProcessError::NotStarted(why())), ErrorClass::Environment);
        assert_eq!(class(ProcessError::BadValue(why())), ErrorClass::InvalidInput);
        assert_eq!(class(ProcessError::Stopped), ErrorClass::Timeout);
    }

    #[test]
    fn no_prompt_is_a_command() {
        assert_eq!(plain(String::from("/run rm")), "Task: /run rm");
        assert_eq!(plain(String::from(" !rm")), "Task:  !rm");
        assert_eq!(plain(String::from("Mend a/b!")), "Mend a/b!");
    }

    #[test]
    fn a_tool_at_work_may_take_longer() {
        let (result, program) = converse("< build\n< built\n< done\n!exit 0");
        assert_eq!(result, Ok(Outcome::text("build built done")));
        assert_eq!(program.timeouts, [300_000, 1_800_000, 300_000, GRACE_MS, GRACE_MS]);
    }
}

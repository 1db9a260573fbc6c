//! How a program ended, and the fault of one that did not report a result.

use crate::agent::process::{Completed, Ending};
use crate::agent::symptom;
use crate::words::{ErrorClass, Fault, capped};

/// The most bytes of a line in a message.
const SHOWN_BYTES: usize = 200;

/// How a program ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// It was killed after this idle timeout, in milliseconds; none = it was not.
    pub silent_ms: Option<u64>,
    /// Its ending and the rest of its output.
    pub completed: Completed,
}

impl End {
    /// The fault of a program that ended without `what`, the final message of its protocol. Even exit code 0 is a fault then.
    pub fn without(&self, what: &str, skipped: &Skipped) -> Fault {
        let (class, cause) = self.cause(what);
        let detail = detail(&self.completed);
        let note = skipped.note();
        // A program that exits early often prints the reason, though not in the format of the protocol.
        let said = if self.by_itself() { symptom::class(&format!("{detail}{note}")) } else { None };
        Fault::new(said.unwrap_or(class), format!("{cause}{detail}{note}"))
    }

    /// Whether it exited by itself.
    pub fn by_itself(&self) -> bool {
        self.silent_ms.is_none() && matches!(self.completed.ending, Ending::Exited(_))
    }

    fn cause(&self, what: &str) -> (ErrorClass, String) {
        if let Some(silent) = self.silent_ms {
            return (ErrorClass::Timeout, format!("silent for {} s, and killed", silent / 1000));
        }
        match self.completed.ending {
            Ending::Exited(code) => (ErrorClass::Crashed, format!("exit code {code} without {what}")),
            Ending::Signalled(signal) => {
                (ErrorClass::Crashed, format!("signal {signal} ended the program before {what}"))
            }
            Ending::TimedOut(after) => (ErrorClass::Timeout, format!("killed after {after} ms")),
            Ending::TooMuchOutput(limit) => (
                ErrorClass::InvalidOutput,
                format!("killed: it wrote more than the {limit} bytes that its profile allows"),
            ),
        }
    }
}

/// Extends a fault that was found while the program ran with what is known after its end.
pub fn explained(fault: Fault, completed: &Completed) -> Fault {
    let ending = match completed.ending {
        Ending::Exited(code) => format!(" (exit code {code})"),
        Ending::Signalled(signal) => format!(" (signal {signal})"),
        Ending::TimedOut(after) => format!(" (killed after {after} ms)"),
        Ending::TooMuchOutput(limit) => format!(" (killed after {limit} bytes of output)"),
    };
    let detail = detail(completed);
    let (ending, said) = match fault.class {
        ErrorClass::Crashed => (ending, symptom::class(&detail)),
        ErrorClass::Timeout => (String::new(), None),
        // These have a reason already.
        ErrorClass::Transient
        | ErrorClass::InvalidOutput
        | ErrorClass::RateLimited
        | ErrorClass::InvalidInput
        | ErrorClass::Refused
        | ErrorClass::Unauthorized
        | ErrorClass::Environment
        | ErrorClass::Budget
        | ErrorClass::Other(_) => return fault,
    };
    let class = match (&completed.ending, said) {
        (Ending::Exited(_), Some(class)) => class,
        // It broke off because its time was up. A program that finished its turn and does not exit is killed, too; its fault
        // stays that of the turn.
        (Ending::TimedOut(_), _) if fault.class == ErrorClass::Crashed => ErrorClass::Timeout,
        (_, _) => fault.class,
    };
    Fault { class, message: format!("{}{ending}{detail}", fault.message), ..fault }
}

/// Lines that could not be parsed: their number, and the first one for the message of a fault.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Skipped {
    /// Their number.
    pub count: u32,
    first: String,
}

impl Skipped {
    /// Counts a line, unless it is blank.
    pub fn add(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if self.count == 0 {
            capped(line.trim(), SHOWN_BYTES).clone_into(&mut self.first);
        }
        self.count = self.count.saturating_add(1);
    }

    /// A note for the end of a message; empty if there are none.
    pub fn note(&self) -> String {
        match self.count {
            0 => String::new(),
            count => format!("; {count} line(s) could not be read, first `{}`", self.first),
        }
    }
}

/// The line of standard error that explains the failure, for the end of a message.
fn detail(completed: &Completed) -> String {
    match capped(reason(&String::from_utf8_lossy(&completed.stderr)), SHOWN_BYTES * 5) {
        "" => String::new(),
        line => format!(": {line}"),
    }
}

/// The last line that may be the reason of a failure: notices about updates, telemetry or options are skipped. Empty if
/// there is none.
pub fn reason(text: &str) -> &str {
    text.lines().rev().map(str::trim).find(|line| is_said(line)).unwrap_or("")
}

/// Whether a line has words (closing brackets of multi-line output have none) and is no notice.
fn is_said(line: &str) -> bool {
    line.contains(|c: char| c.is_alphanumeric()) && !is_notice(line)
}

/// Words that begin a notice, also after a time stamp or in brackets.
const NOTICES: [&str; 11] = [
    "warn",
    "warning",
    "info",
    "debug",
    "trace",
    "note",
    "notice",
    "hint",
    "tip",
    "deprecationwarning",
    "experimentalwarning",
];

fn is_notice(line: &str) -> bool {
    let words = line.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let is_stamp = |word: &&str| !word.starts_with(|c: char| c.is_ascii_digit());
    let mut words = words.filter(is_stamp).map(str::to_ascii_lowercase);
    let begins = |word: &String| NOTICES.contains(&word.as_str());
    match words.next() {
        // `npm warn`, and `(node:71) Warning` or `(node:71) [DEP0040] DeprecationWarning`.
        Some(first) if matches!(first.as_str(), "npm" | "node") => words.take(2).any(|word| begins(&word)),
        Some(first) => begins(&first),
        None => false,
    }
}

/// The last line that is not blank; empty if there is none.
pub fn last_line(text: &str) -> &str {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(ending: Ending, stderr: &str, skipped: &[&str]) -> Fault {
        let stderr = stderr.as_bytes().to_vec();
        let end = End { silent_ms: None, completed: Completed { ending, stdout: vec![], stderr, took: 1 } };
        let mut all = Skipped::default();
        skipped.iter().for_each(|line| all.add(line));
        end.without("a result", &all)
    }

    #[test]
    fn no_exit_code_makes_up_for_a_missing_end() {
        assert_eq!(
            fault(Ending::Exited(0), "", &[]),
            Fault::new(ErrorClass::Crashed, "exit code 0 without a result")
        );
        assert_eq!(
            fault(Ending::Signalled(9), "a\nb\n\n", &["x", "", "y"]),
            Fault::new(
                ErrorClass::Crashed,
                "signal 9 ended the program before a result: b; 2 line(s) could not be read, first `x`"
            )
        );
    }

    #[test]
    fn what_is_known_later_is_added() {
        let explained = |class: ErrorClass, ending, stderr: &str| {
            let stderr = stderr.as_bytes().to_vec();
            let completed = Completed { ending, stdout: vec![], stderr, took: 1 };
            let fault = explained(Fault::new(class, "it broke off"), &completed);
            (fault.class, fault.message)
        };
        assert_eq!(
            explained(ErrorClass::Crashed, Ending::Exited(1), "one\ntwo\n"),
            (ErrorClass::Crashed, String::from("it broke off (exit code 1): two"))
        );
        assert_eq!(
            explained(ErrorClass::Crashed, Ending::Exited(1), "please /login").0,
            ErrorClass::Unauthorized
        );
        assert_eq!(
            explained(ErrorClass::Timeout, Ending::Signalled(9), "please /login"),
            (ErrorClass::Timeout, String::from("it broke off: please /login"))
        );
        assert_eq!(
            explained(ErrorClass::InvalidOutput, Ending::TimedOut(5000), ""),
            (ErrorClass::InvalidOutput, String::from("it broke off"))
        );
        assert_eq!(explained(ErrorClass::Crashed, Ending::TimedOut(5000), "").0, ErrorClass::Timeout);
        assert_eq!(
            explained(ErrorClass::Refused, Ending::Exited(0), "bye"),
            (ErrorClass::Refused, String::from("it broke off"))
        );
    }

    #[test]
    fn a_notice_is_no_reason() {
        for notice in [
            "WARNING: proceeding, even though we could not create PATH aliases",
            "2026-11-28T02:58:35.900Z  WARN codex_core: refusing to create helper binaries",
            "[INFO] listening",
            "npm warn deprecated x@1",
            "(node:71) [DEP0040] DeprecationWarning: The `punycode` module is deprecated.",
            "(node:71) ExperimentalWarning: SQLite is an experimental feature",
            "Note: run with RUST_BACKTRACE=1",
        ] {
            assert_eq!(reason(&format!("it broke\n{notice}\n}}\n\n")), "it broke");
            assert_eq!(reason(notice), "");
        }
        for cause in
            ["error: no such model", "Information is missing", "node: not found", "npm error code E404"]
        {
            assert_eq!(reason(cause), cause);
        }
    }

    #[test]
    fn what_it_said_on_the_way_out_tells_the_class() {
        assert_eq!(fault(Ending::Exited(1), "Not logged in", &[]).class, ErrorClass::Unauthorized);
        assert_eq!(fault(Ending::Exited(1), "", &["429 Too Many Requests"]).class, ErrorClass::RateLimited);
        assert_eq!(fault(Ending::Signalled(9), "Not logged in", &[]).class, ErrorClass::Crashed);
        assert_eq!(fault(Ending::TimedOut(5), "Not logged in", &[]).class, ErrorClass::Timeout);
        assert_eq!(fault(Ending::TooMuchOutput(5), "", &[]).class, ErrorClass::InvalidOutput);
    }
}

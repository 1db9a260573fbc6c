//! What the end of the program means.

use baton_sdk::agent::process::{Completed, Ending};
use baton_sdk::agent::talk::last_line;
use baton_sdk::agent::{ErrorClass, Fault, Outcome};
use baton_sdk::words::{SUMMARY_BYTES, capped};
use serde_json::{Map, Value, json};

/// The claim or the fault. `summary` is for a program that does not say one itself.
pub fn read(completed: &Completed, summary: Option<&str>) -> Result<Outcome, Fault> {
    match completed.ending {
        Ending::Exited(0) => Ok(outcome(&completed.stdout, summary)),
        Ending::Exited(code) => Err(exited(code, &completed.stderr)),
        Ending::Signalled(signal) => Err(Fault::new(
            ErrorClass::Crashed,
            with_last_line(format!("signal {signal} ended the program"), &completed.stderr),
        )),
        Ending::TimedOut(after) => Err(Fault::new(
            ErrorClass::Timeout,
            with_last_line(format!("killed after {after} ms"), &completed.stderr),
        )),
        Ending::TooMuchOutput(limit) => Err(Fault::new(
            ErrorClass::InvalidOutput,
            format!("killed: it wrote more than the {limit} bytes that its profile allows"),
        )),
    }
}

fn outcome(stdout: &[u8], summary: Option<&str>) -> Outcome {
    let text = String::from_utf8_lossy(stdout);
    let object = serde_json::from_str::<Map<String, Value>>(&text).ok();
    let said = object.as_ref().and_then(|object| object.get("summary")?.as_str());
    let summary = said.or(summary).unwrap_or_else(|| last_line(&text));
    let summary = capped(summary, SUMMARY_BYTES);
    match object {
        Some(_) => Outcome::raw(summary, text.trim().to_owned()),
        None => Outcome::json(summary, &json!({ "text": text })),
    }
}

fn exited(code: i32, stderr: &[u8]) -> Fault {
    let class = match code {
        64 | 65 => ErrorClass::InvalidInput,
        69 | 75 => ErrorClass::Transient,
        72 | 78 => ErrorClass::Environment,
        77 => ErrorClass::Unauthorized,
        _ => ErrorClass::Other(String::from("exit")),
    };
    Fault::new(class, with_last_line(format!("exit code {code}"), stderr))
}

fn with_last_line(message: String, stderr: &[u8]) -> String {
    let stderr = String::from_utf8_lossy(stderr);
    match capped(last_line(&stderr), SUMMARY_BYTES) {
        "" => message,
        line => format!("{message}: {line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(ending: Ending, stdout: &str, stderr: &str) -> Completed {
        Completed { ending, stdout: stdout.as_bytes().to_vec(), stderr: stderr.as_bytes().to_vec(), took: 1 }
    }

    fn succeeded(stdout: &str, summary: Option<&str>) -> Outcome {
        read(&ended(Ending::Exited(0), stdout, ""), summary).unwrap()
    }

    fn failed(ending: Ending, stderr: &str) -> Fault {
        read(&ended(ending, "", stderr), None).unwrap_err()
    }

    #[test]
    fn an_object_is_the_output_word_for_word() {
        assert_eq!(
            succeeded("{\"summary\": \"Done.\", \"n\": 1.50}\n", Some("configured")),
            Outcome::raw("Done.", String::from("{\"summary\": \"Done.\", \"n\": 1.50}"))
        );
    }

    #[test]
    fn anything_else_is_text() {
        assert_eq!(
            succeeded("one\n two \n\n", None),
            Outcome::raw("two", String::from(r#"{"text":"one\n two \n\n"}"#))
        );
        assert_eq!(succeeded("[1]", None).output, r#"{"text":"[1]"}"#);
        assert_eq!(succeeded("", None), Outcome::raw("", String::from(r#"{"text":""}"#)));
    }

    #[test]
    fn a_configured_summary_replaces_the_last_line() {
        assert_eq!(succeeded("one\ntwo", Some("Ran it.")).summary, "Ran it.");
    }

    #[test]
    fn bytes_that_are_not_text_are_replaced() {
        let mut completed = ended(Ending::Exited(0), "", "");
        completed.stdout = vec![b'a', 0xff];
        assert_eq!(read(&completed, None).unwrap().output, "{\"text\":\"a\u{fffd}\"}");
    }

    #[test]
    fn a_long_line_is_cut() {
        assert_eq!(succeeded(&"x".repeat(5000), None).summary.len(), 4096);
    }

    #[test]
    fn exit_codes_are_those_of_sysexits() {
        let class = |code| failed(Ending::Exited(code), "").class;
        assert_eq!(class(64), ErrorClass::InvalidInput);
        assert_eq!(class(65), ErrorClass::InvalidInput);
        assert_eq!(class(69), ErrorClass::Transient);
        assert_eq!(class(72), ErrorClass::Environment);
        assert_eq!(class(75), ErrorClass::Transient);
        assert_eq!(class(77), ErrorClass::Unauthorized);
        assert_eq!(class(78), ErrorClass::Environment);
        assert_eq!(
            failed(Ending::Exited(1), "warming up\nno such branch\n"),
            Fault::new(ErrorClass::Other(String::from("exit")), "exit code 1: no such branch")
        );
    }

    #[test]
    fn other_ends_have_classes_of_their_own() {
        assert_eq!(
            failed(Ending::Signalled(9), ""),
            Fault::new(ErrorClass::Crashed, "signal 9 ended the program")
        );
        assert_eq!(
            failed(Ending::TimedOut(500), "still here"),
            Fault::new(ErrorClass::Timeout, "killed after 500 ms: still here")
        );
        assert_eq!(
            failed(Ending::TooMuchOutput(10), ""),
            Fault::new(
                ErrorClass::InvalidOutput,
                "killed: it wrote more than the 10 bytes that its profile allows"
            )
        );
    }
}

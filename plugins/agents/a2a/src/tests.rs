//! Whole conversations, kept as files, and what each of them means: at once and byte by byte.

use baton_sdk::agent::http::HttpError;
use baton_sdk::agent::people::Answer;
use baton_sdk::agent::{Artifact, Attempt, Attr, Content, ErrorClass, Fault, Listener, Outcome, Usage};
use baton_sdk::fixture::attempt;
use serde_json::Value;

use crate::session::{Session, Step};
use crate::settings::Settings;

/// The steps of a file are `>> ` and what is expected to be done, then `<< ` with status, media type and headers and
/// the body in the lines below, `!! ` for a connection that breaks, or `== ` and what a person says.
#[derive(Default)]
struct Turn<'a> {
    expected: &'a str,
    head: Option<&'a str>,
    body: String,
    broken: bool,
    said: Option<&'a str>,
}

fn turns(text: &str) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn> = Vec::new();
    for line in text.split_inclusive('\n') {
        let (mark, rest) = line.split_at_checked(3).unwrap_or(("", line));
        let rest = rest.trim_end();
        if mark == ">> " {
            turns.push(Turn { expected: rest, ..Turn::default() });
            continue;
        }
        let turn = turns.last_mut().expect("a step");
        match mark {
            "<< " => turn.head = Some(rest),
            "!! " => turn.broken = true,
            "== " => turn.said = Some(rest),
            _ => turn.body.push_str(line),
        }
    }
    turns
}

fn described(step: &Step) -> String {
    match step {
        Step::Wait(millis) => format!("wait {millis}"),
        Step::Ask(question) => format!("ask {}", question.text),
        Step::Over(ending) => format!("over {ending:?}"),
        Step::Call(request) => {
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let (method, params) = (&body["method"], &body["params"]);
            let task = params["id"].as_str().or(params["message"]["taskId"].as_str());
            let text = params["message"]["parts"][0]["text"]
                .as_str()
                .map(|text| text.replace("\n\n", " / ").replace('\n', " "));
            [
                format!("{} {}", request.method, request.path),
                method.as_str().map(|method| format!(" {method}")).unwrap_or_default(),
                task.map(|task| format!(" [{task}]")).unwrap_or_default(),
                text.map(|text| format!(": {text}")).unwrap_or_default(),
            ]
            .concat()
        }
    }
}

struct Played {
    ending: Result<Outcome, Fault>,
    usage: Usage,
    /// Key and resume of each question.
    asked: Vec<(String, String)>,
    cancelled: Option<String>,
}

fn read(name: &str) -> String {
    let path = format!("{}/transcripts/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).expect(&path)
}

fn play(name: &str, attempt: &Attempt, answers: &[Answer], piece: usize) -> Played {
    play_text(name, &read(name), attempt, answers, piece)
}

fn play_text(name: &str, text: &str, attempt: &Attempt, answers: &[Answer], piece: usize) -> Played {
    let settings = Settings::read(&attempt.config).unwrap();
    let mut session = Session::new(&settings, attempt, answers);
    let mut asked = Vec::new();
    let mut cancelled = None;
    let mut step = session.begin();
    for turn in turns(text) {
        assert_eq!(described(&step), turn.expected, "{name}");
        cancelled = session.cancel().map(|request| described(&Step::Call(request))).or(cancelled);
        step = match step {
            Step::Over(_) => panic!("{name} goes on"),
            Step::Wait(_) => session.waited(),
            Step::Ask(question) => {
                asked.push((question.key.clone(), question.resume.clone()));
                let said = turn.said.filter(|said| *said != "nobody");
                let answer = said.map(|text| Answer {
                    key: question.key.clone(),
                    text: text.to_owned(),
                    resume: question.resume.clone(),
                });
                session.answered(&question.key, answer)
            }
            Step::Call(_) => {
                let mut wanted = true;
                if let Some(head) = turn.head {
                    let mut words = head.split(' ');
                    let status = words.next().expect("a status").parse().expect("a number");
                    let kind = Attr::new("content-type", words.next().expect("a media type"));
                    let others = words.map(|word| word.split_once('=').expect("a header"));
                    let others = others.map(|(name, value)| Attr::new(name, value));
                    session.head(status, [kind].into_iter().chain(others).collect());
                    wanted = turn.body.as_bytes().chunks(piece).all(|bytes| session.chunk(bytes));
                }
                let broken = turn.broken && wanted;
                session.over(&if broken { Err(HttpError::Broken(String::from("reset"))) } else { Ok(()) })
            }
        };
    }
    match step {
        Step::Over(ending) => Played { ending, usage: session.usage(), asked, cancelled },
        other => panic!("{name} ends before: {}", described(&other)),
    }
}

/// Servers may write all members of a kind, those that are not meant as null.
#[test]
fn members_that_are_null_say_nothing() {
    for name in ["data", "message", "nothing-handed-over", "failed", "poll"] {
        let nulls = read(name)
            .replace(
                "\"result\":{",
                "\"result\":{\"statusUpdate\":null,\"artifactUpdate\":null,\"message\":null,\"task\":null,",
            )
            .replace("{\"text\":", "{\"raw\":null,\"url\":null,\"data\":null,\"text\":")
            .replace("{\"data\":{", "{\"raw\":null,\"url\":null,\"text\":null,\"data\":{");
        assert!(nulls.contains("null,"), "{name}");
        let ending = play_text(name, &nulls, &task(), &[], 1 << 20).ending;
        assert_eq!(ending, play(name, &task(), &[], 1 << 20).ending, "{name}");
    }
}

fn task() -> Attempt {
    let mut attempt = attempt("\"Do it.\"");
    attempt.config = vec![Attr::new("service", "s")];
    attempt
}

fn played(name: &str) -> Played {
    for piece in [1, 7] {
        let whole = play(name, &task(), &[], 1 << 20);
        assert_eq!(play(name, &task(), &[], piece).ending, whole.ending, "{name}, {piece}");
    }
    play(name, &task(), &[], 1 << 20)
}

fn outcome(name: &str) -> Outcome {
    played(name).ending.unwrap()
}

fn fault(name: &str) -> Fault {
    let fault = played(name).ending.unwrap_err();
    Fault { attrs: Vec::new(), ..fault }
}

/// What `t-1` hands over after so many requests.
fn handed(summary: &str, output: &str, requests: u32) -> Outcome {
    Outcome {
        usage: Usage { requests, ..Usage::default() },
        attrs: vec![Attr::new("a2a.task", "t-1"), Attr::new("a2a.context", "c-1")],
        ..Outcome::raw(summary, output.to_owned())
    }
}

fn artifact(name: &str, media_type: &str, bytes: &[u8]) -> Artifact {
    Artifact {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        content: Content::Inline(bytes.to_vec()),
    }
}

#[test]
fn a_stream_is_put_together() {
    let expected = Outcome {
        artifacts: vec![
            artifact("Report", "text/plain", b"From A to B.\n\nTurn left."),
            artifact("map.png", "image/png", b"\x89PNG"),
            artifact("Report-2", "text/uri-list", b"https://a.example/m"),
        ],
        ..handed("From A to B.", r#"{"text":"From A to B.\n\nTurn left."}"#, 2)
    };
    assert_eq!(outcome("stream"), expected);
}

#[test]
fn a_message_is_an_answer_too() {
    let expected = Outcome {
        artifacts: vec![artifact("message", "text/plain", b"Hello.")],
        attrs: Vec::new(),
        ..handed("Hello.", r#"{"text":"Hello."}"#, 2)
    };
    assert_eq!(outcome("message"), expected);
}

#[test]
fn a_task_is_asked_for_until_it_rests() {
    let expected = Outcome {
        artifacts: vec![
            artifact("a-1", "text/plain", b"Two ways."),
            artifact("a-1-2", "application/json", br#"{"n":2}"#),
        ],
        ..handed("Two ways.", r#"{"text":"Two ways."}"#, 4)
    };
    assert_eq!(outcome("poll"), expected);
}

#[test]
fn a_contract_takes_the_data() {
    let mut attempt = task();
    attempt.task.metadata = vec![Attr::new("baton.contract", "{}")];
    let with = play("contract", &attempt, &[], 1).ending.unwrap();
    assert_eq!((with.summary.as_str(), with.output.as_str()), ("Two ways.", r#"{"n":2}"#));
    assert_eq!(outcome("data").output, r#"{"text":"Two ways."}"#);
}

#[test]
fn a_lost_connection_does_not_lose_the_task() {
    let done = |requests| handed("Done.", r#"{"text":"Done."}"#, requests);
    assert_eq!(outcome("poll-lost"), done(5));
    assert_eq!(outcome("stream-broken"), done(3));
    assert_eq!(outcome("stream-ended-early"), done(3));
    let broken = Fault::new(ErrorClass::Transient, "the connection broke: reset");
    assert_eq!(fault("poll-lost-for-good"), broken);
    assert_eq!(played("poll-lost-for-good").usage.requests, 6, "what failed counts too");
    assert_eq!(fault("stream-broken-at-once"), broken);
    let nothing = Fault::new(ErrorClass::Transient, "the reply ended before it said anything");
    assert_eq!(fault("stream-of-nothing"), nothing);
}

#[test]
fn each_end_has_a_class_of_its_own() {
    let failed =
        Fault::new(ErrorClass::Other(String::from("task-failed")), "the agent failed at its task: No map.");
    assert_eq!(fault("failed"), failed);
    assert_eq!(fault("stream-malformed"), failed);
    let canceled =
        Fault::new(ErrorClass::Other(String::from("task-canceled")), "the agent was made to cancel its task");
    assert_eq!(fault("canceled"), canceled);
    let rejected = Fault::new(ErrorClass::Refused, "the agent rejected its task: Not my trade.");
    assert_eq!(fault("rejected"), rejected);
    let message = "the agent wants an authorization that it has not got: Log in at the portal.";
    assert_eq!(fault("auth-required"), Fault::new(ErrorClass::Unauthorized, message));
    let message = "the agent's task is complete and hands over nothing";
    assert_eq!(fault("nothing-handed-over"), Fault::new(ErrorClass::InvalidOutput, message));
}

#[test]
fn errors_are_sorted() {
    let errors = [
        ("error-in-stream", ErrorClass::Transient, "the agent reported error -32603: Internal error"),
        (
            "error-instead-of-stream",
            ErrorClass::InvalidInput,
            "the agent reported error -32602: Invalid parameters",
        ),
        ("error-version", ErrorClass::Environment, "the agent reported error -32009: Version not supported"),
        ("unauthorized", ErrorClass::Unauthorized, "the service answered 401: Who are you?"),
        (
            "no-card",
            ErrorClass::Environment,
            "no agent card at `/.well-known/agent-card.json`: the service answered 404: <h1>Not found</h1>",
        ),
        ("not-a-card", ErrorClass::Environment, "the agent's card is no JSON object: <h1>Hello</h1>"),
        (
            "unreachable",
            ErrorClass::Transient,
            "no agent card at `/.well-known/agent-card.json`: the connection broke: reset",
        ),
        ("html-for-a-result", ErrorClass::Transient, "the service sent what is no JSON: <h1>Hello</h1>"),
    ];
    for (name, class, message) in errors {
        assert_eq!(fault(name), Fault::new(class, message), "{name}");
    }
    let limited = Fault::new(ErrorClass::RateLimited, "the service answered 429: Slow down.");
    assert_eq!(fault("rate-limited"), Fault { retry_after: Some(9000), ..limited });
}

const KEY: &str = "a2a-496aa2934b4284eb";
const RESUME: &str = r#"{"context":"c-1","refusals":0,"task":"t-1"}"#;

#[test]
fn a_question_waits_for_a_person() {
    let played = played("input-required");
    assert_eq!(played.ending, Err(Fault::stopped("the agent's question waits for a person")));
    assert_eq!(played.asked, [(KEY.to_owned(), RESUME.to_owned())]);
}

#[test]
fn a_question_that_comes_again_is_another_one() {
    let played = played("input-by-policy");
    assert_eq!(played.ending.unwrap().summary, "Done.");
    let again = format!("{KEY}-2");
    assert_eq!(played.asked, [(KEY.to_owned(), RESUME.to_owned()), (again, RESUME.to_owned())]);
}

#[test]
fn an_answer_that_was_lost_is_given_again() {
    let played = played("input-lost-on-the-way");
    assert_eq!(played.ending.unwrap().summary, "Done.");
    assert_eq!(played.asked, [(KEY.to_owned(), RESUME.to_owned()), (KEY.to_owned(), RESUME.to_owned())]);
}

fn answered(resume: &str) -> Answer {
    Answer { key: KEY.to_owned(), text: String::from("Oslo"), resume: resume.to_owned() }
}

#[test]
fn the_next_attempt_takes_up_the_task() {
    let resumed = play("resumed", &task(), &[answered(RESUME)], 1);
    assert_eq!(resumed.ending.unwrap(), handed("Done.", r#"{"text":"Done."}"#, 3));
    assert_eq!(resumed.asked, [(KEY.to_owned(), RESUME.to_owned())]);
    for name in ["resumed-and-lost", "resumed-and-unknown"] {
        let afresh = play(name, &task(), &[answered(RESUME)], 1);
        assert_eq!(afresh.ending.unwrap().summary, "Done.", "{name}");
    }
}

#[test]
fn what_was_refused_is_not_taken_up() {
    let before = r#"{"context":"c-1","refusals":1,"task":"t-1"}"#;
    for resume in [before, "{}", "nonsense"] {
        let afresh = play("data", &task(), &[answered(resume)], 1);
        assert!(afresh.ending.is_ok());
    }
}

#[test]
fn only_a_task_that_is_under_way_is_cancelled() {
    assert_eq!(played("poll").cancelled.as_deref(), Some("POST /a2a/v1 CancelTask [t-1]"));
    assert_eq!(played("input-required").cancelled, None);
    assert_eq!(played("message").cancelled, None);
}

#[test]
fn every_transcript_is_played() {
    let this = include_str!("tests.rs");
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/transcripts")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let quoted = format!("\"{}\"", name.trim_end_matches(".txt"));
        assert!(this.contains(&quoted), "{name} is not played");
    }
}

//! Whole responses as services send them, kept as files, and what each of them means: at once and byte by byte.

use baton_sdk::agent::http::HttpError;
use baton_sdk::agent::{Attr, ErrorClass, Fault, Listener, Outcome, StopReason, Usage};

use crate::exchange::Exchange;
use crate::settings::Api;

#[path = "quirks.rs"]
mod quirks;

/// A line of what it is (`# chat contract broken`), the status, the headers, a blank line, the body.
struct Transcript {
    api: Api,
    contract: bool,
    broken: bool,
    status: u16,
    headers: Vec<Attr>,
    body: String,
    /// What is to come of it, where the file says that itself.
    expected: Vec<String>,
}

fn read(name: &str) -> Transcript {
    let path = format!("{}/transcripts/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    let (head, body) = text.split_once("\n\n").expect("a blank line");
    let mut lines = head.lines();
    let what: Vec<&str> = lines.next().expect("a line of what it is").split(' ').collect();
    let (expected, head): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("#= "));
    let mut lines = head.into_iter();
    let status = lines.next().expect("a status").parse().expect("a number");
    let headers = lines.map(|line| line.split_once(": ").expect("a header"));
    Transcript {
        api: what[1].parse().expect("an interface"),
        contract: what.contains(&"contract"),
        broken: what.contains(&"broken"),
        status,
        headers: headers.map(|(name, value)| Attr::new(name, value)).collect(),
        body: body.to_owned(),
        expected: expected.iter().map(|line| line[3..].to_owned()).collect(),
    }
}

fn play(
    transcript: &Transcript,
    body: impl AsRef<[u8]>,
    piece: usize,
) -> (Option<Usage>, Result<Outcome, Fault>) {
    let mut exchange = Exchange::new(transcript.api, true, transcript.contract, 0);
    exchange.head(transcript.status, transcript.headers.clone());
    let wanted = body.as_ref().chunks(piece).all(|bytes| exchange.chunk(bytes));
    let ended = match transcript.broken && wanted {
        true => Err(HttpError::Broken(String::from("reset by peer"))),
        false => Ok(()),
    };
    exchange.over(&ended);
    (exchange.usage(), exchange.ending(&[]))
}

/// However it is split, and whichever ends its lines have.
fn ended(name: &str) -> (Usage, Result<Outcome, Fault>) {
    let transcript = read(name);
    let (usage, ending) = play(&transcript, &transcript.body, 1);
    for piece in [2, 7, 100, 1 << 20] {
        assert_eq!(
            play(&transcript, &transcript.body, piece),
            (usage.clone(), ending.clone()),
            "{name}, {piece}"
        );
    }
    let crlf = transcript.body.replace('\n', "\r\n");
    if transcript.status == 200 && !name.ends_with("html") {
        assert_eq!(play(&transcript, &crlf, 1), (usage.clone(), ending.clone()), "{name}, with CRLF");
    }
    (usage.expect("a response came"), ending)
}

fn outcome(name: &str) -> Outcome {
    let (usage, ending) = ended(name);
    let outcome = ending.unwrap();
    assert_eq!(outcome.usage, usage);
    outcome
}

fn fault(name: &str) -> Fault {
    ended(name).1.unwrap_err()
}

fn usage(model: &str, details: bool) -> Usage {
    let details = [("cached-input-tokens", "32"), ("reasoning-tokens", "3")].into_iter().filter(|_| details);
    Usage {
        input_tokens: 42,
        output_tokens: 7,
        requests: 1,
        attrs: [("model", model)].into_iter().chain(details).map(|(k, v)| Attr::new(k, v)).collect(),
        ..Usage::default()
    }
}

fn none_counted(model: &str) -> Usage {
    Usage { input_tokens: 0, output_tokens: 0, ..usage(model, false) }
}

const QWEN: &str = "qwen3:8b-q4";
const GPT: &str = "gpt-5-mini-2025-08-07";

#[test]
fn a_stream_of_chat_is_an_answer() {
    let text =
        Outcome::raw("Nai\u{308}ve café.", String::from("{\"text\":\"Nai\u{308}ve café.\\n\\nMore.\"}"));
    let expected = Outcome { usage: usage(QWEN, true), ..text };
    assert_eq!(outcome("chat-stream"), expected);
    assert_eq!(outcome("chat-stream-without-done"), expected);
    let uncounted = Outcome { usage: none_counted(QWEN), ..expected };
    assert_eq!(outcome("chat-stream-broken-after-the-end"), uncounted);
}

#[test]
fn a_whole_reply_of_chat_is_an_answer() {
    let text = Outcome::raw("Done.", String::from(r#"{"text":"Done."}"#));
    assert_eq!(outcome("chat-whole"), Outcome { usage: usage(QWEN, false), ..text });
}

#[test]
fn a_contract_takes_the_data() {
    let data = Outcome::raw("Here:\n```json\n{\"n\": 1.50}\n```", String::from("{\"n\": 1.50}"));
    assert_eq!(outcome("chat-contract"), Outcome { usage: usage(QWEN, true), ..data });
}

#[test]
fn a_cut_answer_may_be_useful() {
    let text = Outcome::raw("A long", String::from(r#"{"text":"A long"}"#));
    let expected = Outcome { usage: usage(QWEN, true), stop_reason: StopReason::MaxTokens, ..text };
    assert_eq!(outcome("chat-length"), expected);
    let cut = |lacks| {
        let message = format!("the answer was cut at the limit of tokens before {lacks}");
        Fault::new(ErrorClass::InvalidOutput, message)
    };
    assert_eq!(fault("chat-length-contract"), cut("it was complete"));
    assert_eq!(fault("chat-length-empty"), cut("there was any"));
    assert_eq!(fault("responses-incomplete"), cut("it was complete"));
    assert_eq!(ended("chat-length-contract").0, usage(QWEN, true), "what was used up counts all the same");
}

#[test]
fn an_empty_answer_is_none() {
    assert_eq!(fault("chat-empty"), Fault::new(ErrorClass::InvalidOutput, "the answer is empty"));
}

#[test]
fn a_refusal_is_told_from_an_answer() {
    let refused = |message: &str| Fault::new(ErrorClass::Refused, message);
    assert_eq!(fault("chat-refusal"), refused("the model refused: I can't help with that."));
    assert_eq!(fault("responses-refusal"), refused("the model refused: No."));
    assert_eq!(fault("chat-content-filter"), refused("a content filter withheld the answer"));
    assert_eq!(fault("responses-content-filter"), refused("a content filter withheld the answer"));
}

#[test]
fn a_call_of_a_tool_is_no_answer() {
    let message = "the model wanted to call `search`, and no tool is offered";
    let expected = Fault::new(ErrorClass::InvalidOutput, message);
    assert_eq!(fault("chat-tool-call"), expected);
    assert_eq!(fault("responses-tool-call"), expected);
}

#[test]
fn half_an_answer_is_none() {
    let broken = Fault::new(ErrorClass::Transient, "the connection broke: reset by peer");
    assert_eq!(fault("chat-disconnect"), broken);
    assert_eq!(fault("responses-disconnect"), broken);
    let early = Fault::new(ErrorClass::Transient, "the reply ended before the model said it was done");
    assert_eq!(fault("chat-early-end"), early);
    assert_eq!(fault("chat-done-without-reason"), early);
    assert_eq!(fault("responses-early-end"), early);
}

#[test]
fn no_beginning_of_an_answer_is_taken_for_the_answer() {
    for name in ["chat-stream", "chat-contract", "chat-whole", "responses-stream", "responses-whole"] {
        let transcript = read(name);
        let whole = outcome(name).output;
        for end in 0..transcript.body.len() {
            if let Ok(outcome) = play(&transcript, &transcript.body.as_bytes()[..end], 1 << 20).1 {
                assert_eq!(outcome.output, whole, "{name} up to {end}");
            }
        }
    }
}

#[test]
fn nonsense_is_shown() {
    let transient = |message: &str| Fault::new(ErrorClass::Transient, message);
    assert_eq!(
        fault("chat-malformed"),
        transient(
            "the service sent an event that is no JSON: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\""
        )
    );
    assert_eq!(
        fault("chat-whole-html"),
        transient(
            "the service sent a reply that is no JSON object: <html> <body>Sign in to the network</body></html>"
        )
    );
}

#[test]
fn an_error_in_a_success_is_a_fault() {
    let reported =
        |class, message: &str| Fault::new(class, format!("the service reported an error: {message}"));
    let overloaded = reported(ErrorClass::Transient, "The engine is overloaded.");
    assert_eq!(fault("chat-error-in-stream"), overloaded);
    assert_eq!(fault("chat-whole-error"), reported(ErrorClass::RateLimited, "Provider returned error"));
    assert_eq!(fault("responses-error"), reported(ErrorClass::Transient, "Something broke."));
    assert_eq!(fault("responses-failed"), reported(ErrorClass::RateLimited, "Slow down."));
    assert_eq!(ended("responses-failed").0, usage(GPT, true));
}

#[test]
fn a_status_is_a_fault() {
    let limited = Fault {
        retry_after: Some(17_000),
        ..Fault::new(ErrorClass::RateLimited, "the service answered 429: Rate limit reached.")
    };
    assert_eq!(fault("chat-rate-limited"), limited);
    let until = Fault {
        retry_after: Some(30_000),
        ..Fault::new(ErrorClass::RateLimited, "the service answered 429")
    };
    assert_eq!(fault("chat-rate-limited-until"), until);
    let answered = |class, message: &str| Fault::new(class, format!("the service answered {message}"));
    let quota = answered(ErrorClass::Budget, "429: You exceeded your current quota.");
    assert_eq!(fault("chat-out-of-quota"), quota);
    let unauthorized = answered(ErrorClass::Unauthorized, "401: Incorrect API key provided.");
    assert_eq!(fault("chat-unauthorized"), unauthorized);
    let model = answered(ErrorClass::Environment, "404: model 'qwen3:8b' not found");
    assert_eq!(fault("chat-no-such-model"), model);
    let broken = answered(ErrorClass::Transient, "503: upstream connect err");
    assert_eq!(fault("chat-error-body-broken"), broken);
}

#[test]
fn a_stream_of_responses_is_an_answer() {
    let data = Outcome::raw("{\"n\": 1}", String::from("{\"n\": 1}"));
    let expected = Outcome { usage: usage(GPT, true), ..data };
    assert_eq!(outcome("responses-stream"), expected);
    assert_eq!(outcome("responses-stream-without-output"), expected);
}

#[test]
fn a_whole_reply_of_responses_is_an_answer() {
    let text = Outcome::raw("{\"n\": 1}", String::from(r#"{"text":"{\"n\": 1}"}"#));
    assert_eq!(outcome("responses-whole"), Outcome { usage: usage(GPT, true), ..text });
}

#[test]
fn every_transcript_is_played() {
    let this = include_str!("transcripts.rs");
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/transcripts")).unwrap();
    for entry in folder {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            continue;
        }
        let name = entry.file_name().into_string().unwrap();
        let quoted = format!("\"{}\"", name.trim_end_matches(".txt"));
        assert!(this.contains(&quoted), "{name} is not played");
    }
}

#[test]
fn nothing_is_used_up_before_there_is_a_response() {
    let mut exchange = Exchange::new(Api::Chat, true, false, 0);
    exchange.over(&Err(HttpError::Unreachable(String::from("no route"))));
    assert_eq!(exchange.usage(), None);
    assert_eq!(exchange.ending(&[]).unwrap_err(), Fault::new(ErrorClass::Transient, "no route"));
}

#[test]
fn a_stop_outweighs_a_whole_answer() {
    let transcript = read("chat-stream");
    let mut exchange = Exchange::new(Api::Chat, true, false, 0);
    exchange.head(200, transcript.headers);
    exchange.chunk(transcript.body.as_bytes());
    exchange.over(&Err(HttpError::Stopped));
    assert_eq!(exchange.ending(&[]).unwrap_err(), Fault::stopped("the attempt is over"));
}

#[test]
fn an_endless_event_and_an_endless_error_are_cut() {
    let mut exchange = Exchange::new(Api::Chat, true, false, 0);
    exchange.head(200, Vec::new());
    assert!(!exchange.chunk(&[b'x'; (1 << 20) + 1]));
    exchange.over(&Ok(()));
    let message = "the service sent too much: an event of the stream is larger than 1048576 bytes";
    assert_eq!(exchange.ending(&[]).unwrap_err().message, message);

    let mut exchange = Exchange::new(Api::Chat, true, false, 0);
    exchange.head(500, Vec::new());
    assert!(!exchange.chunk(&[b'x'; 100_000]));
    exchange.over(&Ok(()));
    assert_eq!(exchange.ending(&[]).unwrap_err().class, ErrorClass::Transient);
}

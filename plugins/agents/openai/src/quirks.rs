//! The quirks of programs and services: a table of replies, each a file that is named by program and quirk and says what
//! is to come of it.
//!
//! `#= text T`, `#= usage INPUT OUTPUT [cached N]`, `#= cost MICROS` and `#= fault CLASS: MESSAGE` follow the first line.

use std::fs;

use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/transcripts/quirks");

/// What came of a reply, in the words of the table.
fn told(usage: &Usage, ending: &Result<Outcome, Fault>) -> Vec<String> {
    let mut told = Vec::new();
    match ending {
        Ok(outcome) => {
            let output: serde_json::Value = serde_json::from_str(&outcome.output).unwrap();
            told.push(format!("text {}", output["text"].as_str().unwrap()));
        }
        Err(fault) => told.push(format!("fault {}: {}", class(&fault.class), fault.message)),
    }
    if ending.is_ok() {
        let cached = usage.attrs.iter().find(|attr| attr.name == "cached-input-tokens");
        let cached = cached.map(|attr| format!(" cached {}", attr.value)).unwrap_or_default();
        told.push(format!("usage {} {}{cached}", usage.input_tokens, usage.output_tokens));
    }
    told.extend(usage.cost_micros.map(|cost| format!("cost {cost}")));
    told
}

fn class(class: &ErrorClass) -> &str {
    match class {
        ErrorClass::Transient => "transient",
        ErrorClass::InvalidInput => "invalid-input",
        ErrorClass::InvalidOutput => "invalid-output",
        ErrorClass::Environment => "environment",
        ErrorClass::RateLimited => "rate-limited",
        ErrorClass::Timeout => "timeout",
        ErrorClass::Crashed => "crashed",
        ErrorClass::Refused => "refused",
        ErrorClass::Unauthorized => "unauthorized",
        ErrorClass::Budget => "budget",
        ErrorClass::Other(other) => other,
    }
}

#[test]
fn every_quirk_is_understood() {
    let mut names: Vec<String> = fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() > 40, "{} quirks", names.len());
    for name in names {
        let name = format!("quirks/{}", name.trim_end_matches(".txt"));
        let transcript = read(&name);
        assert!(!transcript.expected.is_empty(), "{name} expects nothing");
        let (usage, ending) = ended(&name);
        assert_eq!(told(&usage, &ending), transcript.expected, "{name}");
    }
}

/// Whatever a service sends, its beginning is not its end.
#[test]
fn no_beginning_of_a_quirk_is_taken_for_the_answer() {
    for entry in fs::read_dir(FOLDER).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = format!("quirks/{}", name.trim_end_matches(".txt"));
        if name.ends_with("text-after-a-reason-cut") {
            // Up to the reason it is as whole as any answer.
            continue;
        }
        let transcript = read(&name);
        let whole = ended(&name).1;
        for end in 0..transcript.body.len() {
            let part = &transcript.body.as_bytes()[..end];
            if let Ok(outcome) = play(&transcript, part, 1 << 20).1 {
                let whole = whole.as_ref().unwrap_or_else(|why| panic!("{name} up to {end}: {why:?}"));
                assert_eq!(outcome.output, whole.output, "{name} up to {end}");
            }
        }
    }
}

#[test]
fn the_operator_may_know_more_good_ends() {
    let outcome = |name: &str, ends: &[&str]| {
        let transcript = read(name);
        let mut exchange = Exchange::new(transcript.api, true, false, 0);
        exchange.head(transcript.status, transcript.headers);
        exchange.chunk(transcript.body.as_bytes());
        exchange.over(&Ok(()));
        exchange.ending(ends).map(|outcome| outcome.stop_reason)
    };
    let other = |word: &str| Ok(StopReason::Other(word.to_owned()));
    assert_eq!(outcome("quirks/vllm-abort", &["abort"]), other("abort"));
    assert_eq!(outcome("quirks/null-reason", &["none"]), other("none"));
    assert_eq!(outcome("quirks/sglang-empty-reasons-done", &["none"]), other("none"));
    // The stream was cut: that is no end, whatever the operator says.
    let cut = outcome("quirks/sglang-empty-reasons-cut", &["none"]).unwrap_err();
    assert_eq!(cut.class, ErrorClass::Transient);
}

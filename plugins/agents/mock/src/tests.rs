use baton_sdk::agent::{Attr, ErrorClass};
use baton_sdk::fixture::attempt;

use super::*;

fn told(config: &[(&str, &str)]) -> Attempt {
    let config = config.iter().map(|(name, value)| Attr::new(*name, *value)).collect();
    Attempt { config, ..attempt(r#"{"n": 1.50}"#) }
}

#[test]
fn without_configuration_it_succeeds_at_once() {
    let outcome = Mock::run(attempt("1")).unwrap();
    assert_eq!(outcome, Outcome::raw("", String::from("null")));
}

#[test]
fn it_answers_what_it_is_told() {
    let run = |config| Mock::run(told(config)).unwrap().output;
    assert_eq!(run(&[("echo", "true")]), r#"{"n": 1.50}"#);
    assert_eq!(run(&[("output", "[2]"), ("echo", "true")]), "[2]");
    assert_eq!(run(&[("garbage", "true")]), r#"{"garbage": "#);
    assert_eq!(run(&[("echo", "false")]), "null");
}

#[test]
fn the_first_attempts_fail() {
    let mut attempt = told(&[("fail-first", "2"), ("fault", "rate-limited"), ("retry-after-ms", "70")]);
    let fault = Fault {
        retry_after: Some(70),
        ..Fault::new(ErrorClass::RateLimited, "told to fail the first 2 attempt(s)")
    };
    assert_eq!(Mock::run(attempt.clone()), Err(fault.clone()));
    attempt.task.attempts = 1;
    assert_eq!(Mock::run(attempt.clone()), Err(fault));
    attempt.task.attempts = 2;
    assert_eq!(Mock::run(attempt).unwrap().summary, "Did it.");
}

#[test]
fn rates_hold_over_seeds_and_one_seed_always_answers_the_same() {
    let failures = |rate: &str| {
        (0..1000)
            .filter(|&seed| {
                let mut attempt = told(&[("fail-rate", rate)]);
                attempt.seed = seed;
                assert_eq!(Mock::run(attempt.clone()), Mock::run(attempt.clone()));
                Mock::run(attempt).is_err()
            })
            .count()
    };
    assert_eq!(failures("0"), 0);
    assert_eq!(failures("0.25"), 229);
    assert_eq!(failures("1"), 1000);
}

#[test]
fn skills_it_lacks_are_work_done_badly() {
    let mut attempt = told(&[("skill.rust", "0"), ("skill.go", "1")]);
    attempt.task.skills = vec![String::from("go")];
    assert_eq!(Mock::run(attempt.clone()).unwrap().output, "null");
    attempt.task.skills.push(String::from("rust"));
    assert_eq!(Mock::run(attempt).unwrap().output, r#"{"good": false}"#);
}

#[test]
fn what_it_does_not_understand_is_named() {
    let message = |config| Mock::run(told(config)).unwrap_err().message;
    assert_eq!(
        message(&[("latncy-ms", "1")]),
        "configuration key `latncy-ms` is unknown; the nearest is `latency-ms`"
    );
    assert_eq!(
        message(&[("fail-rate", "1.5")]),
        "configuration key `fail-rate` is `1.5`, expected a probability from 0 to 1"
    );
    assert_eq!(
        message(&[("fault", "gremlins")]),
        "configuration key `fault` is `gremlins`, expected the name of an error class such as `transient`"
    );
    assert_eq!(Mock::run(told(&[("hang", "maybe")])).unwrap_err().class, ErrorClass::Environment);
}

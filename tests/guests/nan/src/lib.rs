//! Answers with invalid numbers: a total of NaN, a propensity of 7, an infinite value. Expected: the answer is refused as a
//! whole, the number named, the host decides. Configuration `in` chooses one of `total`, `propensity`, `value`, or
//! `weight`, whose -0.0 is finite and valid; without it all are sent.

use baton_sdk::router::{Answer, Assignment, Choice, Config, Factor, RouteError, Router, Score, Snapshot};

struct Nan;

impl Router for Nan {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        let place = Config(&snapshot.config).get("in");
        let number = |here: &str, wrong: f64, right: f64| match place {
            Some(place) if place != here => right,
            Some(_) | None => wrong,
        };
        let decisions = snapshot.decide(|_, candidates| {
            let agent = candidates.first().copied().unwrap_or_default();
            Choice::Assign(Assignment {
                agent,
                fallbacks: Vec::new(),
                scores: vec![Score {
                    agent,
                    total: number("total", f64::NAN, 0.0),
                    propensity: number("propensity", 7.0, 1.0),
                    values: vec![number("value", f64::INFINITY, 0.0)],
                    forecast: None,
                }],
                reason: String::from("numbers that are none"),
            })
        });
        let factor = Factor { name: String::from("nothing"), weight: number("weight", -0.0, 1.0) };
        Ok(Answer::from(decisions).with_factors(vec![factor]))
    }
}

baton_sdk::router!(Nan);

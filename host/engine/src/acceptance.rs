//! Whether the validators' results suffice: all passed, a quorum did, or their weighted mean reaches a threshold.

use std::collections::BTreeMap;

use baton_core::outcome::Check;
use baton_core::plan::Workstream;
use baton_core::task::policy::Acceptance;

/// The result of one validator.
struct Voice {
    passed: bool,
    score: f64,
    weight: f64,
    required: bool,
}

/// Why an outcome may not stand, for the agent that tries next.
#[must_use]
pub fn refusal(spec: &Workstream, checks: &[Check]) -> Option<String> {
    let Acceptance { quorum, threshold } = spec.acceptance;
    let against: Vec<&Check> = checks.iter().filter(|check| !check.passed).collect();
    if against.is_empty() && threshold.is_none() && quorum.is_none() {
        return None;
    }
    let said: Vec<String> =
        against.iter().map(|check| format!("{}: {}", check.name, check.explanation)).collect();
    let said = said.join("; ");
    let voices = voices(spec, checks);
    let denied = voices.iter().any(|voice| voice.required && !voice.passed);
    if denied || (quorum.is_none() && threshold.is_none()) {
        return Some(said);
    }
    let passed = voices.iter().filter(|voice| voice.passed).count();
    if let Some(quorum) = quorum.filter(|quorum| passed < *quorum as usize) {
        return Some(format!("{passed} of {} validators passed it and {quorum} must: {said}", voices.len()));
    }
    let weight: f64 = voices.iter().map(|voice| voice.weight).sum();
    let sum: f64 = voices.iter().map(|voice| voice.score * voice.weight).sum();
    let mean = sum / weight.max(f64::MIN_POSITIVE);
    threshold
        .filter(|threshold| mean < *threshold)
        .map(|threshold| format!("its score is {mean:.2} and must be {threshold:.2}: {said}"))
}

#[expect(clippy::cast_precision_loss, reason = "there are never so many checks")]
fn voices(spec: &Workstream, checks: &[Check]) -> Vec<Voice> {
    let mut of: BTreeMap<usize, Vec<&Check>> = BTreeMap::new();
    for check in checks {
        of.entry(check.place).or_default().push(check);
    }
    of.into_iter()
        .map(|(place, checks)| {
            let validator = spec.validators.get(place);
            Voice {
                passed: checks.iter().all(|check| check.passed),
                score: checks.iter().map(|check| check.score).sum::<f64>() / checks.len() as f64,
                weight: f64::from(validator.and_then(|validator| validator.weight).unwrap_or(1)),
                required: validator.is_some_and(|validator| validator.required),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use baton_core::plan::Validator;

    use super::*;

    /// Three validators, the first of which weighs as much as the others together.
    fn refusal_of(acceptance: Acceptance, required: bool, scores: [(f64, bool); 3]) -> Option<String> {
        let validator =
            |weight, required| Validator { weight: Some(weight), required, ..Validator::default() };
        let spec = Workstream {
            acceptance,
            validators: vec![validator(2, required), validator(1, false), validator(1, false)],
            ..Workstream::named("a")
        };
        let check = |(place, (score, passed)): (usize, &(f64, bool))| Check {
            validator: "v".into(),
            place,
            name: format!("c{place}"),
            score: *score,
            passed: *passed,
            label: String::new(),
            explanation: "why".into(),
        };
        let checks: Vec<Check> = scores.iter().enumerate().map(check).collect();
        refusal(&spec, &checks)
    }

    const BAD_FIRST: [(f64, bool); 3] = [(0.0, false), (1.0, true), (1.0, true)];

    #[test]
    fn all_must_pass_unless_the_task_says_otherwise() {
        assert_eq!(refusal_of(Acceptance::default(), false, [(1.0, true); 3]), None);
        assert_eq!(refusal_of(Acceptance::default(), false, BAD_FIRST), Some("c0: why".into()));
    }

    #[test]
    fn a_quorum_outvotes_but_not_what_is_required() {
        let two = Acceptance { quorum: Some(2), threshold: None };
        assert_eq!(refusal_of(two, false, BAD_FIRST), None);
        assert_eq!(refusal_of(two, true, BAD_FIRST), Some("c0: why".into()));
        let three = Acceptance { quorum: Some(3), threshold: None };
        let why = "2 of 3 validators passed it and 3 must: c0: why";
        assert_eq!(refusal_of(three, false, BAD_FIRST), Some(why.into()));
    }

    #[test]
    fn a_threshold_weighs() {
        let half = Acceptance { quorum: None, threshold: Some(0.5) };
        assert_eq!(refusal_of(half, false, BAD_FIRST), None);
        let more = Acceptance { quorum: None, threshold: Some(0.6) };
        let why = "its score is 0.50 and must be 0.60: c0: why";
        assert_eq!(refusal_of(more, false, BAD_FIRST), Some(why.into()));
    }
}

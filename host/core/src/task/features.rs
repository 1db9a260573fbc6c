//! Numeric features of tasks, for routers that learn.

use serde_json::Value;

use crate::plan::Workstream;

/// The features, sorted by name: what the plan says about the task's size, how often it was tried, and every number
/// in its metadata as `plan.NAME`. `attempts` counts the charged attempts before this one.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "sizes and counts are far below 2^53")]
pub fn of(spec: &Workstream, attempts: u32) -> Vec<(String, f64)> {
    let input = if spec.input.is_null() { 0 } else { spec.input.to_string().len() };
    let minutes = spec.estimate.map(|estimate| estimate.0.as_secs_f64() / 60.0);
    let known = [
        ("attempts", Some(f64::from(attempts))),
        ("depends", Some(spec.depends_on.len() as f64)),
        ("estimate-minutes", minutes),
        ("input-kib", Some(input as f64 / 1024.0)),
        ("paths", Some(spec.paths.len() as f64)),
    ];
    let said = spec.metadata.iter().filter_map(|(name, value)| match value {
        Value::Number(number) => Some((format!("plan.{name}"), number.as_f64()?)),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    });
    let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let mut features: Vec<(String, f64)> = known.chain(said).collect();
    features.sort_by(|one, other| one.0.cmp(&other.0));
    features
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::span::Span;

    #[test]
    fn numbers_of_the_plan_are_features_and_words_are_not() {
        let mut spec = Workstream::named("a");
        spec.estimate = Some(Span(Duration::from_secs(90)));
        spec.metadata.insert("difficulty".into(), json!(0.25));
        spec.metadata.insert("owner".into(), json!("web"));
        let features = of(&spec, 2);
        let expected = [
            ("attempts", 2.0),
            ("depends", 0.0),
            ("estimate-minutes", 1.5),
            ("input-kib", 0.0),
            ("paths", 0.0),
            ("plan.difficulty", 0.25),
        ];
        assert_eq!(features, expected.map(|(name, value)| (name.to_owned(), value)));
    }
}

//! The rubric, and the answers of judges.

use baton_sdk::config::Unusable;
use baton_sdk::executor::rounded;
use serde_json::{Value, json};

pub struct Rubric(Vec<Criterion>);

struct Criterion {
    text: String,
    weight: f64,
}

pub struct Judgement {
    /// The mean by weight.
    pub score: f64,
    pub reasons: String,
}

impl Rubric {
    pub fn read(text: &str) -> Result<Self, Unusable> {
        let unusable = |why: &str| Unusable::new("rubric", why);
        if !text.trim_start().starts_with('[') {
            return match text.trim() {
                "" => Err(unusable("is empty")),
                text => Ok(Self(vec![Criterion { text: text.to_owned(), weight: 1.0 }])),
            };
        }
        let list: Vec<Value> = serde_json::from_str(text).map_err(|_| unusable("is no JSON list"))?;
        let criteria = list
            .iter()
            .map(criterion)
            .collect::<Option<Vec<Criterion>>>()
            .ok_or_else(|| unusable("must hold {\"criterion\", \"weight\"?} with weights above 0"))?;
        match (1..=20).contains(&criteria.len()) {
            true => Ok(Self(criteria)),
            false => Err(unusable("must hold 1 to 20 criteria")),
        }
    }

    /// The criteria as a numbered list: judges answer by number.
    pub fn text(&self) -> String {
        let line = |(criterion, number): (&Criterion, usize)| format!("{number}. {}", criterion.text);
        self.0.iter().zip(1..).map(line).collect::<Vec<String>>().join("\n")
    }

    pub fn contract(&self) -> String {
        let count = self.0.len();
        let score = json!({
            "type": "object", "required": ["criterion", "score"],
            "properties": {
                "criterion": {"type": "integer", "minimum": 1, "maximum": count},
                "score": {"type": "number", "minimum": 0, "maximum": 1},
                "reason": {"type": "string"},
            },
        });
        let scores = json!({"type": "array", "minItems": count, "maxItems": count, "items": score});
        json!({"type": "object", "required": ["scores"], "properties": {"scores": scores}}).to_string()
    }

    /// Parses the answer of a judge, or says why it can't be used.
    pub fn judgement(&self, output: &str) -> Result<Judgement, String> {
        let answer: Value =
            serde_json::from_str(output).map_err(|_| String::from("its answer is no JSON"))?;
        let scores = answer
            .get("scores")
            .and_then(Value::as_array)
            .ok_or_else(|| String::from("its answer has no list of scores"))?;
        if scores.len() != self.0.len() {
            return Err(format!("it gave {} scores for {} criteria", scores.len(), self.0.len()));
        }
        let (mut sum, mut weights) = (0.0, 0.0);
        let mut reasons = Vec::new();
        for (criterion, number) in self.0.iter().zip(1u64..) {
            let of = |score: &&Value| score.get("criterion").and_then(Value::as_u64) == Some(number);
            let given =
                scores.iter().find(of).ok_or_else(|| format!("it gave no score for criterion {number}"))?;
            let score = given
                .get("score")
                .and_then(Value::as_f64)
                .filter(|score| (0.0..=1.0).contains(score))
                .ok_or_else(|| format!("its score for criterion {number} is no number from 0 to 1"))?;
            sum += score * criterion.weight;
            weights += criterion.weight;
            let reason = given.get("reason").and_then(Value::as_str).unwrap_or("no reason given");
            reasons.push(format!("{number}: {score:.2}, {reason}"));
        }
        Ok(Judgement { score: rounded(sum / weights).clamp(0.0, 1.0), reasons: reasons.join("; ") })
    }
}

fn criterion(value: &Value) -> Option<Criterion> {
    let text = value.get("criterion")?.as_str()?.trim().to_owned();
    let weight = match value.get("weight") {
        None => 1.0,
        Some(weight) => weight.as_f64()?,
    };
    (!text.is_empty() && weight > 0.0 && weight <= 1e6).then_some(Criterion { text, weight })
}

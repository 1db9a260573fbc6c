//! How far the outputs agree. No number here depends on the order of the candidates.

use std::collections::BTreeSet;

use baton_sdk::executor::{Child, rounded};
use serde::Serialize;
use serde_json::Value;

#[derive(Debug, PartialEq, Serialize)]
pub struct Consensus {
    /// The mean over all pairs of [`alike`]; none for fewer than two.
    pub agreement: Option<f64>,
    /// The population variance of the scores; none without scores.
    pub variance: Option<f64>,
    /// Who answered the same, most frequent first.
    pub votes: Vec<Vote>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Vote {
    pub candidates: Vec<String>,
    pub count: usize,
}

/// An output, ready to be compared.
pub struct Text {
    canonical: String,
    tokens: BTreeSet<String>,
}

impl Text {
    /// Members in order and numbers as they parse; what is only text is compared as text.
    pub fn of(output: &str) -> Self {
        let canonical = match serde_json::from_str(output) {
            Ok(Value::String(text)) => text,
            Ok(Value::Object(fields)) if fields.len() == 1 => match fields.get("text") {
                Some(Value::String(text)) => text.clone(),
                Some(_) | None => Value::Object(fields).to_string(),
            },
            Ok(value) => value.to_string(),
            Err(_) => output.to_owned(),
        };
        let canonical = canonical.trim().to_owned();
        let tokens = canonical
            .split(|c: char| !c.is_alphanumeric())
            .filter(|token| !token.is_empty())
            .map(str::to_lowercase)
            .collect();
        Self { canonical, tokens }
    }

    /// 1.0 for the same text, else the share of their words that both have (Jaccard).
    pub fn alike(&self, other: &Self) -> f64 {
        if self.canonical == other.canonical {
            return 1.0;
        }
        let both = self.tokens.intersection(&other.tokens).count();
        let all = self.tokens.len() + other.tokens.len() - both;
        if all == 0 { 0.0 } else { both as f64 / all as f64 }
    }
}

impl Consensus {
    pub fn of(candidates: &[&Child]) -> Self {
        let texts: Vec<Text> = candidates.iter().map(|child| Text::of(child.output())).collect();
        let scores: Vec<f64> = candidates.iter().filter_map(|child| child.score()).collect();
        Self {
            agreement: mean(&pairs(&texts)).map(rounded),
            variance: variance(&scores).map(rounded),
            votes: votes(candidates, &texts)
                .into_iter()
                .map(|vote| Vote {
                    candidates: vote.iter().map(|index| candidates[*index].name.clone()).collect(),
                    count: vote.len(),
                })
                .collect(),
        }
    }
}

/// Indices of those who answered the same, most first; of equal ones the one that was there first.
pub fn votes(candidates: &[&Child], texts: &[Text]) -> Vec<Vec<usize>> {
    let mut votes: Vec<Vec<usize>> = Vec::new();
    for index in 0..candidates.len() {
        match votes.iter_mut().find(|vote| texts[vote[0]].canonical == texts[index].canonical) {
            Some(vote) => vote.push(index),
            None => votes.push(vec![index]),
        }
    }
    votes.sort_by_key(|vote| std::cmp::Reverse(vote.len()));
    votes
}

/// How much each is like the others, in the mean.
pub fn closeness(texts: &[Text]) -> Vec<f64> {
    let of = |index: usize| {
        let others = texts.iter().enumerate().filter(|(other, _)| *other != index);
        let alike: Vec<f64> = others.map(|(_, other)| texts[index].alike(other)).collect();
        rounded(mean(&alike).unwrap_or(1.0))
    };
    (0..texts.len()).map(of).collect()
}

fn pairs(texts: &[Text]) -> Vec<f64> {
    let after = |index: usize| texts[index + 1..].iter().map(move |other| texts[index].alike(other));
    (0..texts.len()).flat_map(after).collect()
}

fn variance(numbers: &[f64]) -> Option<f64> {
    let middle = mean(numbers)?;
    mean(&numbers.iter().map(|number| (number - middle).powi(2)).collect::<Vec<f64>>())
}

pub fn mean(numbers: &[f64]) -> Option<f64> {
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}

#[cfg(test)]
mod tests {
    use baton_sdk::executor::Outcome;
    use baton_sdk::fixture::{succeeded, with_facts};

    use super::*;

    fn alike(one: &str, other: &str) -> f64 {
        Text::of(one).alike(&Text::of(other))
    }

    #[test]
    fn the_same_agrees_wholly_and_the_disjoint_not_at_all() {
        assert_eq!(alike(r#"{"a": 1, "b": [2]}"#, r#"{"b":[2],"a":1}"#), 1.0);
        assert_eq!(alike(r#""Yes.""#, r#"{"text": "Yes."}"#), 1.0);
        assert_eq!(alike(r#""red apple""#, r#""green pear""#), 0.0);
        assert_eq!(alike(r#""red apple""#, r#""Red pear""#), 1.0 / 3.0);
        assert_eq!(alike(r#""+""#, r#""-""#), 0.0);
        assert_eq!(alike("null", "null"), 1.0);
    }

    #[test]
    fn the_order_of_the_candidates_changes_no_number() {
        let outputs = [(r#""a b""#, "0.1"), (r#""a c""#, "0.7"), (r#""a b""#, "0.4"), (r#""d""#, "0.2")];
        let candidate = |(index, (output, score)): (usize, &(&str, &str))| {
            let child = succeeded(&index.to_string(), Outcome::raw("", (*output).to_owned()));
            with_facts(child, &[("score", score)])
        };
        let children: Vec<Child> = outputs.iter().enumerate().map(candidate).collect();
        let order = |indices: [usize; 4]| Consensus::of(&indices.map(|index| &children[index]));
        let first = order([0, 1, 2, 3]);
        for indices in [[3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
            let other = order(indices);
            assert_eq!((first.agreement, first.variance), (other.agreement, other.variance));
            assert_eq!(first.votes[0].count, other.votes[0].count);
        }
        // 1 of 6 pairs is equal, 2 share 1 of 3 words.
        assert_eq!(first.agreement, Some(rounded((1.0 + 2.0 / 3.0) / 6.0)));
        assert_eq!(first.variance, Some(0.0525));
        assert_eq!(first.votes[0], Vote { candidates: vec![String::from("0"), String::from("2")], count: 2 });
    }

    #[test]
    fn one_alone_agrees_with_nobody() {
        let child = succeeded("a", Outcome::text(""));
        let consensus = Consensus::of(&[&child]);
        assert_eq!((consensus.agreement, consensus.variance), (None, None));
    }
}

//! The input and the arguments of the program.

use baton_sdk::agent::{Attempt, Attr, Config, contract, prompt, talk};
use baton_sdk::config::Unusable;

/// For the `{name}` places of the profile's arguments.
pub fn values(attempt: &Attempt) -> Result<Vec<Attr>, Unusable> {
    let config = Config(&attempt.config);
    let task = &attempt.task;
    let given = |name: &str| task.metadata.iter().find(|attr| attr.name == name)?.value.parse::<u64>().ok();
    let turns = config.parse::<u64>("turns", "a whole number of turns")?;
    let budget = match config.parse::<f64>("budget", "an amount of dollars")? {
        Some(dollars) if !dollars.is_finite() || dollars <= 0.0 => {
            return Err(Unusable::new("budget", format!("is `{dollars}`, expected an amount of dollars")));
        }
        dollars => dollars.map(|dollars| (dollars * 1e6).round() as u64),
    };
    let mut values = vec![Attr::new("task", &task.id), Attr::new("run", &task.run)];
    if let Some(turns) = least(turns, given("baton.turns")) {
        values.push(Attr::new("turns", turns.to_string()));
    }
    if let Some(micros) = least(budget, given("baton.budget-micros")) {
        values.push(Attr::new("budget", dollars(micros)));
    }
    values.extend(config.get("model").map(|model| Attr::new("model", model)));
    values.extend(contract(attempt).map(|schema| Attr::new("schema", schema)));
    Ok(values)
}

pub fn stdin(attempt: &Attempt) -> Vec<u8> {
    talk::plain(prompt(attempt)).into_bytes()
}

fn least(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    a.into_iter().chain(b).min()
}

/// A decimal number, exact.
fn dollars(micros: u64) -> String {
    let fraction = format!("{:06}", micros % 1_000_000);
    match fraction.trim_end_matches('0') {
        "" => (micros / 1_000_000).to_string(),
        fraction => format!("{}.{fraction}", micros / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::attempt;

    use super::*;

    fn told(config: &[(&str, &str)], metadata: &[(&str, &str)]) -> Result<Vec<(String, String)>, Unusable> {
        let attrs =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| Attr::new(*name, *value)).collect();
        let mut attempt = attempt(r#""/clear the table""#);
        attempt.config = attrs(config);
        attempt.task.metadata = attrs(metadata);
        Ok(values(&attempt)?.into_iter().map(|attr| (attr.name, attr.value)).collect())
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    #[test]
    fn what_is_not_known_has_no_place() {
        assert_eq!(told(&[], &[]), Ok(pairs([("task", "t"), ("run", "r1")])));
    }

    #[test]
    fn the_tighter_limit_counts() {
        let metadata = [("baton.turns", "9"), ("baton.budget-micros", "1250000"), ("baton.contract", "{}")];
        assert_eq!(
            told(&[("turns", "5"), ("budget", "2"), ("model", "opus")], &metadata),
            Ok(pairs([
                ("task", "t"),
                ("run", "r1"),
                ("turns", "5"),
                ("budget", "1.25"),
                ("model", "opus"),
                ("schema", "{}"),
            ]))
        );
        assert_eq!(dollars(3_000_000), "3");
        assert_eq!(dollars(1), "0.000001");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        assert!(told(&[("budget", "-1")], &[]).is_err());
        assert!(told(&[("budget", "1 $")], &[]).is_err());
        assert!(told(&[("turns", "many")], &[]).is_err());
    }

    #[test]
    fn the_prompt_is_no_command_of_the_program() {
        let mut attempt = attempt("null");
        attempt.task.title = String::from("/clear");
        assert_eq!(stdin(&attempt), b"Task: /clear");
    }
}

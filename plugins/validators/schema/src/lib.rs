//! Validates the output against the plan's JSON Schema.

#[cfg(target_arch = "wasm32")]
mod no_randomness;

use baton_sdk::validator::{Attr, Check, Request, ValidationError, Validator, Verdict};
use jsonschema::ValidationError as Violation;
use serde_json::Value;

struct Schema;

/// How many violations an explanation lists.
const LISTED: usize = 20;

impl Validator for Schema {
    fn validate(request: Request) -> Result<Verdict, ValidationError> {
        let Some(contract) = &request.contract else {
            return Err(bad_contract("the plan demands nothing of this task's output"));
        };
        let check = check(contract, &request.outcome.output)?;
        Ok(Verdict::Checks(vec![check]))
    }
}

fn check(contract: &str, output: &str) -> Result<Check, ValidationError> {
    let schema: Value =
        serde_json::from_str(contract).map_err(|error| bad_contract(format!("is not JSON: {error}")))?;
    let validator = jsonschema::validator_for(&schema)
        .map_err(|error| bad_contract(format!("is not a JSON Schema: {error}")))?;
    let Ok(output) = serde_json::from_str(output) else {
        return Ok(Check::refused("schema", "the output is not JSON"));
    };
    let mut violations: Vec<Violation<'_>> = validator.iter_errors(&output).collect();
    // From the whole to its parts, whatever order the crate looks in.
    violations.sort_by(|one, other| one.instance_path.as_str().cmp(other.instance_path.as_str()));
    let violations: Vec<String> = violations.into_iter().map(line).collect();
    Ok(match violations.len() {
        0 => Check::passed("schema", "the output keeps its contract"),
        1 => refused("1 violation", &violations),
        count => refused(&format!("{count} violations"), &violations),
    })
}

fn refused(label: &str, violations: &[String]) -> Check {
    let listed = violations.len().min(LISTED);
    let mut explanation = violations[..listed].join("\n");
    if violations.len() > listed {
        explanation.push_str(&format!("\nand {} more", violations.len() - listed));
    }
    Check { label: label.to_owned(), ..Check::refused("schema", explanation) }
}

fn line(violation: Violation<'_>) -> String {
    let pointer = violation.instance_path.to_string();
    let place = if pointer.is_empty() { "the output" } else { &pointer };
    format!("{place}: {violation}")
}

fn bad_contract(why: impl Into<String>) -> ValidationError {
    ValidationError::BadConfig(Attr::new("contract", why))
}

baton_sdk::validator!(Schema);

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: &str = r#"{
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "tags": {"items": {"type": "integer"}}}
    }"#;

    #[test]
    fn an_output_that_keeps_its_contract_passes() {
        assert_eq!(
            check(PERSON, r#"{"name": "Ada", "tags": [1]}"#),
            Ok(Check::passed("schema", "the output keeps its contract"))
        );
    }

    #[test]
    fn violations_are_listed_with_their_pointers() {
        assert_eq!(
            check(PERSON, r#"{"tags": [1, "x"]}"#),
            Ok(Check {
                label: String::from("2 violations"),
                ..Check::refused(
                    "schema",
                    "the output: \"name\" is a required property\n/tags/1: \"x\" is not of type \"integer\""
                )
            })
        );
    }

    #[test]
    fn a_long_list_ends() {
        let tags = vec!["\"x\""; 25].join(",");
        let check = check(PERSON, &format!(r#"{{"name": "Ada", "tags": [{tags}]}}"#)).unwrap();
        assert_eq!(check.label, "25 violations");
        assert_eq!(check.explanation.lines().count(), 21);
        assert!(check.explanation.ends_with("\nand 5 more"));
    }

    #[test]
    fn a_contract_that_is_no_schema_is_its_authors_fault() {
        let Err(ValidationError::BadConfig(attr)) = check(r#"{"type": "strin"}"#, "1") else {
            panic!("the contract was accepted");
        };
        assert_eq!(attr.name, "contract");
    }

    #[test]
    fn an_output_that_is_not_json_is_refused() {
        assert_eq!(check("{}", "{"), Ok(Check::refused("schema", "the output is not JSON")));
    }
}

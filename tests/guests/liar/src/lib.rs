//! An agent whose outcome is not true. Expected: the outcome is refused as `invalid-output` with the first lie named,
//! and nothing of it is stored. Configuration `about` chooses one lie: `output` (is not JSON), `artifact` (stored
//! content of 3 GB that the host does not have), `digest` (malformed), `cost`; without it all are told.

use baton_sdk::agent::{Agent, Artifact, Attempt, Config, Content, Fault, Outcome, Reference, Usage};

struct Liar;

impl Agent for Liar {
    fn run(attempt: Attempt) -> Result<Outcome, Fault> {
        let about = Config(&attempt.config).get("about");
        let lies = |here: &str| about.is_none_or(|about| about == here);
        let output = if lies("output") { "{\"sure\": " } else { "null" };
        let mut outcome = Outcome::raw("All done, believe me.", String::from(output));
        if lies("artifact") {
            let digest = format!("blake3:{}", "0".repeat(64));
            outcome.artifacts.push(stored("report", digest));
        }
        if lies("digest") {
            outcome.artifacts.push(stored("notes", String::from("../../etc/passwd")));
        }
        if lies("cost") {
            outcome.usage = Usage {
                input_tokens: u64::MAX,
                output_tokens: u64::MAX,
                cost_micros: Some(u64::MAX),
                requests: u32::MAX,
                attrs: Vec::new(),
            };
        }
        Ok(outcome)
    }
}

fn stored(name: &str, digest: String) -> Artifact {
    Artifact {
        name: name.to_owned(),
        media_type: String::from("text/markdown"),
        content: Content::Stored(Reference { digest, size: 3_000_000_000 }),
    }
}

baton_sdk::agent!(Liar);

//! Token usage as agents report it: in the protocol's own member, or in the various forms that current agents use.

use std::collections::BTreeMap;

use baton_sdk::agent::given;
use serde_json::Value;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tokens {
    /// All that was sent, read from a cache or not.
    pub input: u64,
    /// All that was written, thoughts too.
    pub output: u64,
    /// Of the input, what the provider had kept.
    pub cached: u64,
}

/// The usage in the response to a prompt: of the turn, or of the session so far.
#[derive(Debug, Default, PartialEq)]
pub struct Told {
    pub tokens: Option<Tokens>,
    pub model: Option<String>,
}

impl Told {
    /// gemini and codex-acp report usage under `_meta.quota`; codex-acp reports both.
    pub fn of(result: &Value) -> Self {
        let quota = given(result, "_meta").and_then(|meta| given(meta, "quota"));
        let counted = given(result, "usage").or_else(|| quota.and_then(|quota| given(quota, "token_count")));
        Self { tokens: counted.and_then(tokens), model: quota.and_then(model) }
    }
}

/// qwen reports each request when it has ended, with a piece of the answer.
pub fn of_update(update: &Value) -> Option<Tokens> {
    tokens(given(given(update, "_meta")?, "usage")?)
}

impl Tokens {
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cached: self.cached.saturating_add(other.cached),
        }
    }
}

/// Whether cached and reasoning tokens are part of the others or come beside them is not agreed: what adds up to the total
/// is what is meant. Without a total they come beside, as the protocol has it. None if nothing is counted.
fn tokens(usage: &Value) -> Option<Tokens> {
    let count = |names: [&str; 2]| names.into_iter().find_map(|name| usage.get(name)?.as_u64());
    let input = count(["inputTokens", "input_tokens"]);
    let output = count(["outputTokens", "output_tokens"]);
    if input.unwrap_or(0) == 0 && output.unwrap_or(0) == 0 {
        return None;
    }
    let (input, output) = (input.unwrap_or(0), output.unwrap_or(0));
    let thought = count(["thoughtTokens", "thought_tokens"]).unwrap_or(0);
    let read = count(["cachedReadTokens", "cached_read_tokens"]).unwrap_or(0);
    let written = count(["cachedWriteTokens", "cached_write_tokens"]).unwrap_or(0);
    let beside = |of: [bool; 3]| {
        let sum = [thought, read, written].into_iter().zip(of).filter(|(_, is)| *is).map(|(count, _)| count);
        sum.fold(0, u64::saturating_add)
    };
    let plain = input.saturating_add(output);
    let of = match count(["totalTokens", "total_tokens"]).filter(|total| *total > 0) {
        None => ALL_BESIDE,
        Some(total) => {
            let adds_up = |of: &[bool; 3]| plain.saturating_add(beside(*of)) == total;
            WAYS.into_iter().find(adds_up).unwrap_or(if total < plain { NONE_BESIDE } else { ALL_BESIDE })
        }
    };
    Some(Tokens {
        input: input.saturating_add(beside([false, of[1], of[2]])),
        output: output.saturating_add(beside([of[0], false, false])),
        cached: read,
    })
}

const ALL_BESIDE: [bool; 3] = [true, true, true];
const NONE_BESIDE: [bool; 3] = [false, false, false];

/// Which of thoughts, cache reads and cache writes come beside the others; the likeliest first.
const WAYS: [[bool; 3]; 8] = [
    NONE_BESIDE,
    [true, false, false],
    [false, true, true],
    [false, true, false],
    [false, false, true],
    ALL_BESIDE,
    [true, true, false],
    [true, false, true],
];

/// Whether a word is a model's name, and not one for the agent's own choice.
pub fn is_model(word: &str) -> bool {
    !matches!(word, "" | "auto" | "default")
}

/// The model that used most of the tokens.
fn model(quota: &Value) -> Option<String> {
    let mut used: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in quota.get("model_usage").and_then(Value::as_array).into_iter().flatten() {
        if let Some(name) = given(entry, "model").and_then(Value::as_str).filter(|name| is_model(name)) {
            let of = entry.get("token_count").and_then(tokens).unwrap_or_default();
            let sum = used.entry(name).or_default();
            *sum = sum.saturating_add(of.input.saturating_add(of.output));
        }
    }
    used.into_iter().max_by_key(|(_, tokens)| *tokens).map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(usage: Value) -> Option<(u64, u64, u64)> {
        tokens(&usage).map(|tokens| (tokens.input, tokens.output, tokens.cached))
    }

    #[test]
    fn nothing_is_counted_twice() {
        // Of claude-agent-acp: everything beside.
        let claude = json!({"inputTokens": 10, "outputTokens": 5, "cachedReadTokens": 100, "cachedWriteTokens": 20, "totalTokens": 135});
        assert_eq!(read(claude), Some((130, 5, 100)));
        // Of copilot and vibe: the cache within the input.
        let copilot =
            json!({"inputTokens": 5100, "outputTokens": 240, "cachedReadTokens": 800, "totalTokens": 5340});
        assert_eq!(read(copilot), Some((5100, 240, 800)));
        // Of codex-acp: thoughts within the output as well.
        let codex = json!({"inputTokens": 1200, "outputTokens": 60, "cachedReadTokens": 200, "cachedWriteTokens": 0, "thoughtTokens": 10, "totalTokens": 1260});
        assert_eq!(read(codex), Some((1200, 60, 200)));
        // Of qwen: the cache within, thoughts beside.
        let qwen = json!({"inputTokens": 1200, "outputTokens": 50, "cachedReadTokens": 200, "thoughtTokens": 10, "totalTokens": 1260});
        assert_eq!(read(qwen), Some((1200, 60, 200)));
        let untold = json!({"inputTokens": 10, "outputTokens": 5, "cachedReadTokens": 100});
        assert_eq!(read(untold), Some((110, 5, 100)));
    }

    #[test]
    fn zeros_are_no_count() {
        assert_eq!(read(json!({"input_tokens": 0, "output_tokens": 0})), None);
        assert_eq!(read(json!({"totalTokens": null})), None);
        assert_eq!(
            Told::of(&json!({"usage": null, "_meta": {"quota": {"token_count": null}}})),
            Told::default()
        );
    }

    #[test]
    fn the_model_that_did_most_is_named() {
        let entry = |model: &str, tokens: u64| json!({"model": model, "token_count": {"input_tokens": tokens, "output_tokens": 1}});
        let quota = json!({"token_count": {"input_tokens": 40, "output_tokens": 3}, "model_usage": [entry("a", 9), entry("b", 31)]});
        let told = Told::of(&json!({"_meta": {"quota": quota}}));
        assert_eq!(told.model.as_deref(), Some("b"));
        assert_eq!(told.tokens, Some(Tokens { input: 40, output: 3, cached: 0 }));
    }
}

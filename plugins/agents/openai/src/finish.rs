//! Finish reasons, in the dialects of the services.

/// A finish reason.
#[derive(Clone, Debug, PartialEq)]
pub enum Finish {
    Stop,
    Length,
    Filtered,
    Tool,
    /// The service aborted the reply.
    Broken(String),
    /// An unknown reason, which does not count as a good end.
    Unknown(String),
}

impl Finish {
    /// None if the value only stands for none: SGLang writes an empty reason in every chunk before the last, others the text
    /// `null`.
    pub fn of(reason: &str) -> Option<Self> {
        let reason = reason.trim();
        let finish = match reason.to_ascii_lowercase().as_str() {
            "" | "null" | "none" | "finish_reason_unspecified" => return None,
            // Of OpenAI, TGI, Anthropic, Cohere; Gemini's are theirs in capitals.
            "stop" | "eos" | "eos_token" | "stop_sequence" | "end_turn" | "complete" | "completed" => {
                Self::Stop
            }
            "length" | "max_tokens" | "max_output_tokens" | "model_length" => Self::Length,
            "content_filter"
            | "content_filtered"
            | "refusal"
            | "safety"
            | "recitation"
            | "blocklist"
            | "prohibited_content"
            | "spii"
            | "sensitive"
            | "guardrail_intervened" => Self::Filtered,
            "tool_calls" | "function_call" | "tool_call" | "tool_use" => Self::Tool,
            // Of vLLM, SGLang, DeepSeek, Zhipu.
            "abort"
            | "aborted"
            | "cancelled"
            | "canceled"
            | "error"
            | "insufficient_system_resource"
            | "network_error"
            | "timeout" => Self::Broken(reason.to_owned()),
            _ => Self::Unknown(reason.to_owned()),
        };
        Some(finish)
    }
}

#[cfg(test)]
mod tests {
    use super::Finish;

    #[test]
    fn a_word_in_place_of_a_reason_is_none() {
        for blank in ["", " ", "null", "NULL", "None", "FINISH_REASON_UNSPECIFIED"] {
            assert_eq!(Finish::of(blank), None, "{blank}");
        }
    }

    #[test]
    fn only_words_that_are_known_to_be_good_ends_are() {
        for word in ["stop", "STOP", "eos_token", "end_turn"] {
            assert_eq!(Finish::of(word), Some(Finish::Stop), "{word}");
        }
        for word in ["abort", "error", "insufficient_system_resource"] {
            assert_eq!(Finish::of(word), Some(Finish::Broken(word.to_owned())));
        }
        for word in ["load", "unload", "stopped_by_operator", "stop!", "other"] {
            assert_eq!(Finish::of(word), Some(Finish::Unknown(word.to_owned())));
        }
    }
}

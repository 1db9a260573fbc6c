//! Interprets the lines.

use std::collections::BTreeSet;

use baton_sdk::agent::symptom;
use baton_sdk::agent::talk::{End, News, Reader, Skipped, changed_files};
use baton_sdk::agent::{
    Attempt, Attr, Effects, ErrorClass, Fault, Outcome, Usage, answer, contract, one_line, summary,
};
use serde_json::json;

use crate::event::{Conclusion, Event, Said, Tool, parse};

pub struct Claude {
    now: u64,
    contract: bool,
    /// The effects of the task.
    effects: Effects,
    skipped: Skipped,
    /// The number of the model's answers, and the id and tokens of the latest: its parts arrive line by line.
    requests: u32,
    latest: (String, Usage),
    /// Of the answers before the latest.
    spent: Usage,
    tools: Vec<Tool>,
    /// The calls of tools that have not returned, by their ids.
    open: BTreeSet<String>,
    /// The time until the subscription's limit is lifted, in milliseconds, if it was reached.
    limited: Option<Option<u64>>,
    result: Option<Conclusion>,
}

impl Claude {
    pub fn new(attempt: &Attempt) -> Self {
        Self {
            now: attempt.now,
            contract: contract(attempt).is_some(),
            effects: attempt.task.effects,
            skipped: Skipped::default(),
            requests: 0,
            latest: (String::new(), Usage::default()),
            spent: Usage::default(),
            tools: Vec::new(),
            open: BTreeSet::new(),
            limited: None,
            result: None,
        }
    }

    fn said(&mut self, said: Said) -> Vec<News> {
        let mut news = Vec::new();
        if let Some(line) = said.text.lines().find(|line| !line.trim().is_empty()) {
            news.push(News::progress(baton_sdk::words::capped(line.trim(), 200)));
        }
        news.extend(said.tools.last().map(|tool| News::progress(&tool.about)));
        self.open.extend(said.tools.iter().map(|tool| tool.id.clone()));
        self.tools.extend(said.tools);
        if self.latest.0 != said.id {
            self.requests = self.requests.saturating_add(1);
            self.spent = sum(&self.spent, &self.latest.1);
            self.latest = (said.id, Usage::default());
        }
        if self.latest.1 != said.usage {
            self.latest.1 = said.usage;
            let spent = Usage { requests: self.requests, ..sum(&self.spent, &self.latest.1) };
            news.push(News::Spent(spent));
        }
        news
    }

    /// How long it is until `at`, in seconds or milliseconds since 1970.
    fn until(&self, at: u64) -> u64 {
        let ms = if at < 100_000_000_000 { at.saturating_mul(1000) } else { at };
        ms.saturating_sub(self.now)
    }

    fn outcome(&self, result: &Conclusion) -> Result<Outcome, Fault> {
        let is_denied = |tool: &Tool| result.denied.iter().any(|denied| denied.id == tool.id);
        if self.effects == Effects::Workspace && !result.denied.is_empty() && self.tools.iter().all(is_denied)
        {
            return Err(all_denied(&result.denied));
        }
        if matches!(result.stop_reason.as_str(), "max_tokens" | "model_context_window_exceeded") {
            let message = "its answer was cut at the limit of tokens before it was complete";
            return Err(Fault::new(ErrorClass::InvalidOutput, message));
        }
        if result.text.trim().is_empty() && result.structured.is_none() && self.tools.is_empty() {
            return Err(Fault::new(
                ErrorClass::InvalidOutput,
                "it did nothing and said nothing, and called that a success",
            ));
        }
        let outcome = match &result.structured {
            Some(structured) => Outcome::json(summary(&result.text), structured),
            None if result.text.trim().is_empty() => Outcome::json("", &json!({ "text": "" })),
            None => answer(&result.text, self.contract)?,
        };
        Ok(Outcome { usage: self.used(result), attrs: self.attrs(result), ..outcome })
    }

    fn used(&self, result: &Conclusion) -> Usage {
        Usage { requests: self.requests, ..result.usage.clone() }
    }

    fn attrs(&self, result: &Conclusion) -> Vec<Attr> {
        let mut attrs = vec![Attr::new("session", &result.session)];
        attrs.extend(result.turns.map(|turns| Attr::new("turns", turns.to_string())));
        if !result.denied.is_empty() {
            let denied: Vec<&str> = result.denied.iter().map(|tool| tool.about.as_str()).collect();
            attrs.push(Attr::new("permissions-denied", json!(denied).to_string()));
        }
        let mut changed: Vec<String> = Vec::new();
        for tool in &self.tools {
            if let Some(path) = &tool.changes
                && !changed.contains(path)
                && !result.denied.iter().any(|denied| denied.id == tool.id)
            {
                changed.push(path.clone());
            }
        }
        if !changed.is_empty() {
            attrs.push(changed_files(&changed));
        }
        attrs
    }

    /// What a result says that is none.
    fn fault(&self, result: &Conclusion) -> Fault {
        let said = if result.text.is_empty() { "it gave no reason" } else { &result.text };
        let fault = match result.subtype.as_str() {
            "error_max_turns" => Fault {
                attrs: vec![Attr::new("stop-reason", "max-turns")],
                ..Fault::new(ErrorClass::Budget, format!("its turns are used up: {said}"))
            },
            "error_max_budget_usd" => Fault::new(ErrorClass::Budget, format!("its money is used up: {said}")),
            "error_max_structured_output_retries" => Fault::new(
                ErrorClass::InvalidOutput,
                format!("it found no answer that satisfies the schema: {said}"),
            ),
            _ if result.stop_reason == "refusal" => Fault::new(ErrorClass::Refused, said),
            "success" | "error_during_execution" => self.failed(result, said, ErrorClass::Transient),
            other => self.failed(result, said, ErrorClass::Other(other.to_owned())),
        };
        Fault { message: baton_sdk::words::capped(&fault.message, 2000).to_owned(), ..fault }
    }

    fn failed(&self, result: &Conclusion, said: &str, otherwise: ErrorClass) -> Fault {
        let otherwise = result.status.and_then(symptom::status).unwrap_or(otherwise);
        let fault = symptom::fault(said, otherwise);
        match self.limited {
            Some(until) => {
                Fault { class: ErrorClass::RateLimited, retry_after: until.or(fault.retry_after), ..fault }
            }
            None => fault,
        }
    }
}

impl Reader for Claude {
    fn read(&mut self, line: &str) -> Vec<News> {
        match parse(line) {
            None => {
                self.skipped.add(line);
                Vec::new()
            }
            Some(Event::Started { session }) => vec![News::Session(session), News::progress("started")],
            Some(Event::Retrying { why }) => vec![News::progress(format!("tries again: {why}"))],
            Some(Event::Limited { resets_at }) => {
                self.limited = Some(resets_at.map(|at| self.until(at)));
                vec![News::progress("has reached a limit")]
            }
            Some(Event::Said(said)) => self.said(said),
            Some(Event::Returned { tools }) => {
                self.open.retain(|id| !tools.contains(id));
                Vec::new()
            }
            Some(Event::Result(result)) => {
                let news = vec![News::Spent(self.used(&result)), News::progress("done")];
                self.result = Some(*result);
                news
            }
            Some(Event::Other) => Vec::new(),
        }
    }

    fn has_open_tool(&self) -> bool {
        !self.open.is_empty()
    }

    fn is_over(&self) -> bool {
        self.result.is_some()
    }

    fn conclude(&mut self, end: &End) -> Result<Outcome, Fault> {
        match &self.result {
            None => match self.limited {
                // It was waiting for a retry when it ended.
                Some(until) if end.silent_ms.is_none() => Err(Fault {
                    class: ErrorClass::RateLimited,
                    retry_after: until,
                    ..end.without("a `result` line", &self.skipped)
                }),
                Some(_) | None => Err(end.without("a `result` line", &self.skipped)),
            },
            Some(result)
                if result.subtype == "success" && !result.is_error && result.stop_reason != "refusal" =>
            {
                self.outcome(result)
            }
            Some(result) => Err(self.fault(result)),
        }
    }
}

/// The operator must fix something, or the next attempt is denied the same.
fn all_denied(denied: &[Tool]) -> Fault {
    let denied: Vec<&str> = denied.iter().map(|tool| tool.about.as_str()).collect();
    Fault::new(
        ErrorClass::Environment,
        format!(
            "it was denied all that it wanted to do ({}), and did nothing; the profile's --allowedTools and \
             --permission-mode say what is allowed",
            one_line(&denied.join(", "))
        ),
    )
}

fn sum(a: &Usage, b: &Usage) -> Usage {
    Usage {
        input_tokens: a.input_tokens.saturating_add(b.input_tokens),
        output_tokens: a.output_tokens.saturating_add(b.output_tokens),
        attrs: if b.attrs.is_empty() { a.attrs.clone() } else { b.attrs.clone() },
        ..Usage::default()
    }
}

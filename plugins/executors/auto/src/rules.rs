//! Classifies a task by its words alone.
//!
//! Each indicator adds a weight to one class. The class with the highest weight is chosen, and the confidence is its lead:
//! `(first - second) / first`. A text without any indicator is sequential, the cheapest class to be wrong with, at
//! confidence 0.

use baton_sdk::executor::rounded;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    Sequential,
    Collaborative,
    Parallel,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    pub class: Class,
    pub confidence: f64,
}

/// What the text begins with says most about what is wanted.
const VERB: f64 = 2.0;
/// A word about how the parts depend on each other.
const LINK: f64 = 3.0;
/// A thing that is usually made, or asked, in one way.
const HINT: f64 = 1.0;

const MAKING: [&str; 30] = [
    "build",
    "code",
    "come",
    "compose",
    "craft",
    "create",
    "design",
    "develop",
    "draft",
    "fix",
    "generate",
    "implement",
    "improve",
    "invent",
    "make",
    "name",
    "optimise",
    "pick",
    "port",
    "produce",
    "program",
    "propose",
    "redesign",
    "refactor",
    "rewrite",
    "sketch",
    "solve",
    "suggest",
    "write",
    "convert",
];

const FINDING_OUT: [&str; 40] = [
    "analyse",
    "assess",
    "audit",
    "check",
    "compare",
    "conduct",
    "debug",
    "decide",
    "derive",
    "determine",
    "diagnose",
    "estimate",
    "evaluate",
    "examine",
    "explain",
    "extract",
    "figure",
    "find",
    "forecast",
    "gather",
    "handle",
    "how",
    "identify",
    "inspect",
    "investigate",
    "look",
    "plan",
    "profile",
    "research",
    "review",
    "set",
    "study",
    "summarise",
    "trace",
    "understand",
    "verify",
    "walk",
    "what",
    "which",
    "why",
];

const IN_ORDER: [&str; 8] =
    ["then", "afterwards", "step by step", "one after the other", "first", "finally", "one by one", "once"];

const ASKING: [&str; 14] = [
    "why",
    "whether",
    "cause",
    "caused",
    "culprit",
    "findings",
    "recommendations",
    "recommend",
    "trend",
    "report",
    "trade-offs",
    "post-mortem",
    "risk",
    "reason",
];

const APART: [&str; 12] = [
    "independent",
    "independently",
    "separately",
    "simultaneously",
    "in parallel",
    "concurrently",
    "at the same time",
    "do not depend on each other",
    "each",
    "every",
    "all",
    "per",
];

const MADE: [&str; 26] = [
    "api",
    "app",
    "article",
    "blog",
    "brief",
    "cli",
    "code",
    "component",
    "email",
    "essay",
    "function",
    "headline",
    "layout",
    "logo",
    "poem",
    "regex",
    "reply",
    "script",
    "slogan",
    "sql",
    "story",
    "tagline",
    "title",
    "as well as you can",
    "best",
    "boring",
];

const NUMBERS: [&str; 12] =
    ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "twenty"];

/// Skills that indicate a class.
const SKILLS: [(&str, Class); 10] = [
    ("code", Class::Collaborative),
    ("coding", Class::Collaborative),
    ("programming", Class::Collaborative),
    ("writing", Class::Collaborative),
    ("design", Class::Collaborative),
    ("creative", Class::Collaborative),
    ("analysis", Class::Sequential),
    ("research", Class::Sequential),
    ("debugging", Class::Sequential),
    ("planning", Class::Sequential),
];

#[derive(Default)]
struct Weights {
    sequential: f64,
    collaborative: f64,
    parallel: f64,
}

pub fn classify(text: &str, skills: &[String]) -> Guess {
    let words = words(text);
    let mut weights = Weights::default();
    weights.verb(&words);
    weights.signs(&words);
    weights.parallel += LINK * f64::from(u8::from(is_counted(&words)));
    weights.parallel += LINK * f64::from(u8::from(is_listed(text)));
    for (_, class) in SKILLS.iter().filter(|(skill, _)| skills.iter().any(|has| has == skill)) {
        *weights.of(*class) += HINT;
    }
    weights.guess()
}

impl Weights {
    fn of(&mut self, class: Class) -> &mut f64 {
        match class {
            Class::Sequential => &mut self.sequential,
            Class::Collaborative => &mut self.collaborative,
            Class::Parallel => &mut self.parallel,
        }
    }

    fn verb(&mut self, words: &[String]) {
        let Some(first) = words.first().map(String::as_str) else { return };
        if MAKING.contains(&first) {
            self.collaborative += VERB;
        }
        if FINDING_OUT.contains(&first) {
            self.sequential += VERB;
        }
    }

    fn signs(&mut self, words: &[String]) {
        let line = format!(" {} ", words.join(" "));
        let has = |sign: &&&str| line.contains(&format!(" {sign} "));
        let weight = |signs: &[&str], each: f64, most: usize| {
            signs.iter().filter(has).take(most).count() as f64 * each
        };
        self.sequential += weight(&IN_ORDER, LINK, 2) + weight(&ASKING, HINT, 2);
        self.parallel += weight(&APART, LINK, 2);
        self.collaborative += weight(&MADE, HINT, 2);
    }

    fn guess(&self) -> Guess {
        let mut ranked = [
            (Class::Sequential, self.sequential),
            (Class::Collaborative, self.collaborative),
            (Class::Parallel, self.parallel),
        ];
        ranked.sort_by(|one, other| other.1.total_cmp(&one.1));
        let [(class, first), (_, second), _] = ranked;
        let confidence = if first > 0.0 { rounded((first - second) / first) } else { 0.0 };
        Guess { class, confidence }
    }
}

/// In lower case and British spelling.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '-')
        .filter(|word| !word.is_empty())
        .map(|word| {
            let word = word.to_lowercase();
            match word.strip_suffix("ze") {
                Some(stem) if stem.ends_with('i') || stem.ends_with('y') => format!("{stem}se"),
                Some(_) | None => word,
            }
        })
        .collect()
}

/// Several of the same: "these 30 essays", "the three archives", "seeds 1 to 20". Not a year: "the 2025 report".
fn is_counted(words: &[String]) -> bool {
    let digits = |word: &str| word.parse::<u32>().ok();
    let several = |word: &str| {
        NUMBERS.contains(&word) || digits(word).is_some_and(|n| n > 1 && !(1900..2100).contains(&n))
    };
    let pointed = |word: &str| matches!(word, "the" | "these" | "those" | "from" | "our" | "all");
    let range =
        |window: &[String]| digits(&window[0]).is_some() && window[1] == "to" && digits(&window[2]).is_some();
    words.windows(2).any(|window| pointed(&window[0]) && several(&window[1])) || words.windows(3).any(range)
}

/// A list of three or more things in at most two words each: "Bosch, Siemens and Infineon".
fn is_listed(text: &str) -> bool {
    let short = |item: &str| (1..=2).contains(&item.split_whitespace().count());
    text.split([';', ':', '.', '?', '!']).any(|clause| {
        let items: Vec<&str> = clause.split(',').collect();
        items.windows(2).any(|pair| match pair[1].split_once(" and ") {
            Some((left, right)) => short(left) && short(head(right)),
            None => items.len() > 2 && short(pair[0]) && short(pair[1]),
        })
    })
}

/// What stands before the rest of the sentence goes on.
fn head(text: &str) -> &str {
    let end = [" in ", " for ", " with ", " under ", " and ", " separately", " on ", " by ", " to "]
        .iter()
        .filter_map(|word| text.find(word))
        .min();
    end.map_or(text, |end| &text[..end])
}

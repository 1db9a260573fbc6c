//! The input.

use std::collections::BTreeSet;

use baton_sdk::executor::{Child, Config, Effects, ExecutionError, Fields, Task, Who};

pub struct Spec {
    pub title: String,
    /// JSON text.
    pub input: String,
    pub skills: Vec<String>,
    /// One for each try of a round: the agent that must make it, if any.
    pub tries: Vec<Option<String>>,
    pub validators: Vec<String>,
    pub good_enough: Option<f64>,
    pub coordination: Coordination,
    pub rounds: usize,
    pub choose: Choose,
    pub lead: Who,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coordination {
    Independent,
    Synchronized,
    Hierarchical,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Choose {
    Best,
    Vote,
    Consensus,
}

const KNOWN: [&str; 11] = [
    "title",
    "input",
    "skills",
    "agents",
    "count",
    "validators",
    "good_enough",
    "coordination",
    "rounds",
    "choose",
    "lead",
];

const COORDINATIONS: [(&str, Coordination); 3] = [
    ("independent", Coordination::Independent),
    ("synchronized", Coordination::Synchronized),
    ("hierarchical", Coordination::Hierarchical),
];

const CHOICES: [(&str, Choose); 3] =
    [("best", Choose::Best), ("vote", Choose::Vote), ("consensus", Choose::Consensus)];

impl Spec {
    pub fn read(task: &Task, config: Config<'_>) -> Result<Self, ExecutionError> {
        let fields = Fields::read(&task.input, &KNOWN)?;
        if task.effects == Effects::External {
            let why = "the task has external effects, and each candidate would do them: give it to one agent, \
                       or to steps (`sequential`) of which one acts";
            return Err(ExecutionError::BadInput(why.to_owned()));
        }
        let coordination =
            fields.one_of("coordination", &COORDINATIONS)?.unwrap_or(Coordination::Independent);
        let lead = Who::read(&fields, "lead", config)?;
        if coordination != Coordination::Hierarchical && fields.text("lead").is_some() {
            return Err(Fields::wrong("lead", "no such key unless the coordination is hierarchical"));
        }
        Ok(Self {
            title: fields.optional("title", "a string")?.unwrap_or_else(|| task.title.clone()),
            input: fields.required_text("input")?.to_owned(),
            skills: fields.strings("skills")?,
            tries: tries(&fields)?,
            validators: fields.strings("validators")?,
            good_enough: fields.within("good_enough", 0.0..=1.0)?,
            coordination,
            rounds: rounds(&fields, coordination)?,
            choose: fields.one_of("choose", &CHOICES)?.unwrap_or(Choose::Best),
            lead,
        })
    }

    pub fn is_good_enough(&self, child: &Child) -> bool {
        match (self.good_enough, child.score()) {
            (Some(wanted), Some(score)) => child.has_succeeded() && score >= wanted,
            (Some(_), None) | (None, _) => false,
        }
    }
}

fn tries(fields: &Fields) -> Result<Vec<Option<String>>, ExecutionError> {
    let count = fields.within("count", 2..=16usize)?;
    let expected = "2 to 16 agents, each once";
    match fields.optional::<Vec<String>>("agents", expected)? {
        None => Ok(vec![None; count.unwrap_or(3)]),
        Some(_) if count.is_some() => Err(Fields::wrong("count", "no such key beside agents")),
        Some(agents) => {
            let different: BTreeSet<&String> = agents.iter().collect();
            match (2..=16).contains(&agents.len()) && different.len() == agents.len() {
                true => Ok(agents.into_iter().map(Some).collect()),
                false => Err(Fields::wrong("agents", expected)),
            }
        }
    }
}

fn rounds(fields: &Fields, coordination: Coordination) -> Result<usize, ExecutionError> {
    let rounds = fields.within("rounds", 1..=5usize)?;
    match (coordination, rounds) {
        (Coordination::Synchronized, rounds) => Ok(rounds.unwrap_or(2)),
        (Coordination::Independent | Coordination::Hierarchical, None | Some(1)) => Ok(1),
        (Coordination::Independent | Coordination::Hierarchical, Some(_)) => {
            Err(Fields::wrong("rounds", "1 unless the coordination is synchronized"))
        }
    }
}

//! The record of the pool as a table: one cell for each agent and skill of which anything is known.

use std::collections::BTreeMap;

use baton_sdk::router::{Agent, SkillStats};

/// What is known of one agent on one skill, or on work without skills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    pub agent: usize,
    /// Position among [`Cells::skills`]; none for work without skills.
    pub skill: Option<usize>,
    /// See [`Cells::stand`].
    pub stand: f64,
    /// Discounted, at most `trials`.
    pub successes: f64,
    pub trials: f64,
}

/// The table with its headings.
pub struct Cells<'a> {
    agents: &'a [Agent],
    /// Of each agent, a number that agents of the same kind share.
    pub kinds: Vec<usize>,
    /// With a record, or declared by somebody.
    pub skills: BTreeMap<&'a str, Skill>,
    pub cells: Vec<Cell>,
}

/// A heading.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Skill {
    pub place: usize,
    /// Whether it is declared by anybody.
    pub declared: bool,
}

impl<'a> Cells<'a> {
    pub fn of(agents: &'a [Agent]) -> Self {
        let mut cells = Self { agents, kinds: kinds(agents), skills: skills(agents), cells: Vec::new() };
        for (index, agent) in agents.iter().enumerate() {
            let mut with_skill = (0.0, 0.0);
            for stats in agent.stats.iter().filter(|stats| !stats.skill.is_empty()) {
                let (successes, trials) = counts(stats);
                with_skill = (with_skill.0 + successes, with_skill.1 + trials);
                cells.add(index, Some(&stats.skill), successes, trials);
            }
            let (successes, trials) = rest(agent, with_skill);
            cells.add(index, None, successes, trials);
        }
        cells
    }

    fn add(&mut self, agent: usize, skill: Option<&str>, successes: f64, trials: f64) {
        if trials > 0.0 {
            let stand = skill.map_or(0.0, |skill| self.stand(agent, skill));
            let skill = skill.and_then(|skill| self.skills.get(skill)).map(|skill| skill.place);
            self.cells.push(Cell { agent, skill, stand, successes, trials });
        }
    }

    /// Discounted successes and trials of an agent at a skill, or at work without skills.
    pub fn record(&self, agent: usize, skill: Option<&str>) -> (f64, f64) {
        let Some(agent) = self.agents.get(agent) else { return (0.0, 0.0) };
        match skill {
            Some(skill) => agent.record(skill).map_or((0.0, 0.0), counts),
            None => {
                let skills = agent.stats.iter().filter(|stats| !stats.skill.is_empty()).map(counts);
                let sum = skills.fold((0.0, 0.0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1));
                rest(agent, sum)
            }
        }
    }

    /// What an agent says of itself: 0.5 if it declares a skill, -0.5 if it does not, 0.0 if that says nothing, because
    /// it declares no skill at all or nobody declares this one.
    pub fn stand(&self, agent: usize, skill: &str) -> f64 {
        let Some(agent) = self.agents.get(agent) else { return 0.0 };
        if agent.skills.is_empty() || !self.skills.get(skill).is_some_and(|skill| skill.declared) {
            return 0.0;
        }
        if agent.declares(skill) { 0.5 } else { -0.5 }
    }
}

/// What is in the record of all attempts and in no skill's: work without skills. The two are discounted by different
/// counts, so less than a trial is nothing.
fn rest(agent: &Agent, (successes, trials): (f64, f64)) -> (f64, f64) {
    let all = agent.record("").map_or((0.0, 0.0), counts);
    let rest = all.1 - trials;
    if rest < 1.0 { (0.0, 0.0) } else { ((all.0 - successes).clamp(0.0, rest), rest) }
}

/// Discounted successes and trials, within their bounds whatever the host said.
fn counts(stats: &SkillStats) -> (f64, f64) {
    let trials = if stats.trials.is_finite() { stats.trials.clamp(0.0, 100.0) } else { 0.0 };
    let successes = if stats.successes.is_finite() { stats.successes.clamp(0.0, trials) } else { 0.0 };
    (successes, trials)
}

fn kinds(agents: &[Agent]) -> Vec<usize> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = Vec::with_capacity(agents.len());
    for agent in agents {
        let next = numbers.len();
        found.push(*numbers.entry(&agent.kind).or_insert(next));
    }
    found
}

fn skills(agents: &[Agent]) -> BTreeMap<&str, Skill> {
    let mut skills: BTreeMap<&str, Skill> = BTreeMap::new();
    for agent in agents {
        for skill in &agent.skills {
            skills.entry(skill).or_default().declared = true;
        }
        for stats in agent.stats.iter().filter(|stats| !stats.skill.is_empty()) {
            skills.entry(&stats.skill).or_default();
        }
    }
    for (place, skill) in skills.values_mut().enumerate() {
        skill.place = place;
    }
    skills
}

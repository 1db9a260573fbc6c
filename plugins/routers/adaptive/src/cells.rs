//! The record of the pool as a table, with a cell for each agent and skill with a record or a declaration.

use std::collections::BTreeMap;

use baton_sdk::router::{Agent, SkillStats};

/// The record of one agent on one skill, or on tasks without skills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    pub agent: usize,
    /// Index into [`Cells::skills`]; none for tasks without skills.
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
    /// For each agent, the number of its kind.
    pub kinds: Vec<usize>,
    /// The skills with a record or a declaration.
    pub skills: BTreeMap<&'a str, Skill>,
    pub cells: Vec<Cell>,
}

/// A heading.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Skill {
    pub place: usize,
    /// Whether any agent declares it.
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
            let known = skill.and_then(|skill| self.skill(skill));
            let stand = skill.map_or(0.0, |skill| self.stand(agent, skill, known));
            self.cells.push(Cell { agent, skill: known.map(|skill| skill.place), stand, successes, trials });
        }
    }

    /// Discounted successes and trials of an agent on a skill, or on tasks without skills.
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

    /// The heading of a skill; without a place if the table does not have it.
    pub fn skill(&self, skill: &str) -> Option<Skill> {
        self.skills.get(skill).copied()
    }

    /// The declaration as a number: 0.5 if an agent declares a skill, -0.5 if it does not, 0.0 if that is not informative,
    /// because it declares no skill at all or no agent declares this one.
    pub fn stand(&self, agent: usize, name: &str, skill: Option<Skill>) -> f64 {
        let Some(agent) = self.agents.get(agent) else { return 0.0 };
        if agent.skills.is_empty() || !skill.is_some_and(|skill| skill.declared) {
            return 0.0;
        }
        if agent.declares(name) { 0.5 } else { -0.5 }
    }
}

/// The record of tasks without skills: that of all attempts less those of the skills. The two are discounted differently, so
/// less than one trial counts as none.
fn rest(agent: &Agent, (successes, trials): (f64, f64)) -> (f64, f64) {
    let all = agent.record("").map_or((0.0, 0.0), counts);
    let rest = all.1 - trials;
    if rest < 1.0 { (0.0, 0.0) } else { ((all.0 - successes).clamp(0.0, rest), rest) }
}

/// Discounted successes and trials, clamped to their ranges.
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

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::{agent, stats};

    use super::*;

    fn known(agent: Agent, entries: &[(&str, f64, f64)]) -> Agent {
        let entry = |(skill, successes, trials): &(&str, f64, f64)| SkillStats {
            successes: *successes,
            trials: *trials,
            ..stats(skill)
        };
        Agent { stats: entries.iter().map(entry).collect(), ..agent }
    }

    #[test]
    fn each_skill_has_a_cell_and_so_has_the_rest() {
        let agents = [
            known(agent("a", &["x"]), &[("", 9.0, 12.0), ("x", 3.0, 4.0), ("y", 1.0, 2.0)]),
            known(agent("b", &[]), &[("", 2.0, 2.5), ("x", 2.0, 2.0)]),
        ];
        let cells = Cells::of(&agents);
        let cell = |agent, skill, stand, successes, trials| Cell { agent, skill, stand, successes, trials };
        let wanted = [
            cell(0, Some(0), 0.5, 3.0, 4.0),
            cell(0, Some(1), 0.0, 1.0, 2.0),
            cell(0, None, 0.0, 5.0, 6.0),
            cell(1, Some(0), 0.0, 2.0, 2.0),
        ];
        assert_eq!(cells.cells, wanted);
        assert_eq!(cells.record(0, None), (5.0, 6.0));
        assert_eq!(cells.record(0, Some("x")), (3.0, 4.0));
        assert_eq!((cells.record(1, Some("y")), cells.record(7, None)), ((0.0, 0.0), (0.0, 0.0)));
    }

    #[test]
    fn a_stand_is_taken_where_somebody_takes_one() {
        let agents = [agent("a", &["x", "z"]), agent("b", &["z"]), agent("c", &[])];
        let cells = Cells::of(&agents);
        let stand = |agent, skill| cells.stand(agent, skill, cells.skill(skill));
        assert_eq!([0, 1, 2, 7].map(|agent| stand(agent, "x")), [0.5, -0.5, 0.0, 0.0]);
        assert_eq!([0, 1, 2].map(|agent| stand(agent, "y")), [0.0; 3]);
    }

    #[test]
    fn agents_of_a_kind_share_a_number() {
        let of = |id: &str, kind: &str| Agent { kind: kind.to_owned(), ..agent(id, &[]) };
        assert_eq!(Cells::of(&[of("a", "k"), of("b", "l"), of("c", "k")]).kinds, [0, 1, 0]);
    }

    #[test]
    fn counts_are_kept_within_their_bounds() {
        let agents = [known(agent("a", &[]), &[("x", 7.0, 3.0), ("y", f64::NAN, 1e9), ("z", 1.0, -1.0)])];
        let counted: Vec<(f64, f64)> =
            Cells::of(&agents).cells.iter().map(|cell| (cell.successes, cell.trials)).collect();
        assert_eq!(counted, [(3.0, 3.0), (0.0, 100.0)]);
    }
}

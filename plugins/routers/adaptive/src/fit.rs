//! The probability of success of every agent on every skill, from the record of the whole pool.
//!
//! The log-odds are a sum of effects: a base, the declaration, the agent's kind, the agent, the skill. Each has a normal
//! prior around zero, so that the record of one agent or skill informs about the others, and the less is known of one the
//! more it is like them (Gelman et al., "Bayesian Data Analysis", 3rd ed., 2013, chapter 15). The most likely effects are
//! found by Newton's method, one group after the other. The success rate of an agent on a skill is then distributed around
//! that sum by a beta distribution, whose strength counts as a number of trials.

use crate::cells::{Cell, Cells, Skill};

/// Prior of the log-odds.
#[derive(Clone, Copy, Debug)]
struct Prior {
    mean: f64,
    variance: f64,
}

/// More succeed than fail.
const BASE: Prior = Prior { mean: 0.2, variance: 1.0 };

/// Prior of a declaration: an agent that declares a skill has 1.65 times the odds of one that does not. Ten well-known cells
/// weigh as much as this prior.
const DECLARED: Prior = Prior { mean: 0.5, variance: 0.1 };

const KIND: Prior = Prior { mean: 0.0, variance: 0.03 };
const AGENT: Prior = Prior { mean: 0.0, variance: 0.1 };
const SKILL: Prior = Prior { mean: 0.0, variance: 0.8 };

/// The number of trials that the prediction from the rest of the record counts as: a standard deviation of 0.12 around an
/// even chance.
const STRENGTH: f64 = 16.0;

/// Rounds over all groups. Further rounds do not change the third digit of any probability.
const ROUNDS: usize = 6;

/// One effect in log-odds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Effect {
    mean: f64,
    variance: f64,
}

/// A group of effects that is found at once, because no cell has two of them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Group {
    Base,
    Declared,
    Skill,
    Kind,
    Agent,
}

/// The estimate for one agent on one skill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belief {
    /// The probability of success.
    pub chance: f64,
    /// The variance of that probability, of what sets the agent apart.
    pub variance: f64,
    /// The share of evidence in it, 0.0 to 1.0.
    pub confidence: f64,
}

/// All effects.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    base: Effect,
    declared: Effect,
    skills: Vec<Effect>,
    kinds: Vec<Effect>,
    agents: Vec<Effect>,
}

impl Fit {
    pub fn of(cells: &Cells<'_>) -> Self {
        let kinds = cells.kinds.iter().max().map_or(0, |most| most + 1);
        let mut fit = Self {
            base: BASE.effect(),
            declared: DECLARED.effect(),
            skills: vec![SKILL.effect(); cells.skills.len()],
            kinds: vec![KIND.effect(); kinds],
            agents: vec![AGENT.effect(); cells.kinds.len()],
        };
        for _ in 0..ROUNDS {
            for group in [Group::Base, Group::Declared, Group::Skill, Group::Kind, Group::Agent] {
                fit.improve(group, cells);
            }
        }
        fit
    }

    /// One step of Newton's method for each effect of a group, the others as they are.
    fn improve(&mut self, group: Group, cells: &Cells<'_>) {
        let mut sums = vec![(0.0, 0.0); self.group(group).1.len()];
        for cell in &cells.cells {
            let Some((at, value)) = group.part(cell, cells) else { continue };
            let chance = logistic(self.odds(cells, cell.agent, cell.skill, cell.stand));
            // A cell says something about the others only as far as it is no exception itself: at most this many trials.
            let counts = (STRENGTH + 1.0) / (STRENGTH + cell.trials.max(1.0));
            sums[at].0 += value * counts * (cell.successes - cell.trials * chance);
            sums[at].1 += value * value * counts * cell.trials * chance * (1.0 - chance);
        }
        let (prior, effects) = self.group(group);
        for (effect, (slope, information)) in effects.iter_mut().zip(sums) {
            let precision = information + 1.0 / prior.variance;
            let step = (slope - (effect.mean - prior.mean) / prior.variance) / precision;
            // Far from the top a whole step can go beyond it.
            effect.mean += step.clamp(-1.0, 1.0);
            effect.variance = 1.0 / precision;
        }
    }

    fn group(&mut self, group: Group) -> (Prior, &mut [Effect]) {
        match group {
            Group::Base => (BASE, std::slice::from_mut(&mut self.base)),
            Group::Declared => (DECLARED, std::slice::from_mut(&mut self.declared)),
            Group::Skill => (SKILL, &mut self.skills),
            Group::Kind => (KIND, &mut self.kinds),
            Group::Agent => (AGENT, &mut self.agents),
        }
    }

    fn odds(&self, cells: &Cells<'_>, agent: usize, skill: Option<usize>, stand: f64) -> f64 {
        self.base.mean
            + self.declared.mean * stand
            + self.kinds[cells.kinds[agent]].mean
            + self.agents[agent].mean
            + skill.map_or(0.0, |skill| self.skills[skill].mean)
    }

    /// Of an agent at a skill with its heading, or at work without skills.
    pub fn belief(&self, cells: &Cells<'_>, agent: usize, skill: Option<(&str, Option<Skill>)>) -> Belief {
        let stand = skill.map_or(0.0, |(name, known)| cells.stand(agent, name, known));
        let place = skill.and_then(|(_, known)| known).map(|known| known.place);
        let own = self.agents[agent].variance + self.kinds[cells.kinds[agent]].variance;
        let said = stand * stand * self.declared.variance;
        let common = self.base.variance + place.map_or(SKILL.variance, |skill| self.skills[skill].variance);
        let expected = moderated(self.odds(cells, agent, place, stand), own + said + common);
        let (successes, trials) = cells.record(agent, skill.map(|(name, _)| name));
        let chance = (STRENGTH * expected + successes) / (STRENGTH + trials);
        let assumed = STRENGTH / (STRENGTH + trials);
        let doubt = (own + said) * (expected * (1.0 - expected)).powi(2);
        let known = 1.0 - own / (AGENT.variance + KIND.variance);
        Belief {
            chance,
            variance: chance * (1.0 - chance) / (STRENGTH + trials + 1.0) + assumed * assumed * doubt,
            confidence: 1.0 - assumed * (1.0 - known),
        }
    }
}

impl Prior {
    fn effect(self) -> Effect {
        Effect { mean: self.mean, variance: self.variance }
    }
}

impl Group {
    /// Which effect of the group a cell has, and how much of it.
    fn part(self, cell: &Cell, cells: &Cells<'_>) -> Option<(usize, f64)> {
        match self {
            Self::Base => Some((0, 1.0)),
            Self::Declared => Some((0, cell.stand)),
            Self::Skill => cell.skill.map(|skill| (skill, 1.0)),
            Self::Kind => Some((cells.kinds[cell.agent], 1.0)),
            Self::Agent => Some((cell.agent, 1.0)),
        }
    }
}

/// The mean chance of normally distributed log-odds, approximately (MacKay, "The Evidence Framework Applied to
/// Classification Networks", 1992).
fn moderated(mean: f64, variance: f64) -> f64 {
    logistic(mean / (1.0 + std::f64::consts::PI * variance / 8.0).sqrt())
}

/// The probability for log-odds.
pub fn logistic(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

#[cfg(test)]
mod tests {
    use baton_sdk::SplitMix64;
    use baton_sdk::fixture::{agent, stats};
    use baton_sdk::router::{Agent, SkillStats};

    use super::*;

    const SKILLS: [&str; 5] = ["s0", "s1", "s2", "s3", "s4"];

    fn entry(skill: &str, successes: f64, trials: f64) -> SkillStats {
        SkillStats { successes, trials, ..stats(skill) }
    }

    /// Twelve agents, each with so many trials of each skill; who declares a skill succeeds with one chance, who does not
    /// with another, and odd agents are worse.
    fn pool(trials: u32, declarer: f64, other: f64) -> Vec<Agent> {
        let mut random = SplitMix64::new(11);
        let one = |index: usize| {
            let declared: Vec<&str> =
                (0..5).filter(|skill| (index + skill).is_multiple_of(3)).map(|skill| SKILLS[skill]).collect();
            let mut achieved = |skill: &str| {
                let chance = if declared.contains(&skill) { declarer } else { other };
                let chance = if index.is_multiple_of(2) { chance } else { 0.7 * chance };
                f64::from((0..trials).map(|_| u32::from(random.chance(chance))).sum::<u32>())
            };
            let stats = SKILLS.map(|skill| entry(skill, achieved(skill), f64::from(trials))).to_vec();
            Agent { stats, ..agent(&format!("{index:02}"), &declared) }
        };
        (0..12).map(one).collect()
    }

    fn at(fit: &Fit, cells: &Cells<'_>, agent: usize, skill: &str) -> Belief {
        fit.belief(cells, agent, Some((skill, cells.skill(skill))))
    }

    /// What is maximised: the logarithm of the likelihood, with as many trials of a cell as count, and of the priors.
    fn objective(fit: &Fit, cells: &Cells<'_>) -> f64 {
        let mut sum = 0.0;
        for cell in &cells.cells {
            let chance = logistic(fit.odds(cells, cell.agent, cell.skill, cell.stand));
            let counts = (STRENGTH + 1.0) / (STRENGTH + cell.trials.max(1.0));
            sum += counts * cell.successes * chance.ln();
            sum += counts * (cell.trials - cell.successes) * (1.0 - chance).ln();
        }
        let mut assumed = |prior: Prior, effects: &[Effect]| {
            for effect in effects {
                sum -= (effect.mean - prior.mean).powi(2) / (2.0 * prior.variance);
            }
        };
        assumed(BASE, &[fit.base]);
        assumed(DECLARED, &[fit.declared]);
        assumed(SKILL, &fit.skills);
        assumed(KIND, &fit.kinds);
        assumed(AGENT, &fit.agents);
        sum
    }

    #[test]
    fn nothing_is_more_likely_than_what_is_found() {
        let agents = pool(25, 0.8, 0.5);
        let cells = Cells::of(&agents);
        let mut fit = Fit::of(&cells);
        for _ in 0..50 {
            for group in [Group::Base, Group::Declared, Group::Skill, Group::Kind, Group::Agent] {
                fit.improve(group, &cells);
            }
        }
        let top = objective(&fit, &cells);
        for off in [-0.01, 0.01] {
            for group in [Group::Base, Group::Declared, Group::Skill, Group::Kind, Group::Agent] {
                for at in 0..fit.group(group).1.len() {
                    let mut moved = fit.clone();
                    moved.group(group).1[at].mean += off;
                    assert!(objective(&moved, &cells) < top, "{group:?} {at} {off}");
                }
            }
        }
    }

    #[test]
    fn the_rounds_are_enough() {
        for agents in [pool(3, 0.9, 0.1), pool(100, 0.95, 0.2), pool(40, 0.05, 0.02)] {
            let cells = Cells::of(&agents);
            let short = Fit::of(&cells);
            let mut long = short.clone();
            for _ in 0..60 {
                for group in [Group::Base, Group::Declared, Group::Skill, Group::Kind, Group::Agent] {
                    long.improve(group, &cells);
                }
            }
            for agent in 0..12 {
                for skill in SKILLS {
                    let chance = |fit: &Fit| at(fit, &cells, agent, skill).chance;
                    assert!((chance(&short) - chance(&long)).abs() < 0.005, "{agent} {skill}");
                }
            }
        }
    }

    #[test]
    fn what_a_declaration_is_worth_is_learned_from_everybody() {
        let learned = |declarer, other| Fit::of(&Cells::of(&pool(60, declarer, other))).declared.mean;
        let (none, less, same, more) =
            (DECLARED.mean, learned(0.4, 0.6), learned(0.6, 0.6), learned(0.8, 0.4));
        assert!(less < 0.1 && same < 0.25 && more > 1.0, "{none} {less} {same} {more}");
        // Without any record it is what it was taken for.
        let fresh = [agent("a", &["x"]), agent("b", &["y"]), agent("c", &[])];
        let cells = Cells::of(&fresh);
        let fit = Fit::of(&cells);
        assert_eq!(fit.declared.mean, none);
        let chance = |agent| at(&fit, &cells, agent, "x").chance;
        assert!(chance(0) > chance(2) && chance(2) > chance(1));
    }

    #[test]
    fn a_record_of_its_own_outweighs_what_is_expected_by_and_by() {
        let chance = |successes, trials| {
            let agents = [Agent { stats: vec![entry("x", successes, trials)], ..agent("a", &["x"]) }];
            let cells = Cells::of(&agents);
            let belief = at(&Fit::of(&cells), &cells, 0, "x");
            (belief.chance, belief.variance, belief.confidence)
        };
        let (none, few, many) = (chance(0.0, 0.0), chance(0.0, 4.0), chance(0.0, 90.0));
        assert!(none.0 > 0.5 && few.0 < none.0 && few.0 > 0.15 && many.0 < 0.1, "{none:?} {few:?} {many:?}");
        assert!(none.1 > few.1 && few.1 > many.1);
        assert!(none.2 == 0.0 && few.2 > 0.15 && many.2 > 0.8 && many.2 <= 1.0);
    }

    #[test]
    fn what_is_known_of_an_agent_counts_for_its_kind() {
        let of = |id: &str, kind: &str| Agent { kind: kind.to_owned(), ..agent(id, &[]) };
        let failing = |id: &str| Agent { stats: vec![entry("x", 2.0, 60.0)], ..of(id, "bad") };
        let fine = |id: &str| Agent { stats: vec![entry("x", 50.0, 60.0)], ..of(id, "good") };
        let agents =
            [failing("a"), failing("b"), fine("c"), fine("d"), of("new bad", "bad"), of("new good", "good")];
        let cells = Cells::of(&agents);
        let fit = Fit::of(&cells);
        let chance = |agent| at(&fit, &cells, agent, "x").chance;
        assert!(chance(5) > chance(4) + 0.03, "{} {}", chance(4), chance(5));
    }

    #[test]
    fn chances_are_chances_whatever_the_record() {
        let agents: Vec<Agent> = (0..40)
            .map(|at| Agent { stats: vec![entry("x", 0.0, 100.0)], ..agent(&format!("{at}"), &["x"]) })
            .collect();
        let cells = Cells::of(&agents);
        let belief = at(&Fit::of(&cells), &cells, 0, "x");
        assert!(belief.chance > 0.0 && belief.chance < 0.01 && belief.variance > 0.0);
    }
}

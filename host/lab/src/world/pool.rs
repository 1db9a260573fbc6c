//! Pools of agents whose chances of success are published accuracies.

use serde::{Deserialize, Serialize};

use crate::anchor::{self, Table};

/// The pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// Six lightweight models on five benchmarks: each has its field, and none is good at everything. The six and the
    /// five were searched for among all of table 6 so that the best single agent has .623, whoever is best at each skill
    /// .673 and a random one .503; that those who are clearly above the average, taken together, have about .64; and
    /// that the ceilings of prediction are those of a base rate near one half.
    Specialists,
    /// Twelve flagship models on ten benchmarks: one is best at nearly everything. All of table 9; how often each
    /// benchmark is asked for was searched for so that the best single agent has .672, whoever is best at each skill
    /// .687 and a random one .529. Equally often would be .656, .688 and .536.
    Generalists,
}

/// A pool in figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Roster {
    pub agents: Vec<String>,
    pub skills: Vec<String>,
    /// How often each skill is asked for; adds up to 1.
    pub shares: Vec<f64>,
    /// By agent and skill, 0.0 to 1.0.
    pub chances: Vec<Vec<f64>>,
    /// By agent and skill; 1 is the mean over the agents.
    pub costs: Vec<Vec<f64>>,
}

/// Models of table 6 with a cost that is invented: those that think for longer, and do better here for it, cost more.
const SPECIALISTS: [(&str, f64); 6] = [
    ("GLM-Z1", 1.8),
    ("DS-Qwen3", 1.6),
    ("Cogito-v1", 0.9),
    ("Gemma-2-it", 0.7),
    ("Granite-3.3-it", 0.6),
    ("DH-Llama3-it", 0.4),
];

/// Mathematics, code, rules made up on the spot, science, feelings; asked for equally often.
const FIELDS: [&str; 5] = ["MathBench", "HumanEval", "KORBench", "GPQA", "MELD"];

/// Benchmarks of table 9, and of 30 tasks how many are of each.
const SUBJECTS: [(&str, f64); 10] = [
    ("AIME", 3.0),
    ("LiveMathBench", 4.0),
    ("LiveCodeBench", 4.0),
    ("SWE-Bench", 1.0),
    ("GPQA", 3.0),
    ("HLE", 5.0),
    ("MMLU-Pro", 3.0),
    ("SimpleQA", 3.0),
    ("ArenaHard", 1.0),
    ("tau2-Bench", 3.0),
];

impl Pool {
    pub const ALL: [Self; 2] = [Self::Specialists, Self::Generalists];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Specialists => "specialists",
            Self::Generalists => "generalists",
        }
    }

    #[must_use]
    pub fn roster(self) -> Roster {
        match self {
            Self::Specialists => specialists(),
            Self::Generalists => generalists(),
        }
    }
}

impl Roster {
    /// The best agent over all skills, weighted by demand; the first among equals.
    #[must_use]
    pub fn best(&self) -> Option<usize> {
        let quality = |agent: &usize| weighted(&self.chances[*agent], &self.shares);
        (0..self.agents.len())
            .max_by(|one, other| quality(one).total_cmp(&quality(other)).then(other.cmp(one)))
    }
}

/// The mean of some values as often as their skills are asked for.
#[must_use]
pub fn weighted(values: &[f64], shares: &[f64]) -> f64 {
    values.iter().zip(shares).map(|(value, share)| value * share).sum()
}

fn specialists() -> Roster {
    let models = SPECIALISTS.map(|(model, _)| model);
    let cost = |(_, cost): (&str, f64)| FIELDS.map(|_| cost).to_vec();
    Roster {
        agents: models.map(plain).to_vec(),
        skills: FIELDS.map(plain).to_vec(),
        shares: FIELDS.map(|_| 0.2).to_vec(),
        chances: figures(&anchor::lightweight(), &models, &FIELDS, 0.01),
        costs: SPECIALISTS.map(cost).to_vec(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "pools are small")]
fn generalists() -> Roster {
    let (flagship, cost) = (anchor::flagship(), anchor::cost());
    let models: Vec<&str> = flagship.rows.iter().map(|row| row.name.as_str()).collect();
    let subjects = SUBJECTS.map(|(subject, _)| subject);
    let mut costs = figures(&cost, &models, &subjects, 1.0);
    for skill in 0..subjects.len() {
        let mean = costs.iter().map(|row| row[skill]).sum::<f64>() / models.len() as f64;
        costs.iter_mut().for_each(|row| row[skill] /= mean);
    }
    Roster {
        agents: models.iter().map(|model| plain(model)).collect(),
        skills: subjects.map(plain).to_vec(),
        shares: SUBJECTS.map(|(_, of_thirty)| of_thirty / 30.0).to_vec(),
        chances: figures(&flagship, &models, &subjects, 0.01),
        costs,
    }
}

fn figures(table: &Table, models: &[&str], columns: &[&str], unit: f64) -> Vec<Vec<f64>> {
    let cell = |model: &str, column: &str| table.at(model, column).unwrap_or(0.0) * unit;
    models.iter().map(|model| columns.iter().map(|column| cell(model, column)).collect()).collect()
}

/// A name as it may stand for an agent or a skill: small letters, digits and hyphens.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Best single agent, best at each skill, mean agent.
    fn headline(roster: &Roster) -> [f64; 3] {
        let qualities: Vec<f64> = roster.chances.iter().map(|row| weighted(row, &roster.shares)).collect();
        let most = |skill| roster.chances.iter().map(|row| row[skill]).fold(0.0, f64::max);
        let oracle: Vec<f64> = (0..roster.skills.len()).map(most).collect();
        [
            qualities[roster.best().unwrap()],
            weighted(&oracle, &roster.shares),
            qualities.iter().sum::<f64>() / qualities.len() as f64,
        ]
    }

    fn close(found: [f64; 3], wanted: [f64; 3]) -> bool {
        found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 0.0005)
    }

    #[test]
    fn the_pools_have_the_headline_figures_that_they_claim() {
        let (special, general) = (headline(&specialists()), headline(&generalists()));
        assert!(close(special, [0.6229, 0.6728, 0.5029]), "{special:?}");
        assert!(close(general, [0.6717, 0.6867, 0.5290]), "{general:?}");
    }

    #[test]
    fn every_cell_is_found_in_its_table() {
        for (pool, agents, skills) in [(Pool::Specialists, 6, 5), (Pool::Generalists, 12, 10)] {
            let roster = pool.roster();
            assert_eq!((roster.agents.len(), roster.skills.len()), (agents, skills));
            for table in [&roster.chances, &roster.costs] {
                assert_eq!(table.len(), agents);
                assert!(table.iter().all(|row| row.len() == skills && row.iter().all(|cell| *cell > 0.0)));
            }
            assert!((roster.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn costs_keep_the_ratios_of_their_table_and_have_mean_one() {
        let roster = generalists();
        let at = |name: &str| roster.agents.iter().position(|agent| agent == name).unwrap();
        let tau = roster.skills.iter().position(|skill| skill == "tau2-bench").unwrap();
        let ratio = roster.costs[at("claude-v4")][tau] / roster.costs[at("deepseek-v3")][tau];
        assert!((ratio - 103.72 / 6.92).abs() < 1e-9);
        for roster in [specialists(), roster] {
            for skill in 0..roster.skills.len() {
                let mean =
                    roster.costs.iter().map(|row| row[skill]).sum::<f64>() / roster.agents.len() as f64;
                assert!((mean - 1.0).abs() < 1e-9, "{mean}");
            }
        }
    }

    #[test]
    fn names_are_unique_and_plain() {
        for pool in Pool::ALL {
            let roster = pool.roster();
            for names in [&roster.agents, &roster.skills] {
                let unique: std::collections::BTreeSet<_> = names.iter().collect();
                assert_eq!(unique.len(), names.len());
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                assert!(names.iter().all(|name| name.chars().all(plain)));
            }
        }
    }
}

//! What another router would have decided where a recorded one did, and what that would have meant.

use std::collections::{BTreeMap, HashMap, VecDeque};

use baton_core::clock::Time;
use baton_core::id::DecisionId;
use baton_plugin::router::{Answer, Assignment, Attr, BATCH, Choice, Experience, Lesson, Router, Snapshot};
use baton_stats::offpolicy::{Judgement, Logged, Measure, Query, Refusal, judge};
use baton_store::read::routing::{self, Excerpt, Past};
use baton_store::{ReadError, Reader, Reading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::decide;
use crate::learning::lesson::experience;

/// What a router is tried on.
pub struct Trial<'a> {
    pub reader: &'a Reader,
    pub router: &'a Router,
    /// The operator's configuration of it.
    pub config: Vec<Attr>,
    pub span: Excerpt,
    /// Of the intervals, such as 0.95.
    pub level: f64,
}

/// What was asked and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Backtest {
    /// Decisions of the record that were made again.
    pub decisions: u64,
    /// Tasks that were assigned in them, and for which an estimate can use what became of them.
    pub rows: usize,
    /// Tasks that were assigned and are left out, by the reason.
    pub left_out: BTreeMap<LeftOut, u64>,
    pub acceptance: Option<Result<Judgement, Refusal>>,
    /// In milliseconds.
    pub latency: Option<Result<Judgement, Refusal>>,
    /// In millionths of the currency; none when some attempt's cost is unknown.
    pub cost: Option<Result<Judgement, Refusal>>,
    /// What the router under test got wrong, if it got anything wrong: these decisions are left out.
    pub failures: u64,
    pub first_failure: Option<String>,
}

/// Why a task that was assigned is no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LeftOut {
    /// Its attempt is not over, or ended without saying anything of the agent.
    NoVerdict,
    /// The agent that was chosen was gone, and another was taken.
    FellBack,
    /// The recorded answer does not give every candidate its chance.
    NoPropensities,
    /// The router under test would not have assigned it then.
    WouldWait,
}

/// How an attempt that a decision started went.
struct Settled {
    agent: String,
    accepted: bool,
    latency_ms: u64,
    cost_micros: Option<u64>,
}

/// All that the record says of attempts.
#[derive(Default)]
struct History {
    settled: HashMap<(DecisionId, String), Settled>,
    /// When each ended, and what a learner would be told of it; oldest first.
    experiences: VecDeque<(Time, Experience)>,
}

/// One task that was assigned, before rewards are predicted.
pub struct Row {
    pub task: String,
    skill: String,
    cluster: u64,
    chosen: usize,
    pub candidates: Vec<String>,
    logged: Vec<f64>,
    /// The chance of each candidate with the router under test.
    pub proposed: Vec<f64>,
    accepted: bool,
    latency_ms: u64,
    cost_micros: Option<u64>,
}

/// Why recorded decisions can't be made again.
#[derive(Debug, Error)]
pub enum BacktestError {
    /// Ask again where it is busy; `baton db check` says what is wrong where it is not.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// What was asked or answered is not what this version writes.
    #[error("decision {0} can't be read")]
    Decision(DecisionId),
}

/// Asks the router every recorded question of the span, in order, and lets it learn between them what it could have
/// known by then.
///
/// # Errors
/// The store can't be read.
pub fn backtest(trial: &Trial<'_>) -> Result<Backtest, BacktestError> {
    let (mut backtest, rows) = compared(trial)?;
    estimate(&rows, trial.level, &mut backtest);
    Ok(backtest)
}

/// The same without the estimates, and with what they are made of.
///
/// # Errors
/// The store can't be read.
pub fn compared(trial: &Trial<'_>) -> Result<(Backtest, Vec<Row>), BacktestError> {
    let mut history = recall(trial)?;
    let mut backtest = Backtest::default();
    let mut rows = Vec::new();
    let mut state = Vec::new();
    for id in routing::decisions(trial.reader, trial.span)? {
        let decided = routing::decision(trial.reader, id)?;
        backtest.decisions += 1;
        state = learn(trial, &mut history.experiences, decided.at, state);
        let Ok((asked, recorded)) = decide::recorded(&decided.input, &decided.answer) else {
            return Err(BacktestError::Decision(id));
        };
        let snapshot = Snapshot { state: state.clone(), config: trial.config.clone(), ..asked };
        match trial.router.route(&snapshot) {
            Ok(routed) => {
                state.clone_from(&routed.answer.state);
                compare(id, &snapshot, &recorded, &routed.answer, &history, &mut backtest, &mut rows);
            }
            Err(why) => {
                backtest.failures += 1;
                backtest.first_failure.get_or_insert_with(|| format!("decision {id}: {why}"));
            }
        }
    }
    backtest.rows = rows.len();
    Ok((backtest, rows))
}

fn recall(trial: &Trial<'_>) -> Reading<History> {
    let mut history = History::default();
    let teaching = trial.router.learns();
    routing::each_past(trial.reader, 0, |past| history.add(&past, teaching))?;
    Ok(history)
}

impl History {
    fn add(&mut self, past: &Past, teaching: bool) {
        let seen = &past.observation;
        if teaching {
            self.experiences.push_back((seen.ended, experience(past)));
        }
        if let Some(decision) = seen.decision {
            let settled = Settled {
                agent: past.agent.name.clone(),
                accepted: seen.verdict.is_accepted(),
                latency_ms: seen.latency_ms(),
                cost_micros: seen.cost_micros,
            };
            self.settled.insert((decision, past.spec.id.clone()), settled);
        }
    }
}

/// Tells the router what had ended by then. A lesson that it can't take is skipped, as it would have been.
fn learn(
    trial: &Trial<'_>,
    experiences: &mut VecDeque<(Time, Experience)>,
    by: Time,
    mut state: Vec<u8>,
) -> Vec<u8> {
    loop {
        let known = experiences.iter().take(BATCH).take_while(|(at, _)| *at <= by).count();
        if known == 0 {
            return state;
        }
        let told = experiences.drain(..known).map(|(_, experience)| experience).collect();
        let lesson = Lesson { experiences: told, config: trial.config.clone(), state };
        state = match trial.router.learn(&lesson) {
            Ok((state, _)) => state,
            Err(_) => lesson.state,
        };
    }
}

fn compare(
    id: DecisionId,
    snapshot: &Snapshot,
    recorded: &Answer,
    proposed: &Answer,
    history: &History,
    backtest: &mut Backtest,
    rows: &mut Vec<Row>,
) {
    for (index, request) in snapshot.requests.iter().enumerate() {
        let logged = recorded.decisions.get(index).map(|decision| &decision.choice);
        let Some(Choice::Assign(assignment)) = logged else { continue };
        let settled = history.settled.get(&(id, request.task.id.clone()));
        let asked = Asked { id, index, snapshot, assignment };
        match asked.row(proposed, settled) {
            Ok(row) => rows.push(row),
            Err(why) => *backtest.left_out.entry(why).or_default() += 1,
        }
    }
}

/// One request of a recorded decision, and what was answered.
struct Asked<'a> {
    id: DecisionId,
    index: usize,
    snapshot: &'a Snapshot,
    assignment: &'a Assignment,
}

impl Asked<'_> {
    fn row(&self, proposed: &Answer, settled: Option<&Settled>) -> Result<Row, LeftOut> {
        let request = &self.snapshot.requests[self.index];
        let candidates =
            self.snapshot.candidate_sets.get(request.candidates as usize).ok_or(LeftOut::NoPropensities)?;
        let settled = settled.ok_or(LeftOut::NoVerdict)?;
        let name = |agent: u32| self.snapshot.agents.get(agent as usize).map(|agent| agent.id.as_str());
        if name(self.assignment.agent) != Some(settled.agent.as_str()) {
            return Err(LeftOut::FellBack);
        }
        let chosen = candidates.iter().position(|agent| *agent == self.assignment.agent);
        let chosen = chosen.ok_or(LeftOut::NoPropensities)?;
        let logged = chances(candidates, self.assignment).ok_or(LeftOut::NoPropensities)?;
        let Some(Choice::Assign(other)) = proposed.decisions.get(self.index).map(|decision| &decision.choice)
        else {
            return Err(LeftOut::WouldWait);
        };
        Ok(Row {
            task: request.task.id.clone(),
            skill: skill(&request.task.skills, &request.task.prefers),
            cluster: self.id.0.unsigned_abs(),
            chosen,
            candidates: candidates.iter().filter_map(|agent| name(*agent)).map(str::to_owned).collect(),
            logged,
            proposed: chances(candidates, other).unwrap_or_else(|| certain(candidates, other.agent)),
            accepted: settled.accepted,
            latency_ms: settled.latency_ms,
            cost_micros: settled.cost_micros,
        })
    }
}

fn skill(required: &[String], preferred: &[String]) -> String {
    required.iter().chain(preferred).min().cloned().unwrap_or_else(|| "any".to_owned())
}

/// The chance of every candidate; none unless they add up.
fn chances(candidates: &[u32], assignment: &Assignment) -> Option<Vec<f64>> {
    let mut chances = vec![0.0; candidates.len()];
    for score in &assignment.scores {
        if let Ok(at) = candidates.binary_search(&score.agent) {
            chances[at] = score.propensity;
        }
    }
    ((chances.iter().sum::<f64>() - 1.0).abs() < 1e-3).then_some(chances)
}

/// For a router that says nothing of chances: it chose what it chose.
fn certain(candidates: &[u32], chosen: u32) -> Vec<f64> {
    candidates.iter().map(|agent| f64::from(u8::from(*agent == chosen))).collect()
}

/// What these rows say about the router under test.
#[expect(clippy::cast_precision_loss, reason = "times and amounts are far below 2^53")]
pub fn estimate(rows: &[Row], level: f64, backtest: &mut Backtest) {
    let question = |measure| Query { measure, level, clip: None };
    let accepted = |row: &Row| Some(f64::from(u8::from(row.accepted)));
    backtest.acceptance = judged(rows, accepted, question(Measure::Acceptance));
    let latency = |row: &Row| Some(row.latency_ms as f64);
    backtest.latency = burden(rows, latency, level);
    backtest.cost = burden(rows, |row| row.cost_micros.map(|cost| cost as f64), level);
}

fn burden(
    rows: &[Row],
    reward: impl Fn(&Row) -> Option<f64> + Copy,
    level: f64,
) -> Option<Result<Judgement, Refusal>> {
    let most = rows.iter().filter_map(reward).fold(0.0, f64::max);
    judged(rows, reward, Query { measure: Measure::Burden { most }, level, clip: None })
}

/// None when some row's reward is not known.
fn judged(
    rows: &[Row],
    reward: impl Fn(&Row) -> Option<f64>,
    question: Query,
) -> Option<Result<Judgement, Refusal>> {
    let rewards: Vec<f64> = rows.iter().map(reward).collect::<Option<_>>()?;
    let model = Model::of(rows, &rewards);
    let logged: Vec<Logged> = rows
        .iter()
        .zip(&rewards)
        .map(|(row, reward)| Logged {
            skill: row.skill.clone(),
            cluster: row.cluster,
            chosen: row.chosen,
            logged: row.logged.clone(),
            proposed: row.proposed.clone(),
            model: row.candidates.iter().map(|agent| model.predicts(row, agent)).collect(),
            reward: *reward,
        })
        .collect();
    Some(judge(&logged, &question))
}

/// Sums of rewards and how many there are of them.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    total: f64,
    count: f64,
}

impl Sum {
    fn add(&mut self, reward: f64) {
        self.total += reward;
        self.count += 1.0;
    }

    fn less(self, other: Self) -> Self {
        Self { total: self.total - other.total, count: self.count - other.count }
    }

    /// The mean, drawn towards `prior` as if that had been seen so often.
    fn towards(self, prior: f64, weight: f64) -> f64 {
        (self.total + weight * prior) / (self.count + weight)
    }
}

/// How much the mean of the wider group counts, in rows.
const PRIOR: f64 = 4.0;

/// Predicts a reward from the other decisions: by agent and skill, drawn towards the agent's mean, that towards the
/// mean of all. A row's own decision is taken out, so that it can't predict itself.
#[derive(Debug, Default)]
struct Model<'a> {
    all: Sum,
    agents: HashMap<&'a str, Sum>,
    cells: HashMap<(&'a str, &'a str), Sum>,
    of_cluster: HashMap<u64, Sum>,
    agents_of_cluster: HashMap<(u64, &'a str), Sum>,
    cells_of_cluster: HashMap<(u64, &'a str, &'a str), Sum>,
}

impl<'a> Model<'a> {
    fn of(rows: &'a [Row], rewards: &[f64]) -> Self {
        let mut model = Self::default();
        for (row, reward) in rows.iter().zip(rewards) {
            let (agent, skill) = (row.candidates[row.chosen].as_str(), row.skill.as_str());
            model.all.add(*reward);
            model.agents.entry(agent).or_default().add(*reward);
            model.cells.entry((agent, skill)).or_default().add(*reward);
            model.of_cluster.entry(row.cluster).or_default().add(*reward);
            model.agents_of_cluster.entry((row.cluster, agent)).or_default().add(*reward);
            model.cells_of_cluster.entry((row.cluster, agent, skill)).or_default().add(*reward);
        }
        model
    }

    fn predicts(&self, row: &Row, agent: &str) -> f64 {
        let found = |sum: Option<&Sum>| sum.copied().unwrap_or_default();
        let skill = row.skill.as_str();
        let all = self.all.less(found(self.of_cluster.get(&row.cluster)));
        let of_agent =
            found(self.agents.get(agent)).less(found(self.agents_of_cluster.get(&(row.cluster, agent))));
        let cell = found(self.cells.get(&(agent, skill))).less(found(self.cells_of_cluster.get(&(
            row.cluster,
            agent,
            skill,
        ))));
        cell.towards(of_agent.towards(all.towards(0.0, f64::MIN_POSITIVE), PRIOR), PRIOR)
    }
}

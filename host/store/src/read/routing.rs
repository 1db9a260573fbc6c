//! What routing learns from and is judged by: attempts that are over, decisions, lessons, and where routers stand.

use std::collections::HashMap;

use baton_core::agent::Card;
use baton_core::budget::Bill;
use baton_core::clock::Time;
use baton_core::event::Fact;
use baton_core::fault::Fault;
use baton_core::id::{AgentId, DecisionId, Epoch, RunId, TaskId};
use baton_core::knowledge::{Observation, OpenAttempt, Verdict};
use baton_core::op::{RouterChoice, TrialTerms};
use baton_core::plan::Workstream;
use baton_core::trial::Trial;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

use super::broken;

/// Where a router stands in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub state: Vec<u8>,
    /// All attempts that ended up to this event were told to it.
    pub learned: i64,
}

/// Where a router begins in a run: where it stood there, or, if it is new there and learns, where it has learned most.
///
/// # Errors
/// The store can't be read.
pub fn line(conn: &Connection, run: RunId, digest: &str) -> rusqlite::Result<Line> {
    let row = |row: &rusqlite::Row<'_>| Ok(Line { state: row.get(0)?, learned: row.get(1)? });
    let columns = "SELECT s.bytes, r.learned FROM routing r JOIN state s ON s.digest = r.state";
    let own = conn
        .prepare_cached(&format!("{columns} WHERE r.run_id = ?1 AND r.digest = ?2"))?
        .query_row(params![run.0, digest], row)
        .optional()?;
    let found = match own {
        Some(own) => Some(own),
        None => conn
            .prepare_cached(&format!(
                "{columns} WHERE r.digest = ?1 AND r.learned > 0 ORDER BY r.learned DESC, r.run_id DESC LIMIT 1"
            ))?
            .query_row([digest], row)
            .optional()?,
    };
    Ok(found.unwrap_or_default())
}

/// A decision as it was asked and answered; its states are apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub id: DecisionId,
    pub run: RunId,
    pub at: Time,
    pub router: RouterChoice,
    pub fuel: u64,
    /// JSON, without its state.
    pub input: String,
    pub answer: String,
    /// The state that it was given, and the digest of the one that it left.
    pub state: Vec<u8>,
    pub after: String,
}

/// A lesson as it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Taught {
    pub id: i64,
    pub run: RunId,
    pub router: RouterChoice,
    pub fuel: u64,
    pub input: String,
    pub state: Vec<u8>,
    pub after: String,
}

/// Which part of the record is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    pub run: Option<RunId>,
    pub since: Time,
    /// Without those that were made in the shadow of others.
    pub followed: bool,
}

/// Decisions of routers, not of the host's own, in their order.
///
/// # Errors
/// The store can't be read.
pub fn decisions(conn: &Connection, span: Excerpt) -> rusqlite::Result<Vec<DecisionId>> {
    let mut select = conn.prepare(
        "SELECT id FROM decision WHERE digest <> 'host' AND (?1 IS NULL OR run_id = ?1) AND at >= ?2 \
         AND (NOT ?3 OR shadow_of IS NULL) ORDER BY id",
    )?;
    let whose = params![span.run.map(|run| run.0), span.since.0, span.followed];
    let rows = select.query_map(whose, |row| row.get(0).map(DecisionId))?;
    rows.collect()
}

/// # Errors
/// The store can't be read, or has no such decision.
pub fn decision(conn: &Connection, id: DecisionId) -> rusqlite::Result<Decided> {
    let mut select = conn.prepare_cached(
        "SELECT d.run_id, d.at, d.router, d.digest, d.fuel, d.input, d.answer, s.bytes, d.state_after \
         FROM decision d JOIN state s ON s.digest = d.state_before WHERE d.id = ?1",
    )?;
    select.query_row([id.0], |row| {
        let (input, answer): (Vec<u8>, Vec<u8>) = (row.get(5)?, row.get(6)?);
        Ok(Decided {
            id,
            run: RunId(row.get(0)?),
            at: Time(row.get(1)?),
            router: RouterChoice { name: row.get(2)?, digest: row.get(3)? },
            fuel: row.get::<_, i64>(4)?.cast_unsigned(),
            input: String::from_utf8_lossy(&input).into_owned(),
            answer: String::from_utf8_lossy(&answer).into_owned(),
            state: row.get(7)?,
            after: row.get(8)?,
        })
    })
}

/// Lessons in their order.
///
/// # Errors
/// The store can't be read.
pub fn lessons(conn: &Connection, span: Excerpt) -> rusqlite::Result<Vec<i64>> {
    let mut select =
        conn.prepare("SELECT id FROM lesson WHERE (?1 IS NULL OR run_id = ?1) AND at >= ?2 ORDER BY id")?;
    select.query_map(params![span.run.map(|run| run.0), span.since.0], |row| row.get(0))?.collect()
}

/// # Errors
/// The store can't be read, or has no such lesson.
pub fn lesson(conn: &Connection, id: i64) -> rusqlite::Result<Taught> {
    let mut select = conn.prepare_cached(
        "SELECT l.run_id, l.router, l.digest, l.fuel, l.input, s.bytes, l.state_after \
         FROM lesson l JOIN state s ON s.digest = l.state_before WHERE l.id = ?1",
    )?;
    select.query_row([id], |row| {
        let input: Vec<u8> = row.get(4)?;
        Ok(Taught {
            id,
            run: RunId(row.get(0)?),
            router: RouterChoice { name: row.get(1)?, digest: row.get(2)? },
            fuel: row.get::<_, i64>(3)?.cast_unsigned(),
            input: String::from_utf8_lossy(&input).into_owned(),
            state: row.get(5)?,
            after: row.get(6)?,
        })
    })
}

/// The routers that decided or learned, by name and digest.
///
/// # Errors
/// The store can't be read.
pub fn routers(conn: &Connection, span: Excerpt) -> rusqlite::Result<Vec<RouterChoice>> {
    let mut select = conn.prepare(
        "SELECT router, digest FROM decision WHERE digest <> 'host' AND (?1 IS NULL OR run_id = ?1) AND at >= ?2 \
         UNION SELECT router, digest FROM lesson WHERE (?1 IS NULL OR run_id = ?1) AND at >= ?2 ORDER BY 1, 2",
    )?;
    let rows = select.query_map(params![span.run.map(|run| run.0), span.since.0], |row| {
        Ok(RouterChoice { name: row.get(0)?, digest: row.get(1)? })
    })?;
    rows.collect()
}

/// A router on trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialRow {
    pub id: i64,
    pub router: RouterChoice,
    pub terms: TrialTerms,
    pub started: Time,
    /// When its stage began.
    pub moved: Time,
    pub ended: Option<Time>,
    pub ending: Option<String>,
}

impl TrialRow {
    #[must_use]
    pub fn trial(&self) -> Trial {
        Trial { id: self.id, stage: self.terms.stage, alpha: self.terms.alpha, guards: self.terms.guards }
    }
}

/// Trials, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn trials(conn: &Connection) -> rusqlite::Result<Vec<TrialRow>> {
    let mut select = conn.prepare(
        "SELECT id, router, digest, terms, started_at, moved_at, ended_at, ending FROM trial ORDER BY id",
    )?;
    let rows = select.query_map([], |row| {
        let terms: String = row.get(3)?;
        Ok(TrialRow {
            id: row.get(0)?,
            router: RouterChoice { name: row.get(1)?, digest: row.get(2)? },
            terms: serde_json::from_str(&terms).map_err(broken)?,
            started: Time(row.get(4)?),
            moved: Time(row.get(5)?),
            ended: row.get::<_, Option<i64>>(6)?.map(Time),
            ending: row.get(7)?,
        })
    })?;
    rows.collect()
}

/// The trial that goes on, if one does.
///
/// # Errors
/// The store can't be read.
pub fn trial(conn: &Connection) -> rusqlite::Result<Option<TrialRow>> {
    Ok(trials(conn)?.pop().filter(|trial| trial.ended.is_none()))
}

/// The router that was promoted, if one was.
///
/// # Errors
/// The store can't be read.
pub fn office(conn: &Connection) -> rusqlite::Result<Option<RouterChoice>> {
    let json: Option<String> =
        conn.query_row("SELECT value FROM meta WHERE key = 'router'", [], |row| row.get(0)).optional()?;
    json.map(|json| serde_json::from_str(&json)).transpose().map_err(broken)
}

/// The decisions of a router on trial in the shadow of others, each with the one that was followed.
///
/// # Errors
/// The store can't be read.
pub fn shadows(conn: &Connection, trial: i64) -> rusqlite::Result<Vec<(DecisionId, DecisionId)>> {
    let mut select = conn.prepare(
        "SELECT id, shadow_of FROM decision WHERE trial_id = ?1 AND shadow_of IS NOT NULL ORDER BY id",
    )?;
    select.query_map([trial], |row| Ok((DecisionId(row.get(0)?), DecisionId(row.get(1)?))))?.collect()
}

/// An attempt that is over, with what else a learner wants to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    pub observation: Observation,
    pub spec: Workstream,
    /// Attempts charged before it.
    pub tries: u32,
    pub agent: Card,
    /// When the task was submitted.
    pub created: Time,
}

/// Attempts that are read at a time.
const PAGE: usize = 1000;

/// Shows every attempt that ended after this event, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn each_past(conn: &Connection, mut after: i64, mut show: impl FnMut(Past)) -> rusqlite::Result<()> {
    loop {
        let (attempts, upto) = past(conn, after, PAGE)?;
        attempts.into_iter().for_each(&mut show);
        if upto == after {
            return Ok(());
        }
        after = upto;
    }
}

/// Attempts that ended after this event, oldest first, at most `limit`, and the event up to which was looked. The same
/// ones as [`baton_core::knowledge::OpenAttempts`] folds: one that asked a person was over by then, whatever became of its task.
///
/// # Errors
/// The store can't be read.
pub fn past(conn: &Connection, after: i64, limit: usize) -> rusqlite::Result<(Vec<Past>, i64)> {
    // Before the attempts are read: what is committed meanwhile must not count as looked at.
    let newest = super::history::last_seq(conn)?;
    let mut select = conn.prepare_cached(
        "SELECT e.seq, e.at, e.run_id, e.task_id, e.fact, a.epoch, a.agent_id, a.decision_id, a.started_at, \
                a.claimed_at, a.bill, b.spec, t.created_at, \
                CASE WHEN a.epoch = 1 THEN 0 ELSE \
                (SELECT count(*) FROM attempt o WHERE o.task_id = a.task_id AND o.epoch < a.epoch \
                 AND o.ending NOT IN ('released', 'rate-limited', 'cancelled', 'asked')) END \
         FROM event e \
         JOIN attempt a ON a.task_id = e.task_id AND a.epoch = e.epoch - (e.kind <> 'accepted') \
         JOIN body b ON b.task_id = e.task_id JOIN task t ON t.id = e.task_id \
         WHERE e.seq > ?1 AND e.kind IN ('accepted', 'retrying', 'failed') AND a.agent_id IS NOT NULL \
         AND a.ending <> 'asked' \
         ORDER BY e.seq LIMIT ?2",
    )?;
    let mut rows = select.query(params![after, i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let (mut found, mut seen, mut upto) = (Vec::new(), 0, after);
    let mut cards = HashMap::new();
    while let Some(row) = rows.next()? {
        seen += 1;
        upto = row.get(0)?;
        let fact: Vec<u8> = row.get(4)?;
        if let Some((verdict, quality)) = said(&serde_json::from_slice(&fact).map_err(broken)?) {
            found.push(read(conn, row, &mut cards, verdict, quality)?);
        }
    }
    if seen < limit {
        upto = newest.max(upto);
    }
    Ok((found, upto))
}

/// What an event says of the attempt that it ended.
fn said(fact: &Fact) -> Option<(Verdict, Option<f64>)> {
    let failed = |fault: &Fault| Some((Verdict::of(fault)?, None));
    match fact {
        Fact::Accepted { quality, .. } => Some((Verdict::Accepted, *quality)),
        Fact::Retrying { fault, charged: true, .. } | Fact::Failed { fault } => failed(fault),
        _ => None,
    }
}

/// Of agents that were met.
type Cards = HashMap<AgentId, Card>;

fn card(conn: &Connection, cards: &mut Cards, agent: AgentId) -> rusqlite::Result<Card> {
    if let Some(card) = cards.get(&agent) {
        return Ok(card.clone());
    }
    let mut select = conn.prepare_cached("SELECT card FROM agent WHERE id = ?1")?;
    let json: String = select.query_row([agent.0], |row| row.get(0))?;
    let card: Card = serde_json::from_str(&json).map_err(broken)?;
    cards.insert(agent, card.clone());
    Ok(card)
}

fn read(
    conn: &Connection,
    row: &rusqlite::Row<'_>,
    cards: &mut Cards,
    verdict: Verdict,
    quality: Option<f64>,
) -> rusqlite::Result<Past> {
    let (spec, bill): (Vec<u8>, Option<String>) = (row.get(11)?, row.get(10)?);
    let spec: Workstream = serde_json::from_slice(&spec).map_err(broken)?;
    let bill: Option<Bill> = bill.map(|json| serde_json::from_str(&json)).transpose().map_err(broken)?;
    let ended = Time(row.get(1)?);
    let observation = Observation {
        seq: row.get(0)?,
        run: RunId(row.get(2)?),
        task: TaskId(row.get(3)?),
        epoch: Epoch(row.get(5)?),
        agent: AgentId(row.get(6)?),
        decision: row.get::<_, Option<i64>>(7)?.map(DecisionId),
        skills: spec.terms().all_skills(),
        verdict,
        started: Time(row.get(8)?),
        worked_until: row.get::<_, Option<i64>>(9)?.map_or(ended, Time),
        ended,
        cost_micros: bill.as_ref().and_then(OpenAttempt::cost),
        quality,
    };
    let agent = card(conn, cards, observation.agent)?;
    Ok(Past { observation, spec, tries: row.get(13)?, agent, created: Time(row.get(12)?) })
}

/// The newest run in which a router with this content failed and gave way, and why it did.
///
/// # Errors
/// The store can't be read.
pub fn gave_way(conn: &Connection, digest: &str) -> rusqlite::Result<Option<(RunId, String)>> {
    let mut select = conn.prepare_cached(
        "SELECT r.id, (SELECT json_extract(CAST(e.fact AS TEXT), '$.why') FROM event e \
                       WHERE e.run_id = r.id AND e.kind = 'router-rolled-back' ORDER BY e.seq DESC LIMIT 1) AS why \
         FROM run r WHERE json_extract(r.router_before, '$.digest') = ?1 AND why IS NOT NULL ORDER BY r.id DESC LIMIT 1",
    )?;
    select.query_row([digest], |row| Ok((RunId(row.get(0)?), row.get(1)?))).optional()
}

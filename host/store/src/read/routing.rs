//! What routing learns from and is judged by: attempts that are over, decisions, lessons, and where routers stand.

use std::collections::HashMap;

use const_format::formatcp;
use rusqlite::{Row, params};
use serde::Serialize;

use super::{json, present, text_json};
use crate::codec;
use crate::codec::ending::{ASKED, CANCELLED, RATE_LIMITED, RELEASED};
use crate::error::{ReadError, Reading};
use crate::reader::Reader;
use baton_core::agent::Card;
use baton_core::budget::Bill;
use baton_core::clock::Time;
use baton_core::event::{Fact, TrialEnding};
use baton_core::fault::Fault;
use baton_core::id::{AgentId, DecisionId, Epoch, RunId, TaskId};
use baton_core::knowledge::{Observation, OpenAttempt, Verdict};
use baton_core::op::{RouterChoice, TrialTerms};
use baton_core::plan::Workstream;
use baton_core::trial::Trial;

/// Where a router stands in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouterCursor {
    /// What it left for its next call.
    pub state: Vec<u8>,
    /// All attempts that ended up to this event were told to it.
    pub learned: i64,
}

/// Where a router begins in a run: where it stood there, or, if it is new there and learns, where it has learned most.
///
/// # Errors
/// The store can't be read.
pub fn cursor(reader: &Reader, run: RunId, digest: &str) -> Reading<RouterCursor> {
    let row = |row: &Row<'_>| Ok(RouterCursor { state: row.get(0)?, learned: row.get(1)? });
    let columns = "SELECT s.bytes, r.learned FROM routing r JOIN state s ON s.digest = r.state";
    let own = format!("{columns} WHERE r.run_id = ?1 AND r.digest = ?2");
    if let Some(own) = reader.first(&own, params![run.0, digest], row)? {
        return Ok(own);
    }
    let elsewhere = format!(
        "{columns} WHERE r.digest = ?1 AND r.learned > 0 ORDER BY r.learned DESC, r.run_id DESC LIMIT 1"
    );
    Ok(reader.first(&elsewhere, [digest], row)?.unwrap_or_default())
}

/// A decision as it was asked and answered; its states are apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// Its number, `d1`.
    pub id: DecisionId,
    /// The run that it was made for.
    pub run: RunId,
    /// When it was recorded.
    pub at: Time,
    /// Who decided.
    pub router: RouterChoice,
    /// What the call used up, in wasmtime's units.
    pub fuel: u64,
    /// JSON, without its state.
    pub input: String,
    /// JSON, without the state that it left.
    pub answer: String,
    /// The state that it was given, and the digest of the one that it left.
    pub state: Vec<u8>,
    /// The digest of the state that it left.
    pub after: String,
}

/// A lesson as it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Taught {
    /// Its number.
    pub id: i64,
    /// The run that it was given in.
    pub run: RunId,
    /// Who learned.
    pub router: RouterChoice,
    /// What the call used up, in wasmtime's units.
    pub fuel: u64,
    /// JSON: the experiences and the configuration.
    pub input: String,
    /// The state that it was given.
    pub state: Vec<u8>,
    /// The digest of the state that it left.
    pub after: String,
}

/// Which part of the record is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// Of this run alone, or of all.
    pub run: Option<RunId>,
    /// From this moment on.
    pub since: Time,
    /// Without those that were made in the shadow of others.
    pub followed: bool,
}

/// Decisions of routers, not of the host's own, in their order.
///
/// # Errors
/// The store can't be read.
pub fn decisions(reader: &Reader, span: Excerpt) -> Reading<Vec<DecisionId>> {
    let sql = "SELECT id FROM decision WHERE digest <> 'host' AND (?1 IS NULL OR run_id = ?1) AND at >= ?2 \
               AND (NOT ?3 OR shadow_of IS NULL) ORDER BY id";
    let whose = params![span.run.map(|run| run.0), span.since.0, span.followed];
    reader.all(sql, whose, |row| row.get(0).map(DecisionId))
}

/// # Errors
/// The store can't be read, or has no such decision.
pub fn decision(reader: &Reader, id: DecisionId) -> Reading<Decided> {
    let sql = "SELECT d.run_id, d.at, d.router, d.digest, d.fuel, d.input, d.answer, s.bytes, d.state_after \
               FROM decision d JOIN state s ON s.digest = d.state_before WHERE d.id = ?1";
    let found = reader.first(sql, [id.0], |row| {
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
    })?;
    found.ok_or_else(|| ReadError::NotFound(format!("decision {id} whose state is there")))
}

/// Lessons in their order.
///
/// # Errors
/// The store can't be read.
pub fn lessons(reader: &Reader, span: Excerpt) -> Reading<Vec<i64>> {
    let sql = "SELECT id FROM lesson WHERE (?1 IS NULL OR run_id = ?1) AND at >= ?2 ORDER BY id";
    reader.all(sql, params![span.run.map(|run| run.0), span.since.0], |row| row.get(0))
}

/// # Errors
/// The store can't be read, or has no such lesson.
pub fn lesson(reader: &Reader, id: i64) -> Reading<Taught> {
    let sql = "SELECT l.run_id, l.router, l.digest, l.fuel, l.input, s.bytes, l.state_after \
               FROM lesson l JOIN state s ON s.digest = l.state_before WHERE l.id = ?1";
    let found = reader.first(sql, [id], |row| {
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
    })?;
    found.ok_or_else(|| ReadError::NotFound(format!("lesson {id} whose state is there")))
}

/// The routers that decided or learned, by name and digest.
///
/// # Errors
/// The store can't be read.
pub fn routers(reader: &Reader, span: Excerpt) -> Reading<Vec<RouterChoice>> {
    let sql = "SELECT router, digest FROM decision WHERE digest <> 'host' AND (?1 IS NULL OR run_id = ?1) AND at >= ?2 \
               UNION SELECT router, digest FROM lesson WHERE (?1 IS NULL OR run_id = ?1) AND at >= ?2 ORDER BY 1, 2";
    reader.all(sql, params![span.run.map(|run| run.0), span.since.0], |row| {
        Ok(RouterChoice { name: row.get(0)?, digest: row.get(1)? })
    })
}

/// A router on trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialRow {
    /// Its number.
    pub id: i64,
    /// The router that is tried.
    pub router: RouterChoice,
    /// Its phase, and what ends it.
    pub terms: TrialTerms,
    /// When it began.
    pub started: Time,
    /// When its stage began.
    pub moved: Time,
    /// When it was over.
    pub ended: Option<Time>,
    /// What became of it, once it is over.
    pub ending: Option<TrialEnding>,
}

impl TrialRow {
    /// What the arms of its tasks are drawn from.
    #[must_use]
    pub fn trial(&self) -> Trial {
        Trial { id: self.id, stage: self.terms.stage, alpha: self.terms.alpha, guards: self.terms.guards }
    }
}

const TRIAL: &str = "SELECT id, router, digest, terms, started_at, moved_at, ended_at, ending FROM trial";

fn trial_row(row: &Row<'_>) -> rusqlite::Result<TrialRow> {
    Ok(TrialRow {
        id: row.get(0)?,
        router: RouterChoice { name: row.get(1)?, digest: row.get(2)? },
        terms: present(text_json(row, 3)?, 3)?,
        started: Time(row.get(4)?),
        moved: Time(row.get(5)?),
        ended: row.get::<_, Option<i64>>(6)?.map(Time),
        ending: codec::word_at(row, 7, "ending of a trial")?,
    })
}

/// Trials, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn trials(reader: &Reader) -> Reading<Vec<TrialRow>> {
    reader.all(formatcp!("{TRIAL} ORDER BY id"), [], trial_row)
}

/// The trial that goes on, if one does.
///
/// # Errors
/// The store can't be read.
pub fn trial(reader: &Reader) -> Reading<Option<TrialRow>> {
    let newest = reader.first(formatcp!("{TRIAL} ORDER BY id DESC LIMIT 1"), [], trial_row)?;
    Ok(newest.filter(|trial| trial.ended.is_none()))
}

/// The router that was promoted, if one was.
///
/// # Errors
/// The store can't be read.
pub fn office(reader: &Reader) -> Reading<Option<RouterChoice>> {
    let found = reader.first("SELECT value FROM meta WHERE key = 'router'", [], |row| text_json(row, 0))?;
    Ok(found.flatten())
}

/// The decisions of a router on trial in the shadow of others, each with the one that was followed.
///
/// # Errors
/// The store can't be read.
pub fn shadows(reader: &Reader, trial: i64) -> Reading<Vec<(DecisionId, DecisionId)>> {
    let sql = "SELECT id, shadow_of FROM decision WHERE trial_id = ?1 AND shadow_of IS NOT NULL ORDER BY id";
    reader.all(sql, [trial], |row| Ok((DecisionId(row.get(0)?), DecisionId(row.get(1)?))))
}

/// An attempt that is over, with what else a learner wants to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// What became of it, and how it went.
    pub observation: Observation,
    /// What the task asked for.
    pub spec: Workstream,
    /// Attempts charged before it.
    pub tries: u32,
    /// Who worked.
    pub agent: Card,
    /// When the task was submitted.
    pub created: Time,
}

const PAST: &str = formatcp!(
    "SELECT e.seq, e.at, e.run_id, e.task_id, e.fact, a.epoch, a.agent_id, a.decision_id, a.started_at, \
            a.claimed_at, a.bill, s.spec, t.created_at, \
            CASE WHEN a.epoch = 1 THEN 0 ELSE \
            (SELECT count(*) FROM attempt o WHERE o.task_id = a.task_id AND o.epoch < a.epoch \
             AND o.ending NOT IN ('{RELEASED}', '{RATE_LIMITED}', '{CANCELLED}', '{ASKED}')) END \
     FROM event e \
     JOIN attempt a ON a.task_id = e.task_id AND a.epoch = e.epoch - (e.kind <> 'accepted') \
     JOIN task_spec s ON s.task_id = e.task_id JOIN task t ON t.id = e.task_id \
     WHERE e.seq > ?1 AND e.kind IN ('accepted', 'retrying', 'failed') AND a.agent_id IS NOT NULL \
     AND a.ending <> '{ASKED}' \
     ORDER BY e.seq LIMIT ?2"
);

/// Attempts that are read at a time.
const PAGE: usize = 1000;

/// Shows every attempt that ended after this event, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn each_past(reader: &Reader, mut after: i64, mut show: impl FnMut(Past)) -> Reading<()> {
    loop {
        let (attempts, upto) = past(reader, after, PAGE)?;
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
pub fn past(reader: &Reader, after: i64, limit: usize) -> Reading<(Vec<Past>, i64)> {
    // Before the attempts are read: what is committed meanwhile must not count as looked at.
    let newest = super::history::last_seq(reader)?;
    let mut select = reader.conn.prepare_cached(PAST)?;
    let mut rows = select.query(params![after, i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let (mut found, mut seen, mut upto) = (Vec::new(), 0, after);
    let mut cards = HashMap::new();
    while let Some(row) = rows.next()? {
        seen += 1;
        upto = row.get(0)?;
        if let Some((verdict, quality)) = said(&present(json(row, 4)?, 4)?) {
            found.push(read(reader, row, &mut cards, verdict, quality)?);
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

fn card(reader: &Reader, cards: &mut Cards, agent: AgentId) -> Reading<Card> {
    if let Some(card) = cards.get(&agent) {
        return Ok(card.clone());
    }
    let found = reader.first("SELECT card FROM agent WHERE id = ?1", [agent.0], |row| text_json(row, 0))?;
    let card: Card = found.flatten().ok_or_else(|| ReadError::NotFound(format!("agent {agent}")))?;
    cards.insert(agent, card.clone());
    Ok(card)
}

fn read(
    reader: &Reader,
    row: &Row<'_>,
    cards: &mut Cards,
    verdict: Verdict,
    quality: Option<f64>,
) -> Reading<Past> {
    let spec: Workstream = present(json(row, 11)?, 11)?;
    let bill: Option<Bill> = text_json(row, 10)?;
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
    let agent = card(reader, cards, observation.agent)?;
    Ok(Past { observation, spec, tries: row.get(13)?, agent, created: Time(row.get(12)?) })
}

/// The newest run in which a router with this content failed and gave way, and why it did.
///
/// # Errors
/// The store can't be read.
pub fn gave_way(reader: &Reader, digest: &str) -> Reading<Option<(RunId, String)>> {
    let sql = "SELECT r.id, (SELECT json_extract(CAST(e.fact AS TEXT), '$.why') FROM event e \
                             WHERE e.run_id = r.id AND e.kind = 'router-rolled-back' ORDER BY e.seq DESC LIMIT 1) AS why \
               FROM run r WHERE json_extract(r.router_before, '$.digest') = ?1 AND why IS NOT NULL \
               ORDER BY r.id DESC LIMIT 1";
    reader.first(sql, [digest], |row| Ok((RunId(row.get(0)?), row.get(1)?)))
}

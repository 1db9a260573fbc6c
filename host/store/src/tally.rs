//! The rows of what is known of agents' work: read when first touched, written once for each group of operations.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::codec;
use super::read::broken;
use baton_core::budget::Bill;
use baton_core::clock::Time;
use baton_core::ending::Ending;
use baton_core::id::{AgentId, DecisionId, Epoch, TaskId};
use baton_core::knowledge::{Observation, OpenAttempt, Tally};
use baton_core::learning::Part;

type Cell = (AgentId, String);

/// Cells that are kept from one group of operations to the next; the others are read again.
const KEPT: usize = 16_384;

#[derive(Debug, Default)]
pub(super) struct Tallies {
    known: HashMap<Cell, Tally>,
    changed: BTreeSet<Cell>,
}

impl Tallies {
    pub(super) fn add(&mut self, conn: &Connection, observed: &[Observation]) -> rusqlite::Result<()> {
        if observed.is_empty() {
            return Ok(());
        }
        let _metered = Part::Statistics.begin();
        for observation in observed {
            for skill in observation.cells() {
                let cell = (observation.agent, skill.to_owned());
                if !self.known.contains_key(&cell) {
                    self.known.insert(cell.clone(), stored(conn, &cell)?.unwrap_or_default());
                }
                if let Some(tally) = self.known.get_mut(&cell) {
                    tally.add(observation);
                }
                self.changed.insert(cell);
            }
        }
        Ok(())
    }

    pub(super) fn write(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let _metered = Part::Statistics.begin();
        for cell in std::mem::take(&mut self.changed) {
            let json = serde_json::to_string(&self.known[&cell]).map_err(broken)?;
            let mut upsert = conn.prepare_cached(
                "INSERT INTO tally (agent_id, skill, tally) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (agent_id, skill) DO UPDATE SET tally = excluded.tally",
            )?;
            upsert.execute(params![cell.0.0, cell.1, json])?;
        }
        if self.known.len() > KEPT {
            self.known.clear();
        }
        Ok(())
    }
}

fn stored(conn: &Connection, (agent, skill): &Cell) -> rusqlite::Result<Option<Tally>> {
    let mut select = conn.prepare_cached("SELECT tally FROM tally WHERE agent_id = ?1 AND skill = ?2")?;
    let json: Option<String> = select.query_row(params![agent.0, skill], |row| row.get(0)).optional()?;
    json.map(|json| serde_json::from_str(&json)).transpose().map_err(broken)
}

/// The newest attempt of a task, if an agent makes it.
pub(super) fn open(conn: &Connection, task: TaskId) -> rusqlite::Result<Option<OpenAttempt>> {
    let mut select = conn.prepare_cached(
        "SELECT epoch, agent_id, decision_id, started_at, claimed_at, ending, bill FROM attempt \
         WHERE task_id = ?1 ORDER BY epoch DESC LIMIT 1",
    )?;
    let mut rows = select.query([task.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let agent: Option<i64> = row.get(1)?;
    let goes_on = codec::ending_at(row, 5)?.is_none_or(|ending| ending == Ending::Claimed);
    let Some(agent) = agent.filter(|_| goes_on) else { return Ok(None) };
    let bill: Option<String> = row.get(6)?;
    let bill: Option<Bill> = bill.map(|json| serde_json::from_str(&json)).transpose().map_err(broken)?;
    Ok(Some(OpenAttempt {
        epoch: Epoch(row.get(0)?),
        agent: AgentId(agent),
        decision: row.get::<_, Option<i64>>(2)?.map(DecisionId),
        started: Time(row.get(3)?),
        claimed: row.get::<_, Option<i64>>(4)?.map(Time),
        cost_micros: bill.as_ref().and_then(OpenAttempt::cost),
    }))
}

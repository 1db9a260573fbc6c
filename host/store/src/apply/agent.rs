//! Operations on what is registered: agents, plugins.

use const_format::formatcp;
use rusqlite::{OptionalExtension as _, ToSql, params};

use super::Applying;
use crate::batch::Batch;
use crate::codec::{IS_LIVE, RUNNING};
use crate::error::ApplyError;
use crate::seal::Section;
use baton_core::agent::breaker::Breaker;
use baton_core::agent::{Card, Standing};
use baton_core::event::Fact;
use baton_core::id::AgentId;
use baton_core::op::{Change, PluginRow, Reply};

/// Registers an agent, or gives a registered one its new card.
pub(super) fn put(batch: &mut Batch<'_>, mut card: Card) -> Applying {
    card.skills.sort();
    card.skills.dedup();
    card.tracks.sort();
    card.tracks.dedup();
    if card.capacity == 0 {
        return Err(ApplyError::invalid(format!("agent {} needs a capacity of at least 1", card.name)));
    }
    let json = to_json(&card)?;
    let known: Option<(i64, String, bool)> = batch
        .conn
        .query_row("SELECT id, card, removed FROM agent WHERE name = ?1", [&card.name], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let id = match &known {
        Some((id, same, false)) if *same == json => return Ok(Reply::Agent(AgentId(*id))),
        Some((id, _, _)) => {
            batch.conn.execute(
                "UPDATE agent SET card = ?2, removed = 0, draining = 0 WHERE id = ?1",
                params![id, json],
            )?;
            *id
        }
        None => {
            let breaker = to_json(&Breaker::default())?;
            batch.conn.execute(
                "INSERT INTO agent (name, card, draining, breaker) VALUES (?1, ?2, 0, ?3)",
                params![card.name, json, breaker],
            )?;
            let id = batch.conn.last_insert_rowid();
            batch.seal(None, Section::AgentBreaker, &[&id], &[&breaker])?;
            id
        }
    };
    batch.seal(None, Section::AgentCard, &[&id], &[&card.name, &json])?;
    batch.seal_gone(None, Section::AgentDraining, &[&id])?;
    batch.seal_gone(None, Section::AgentRemoved, &[&id])?;
    batch.agents.insert(AgentId(id));
    batch.append(None, None, &Fact::AgentRegistered { agent: AgentId(id), name: card.name })?;
    Ok(Reply::Agent(AgentId(id)))
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String, ApplyError> {
    serde_json::to_string(value).map_err(ApplyError::invalid)
}

fn changed(count: usize, agent: AgentId) -> Result<(), ApplyError> {
    if count == 0 { Err(ApplyError::not_found(format!("agent {agent}"))) } else { Ok(()) }
}

pub(super) fn set_standing(batch: &mut Batch<'_>, agent: AgentId, standing: Standing) -> Applying {
    let draining = match standing {
        Standing::Active => false,
        Standing::Draining => true,
    };
    changed(
        batch.conn.execute("UPDATE agent SET draining = ?2 WHERE id = ?1", params![agent.0, draining])?,
        agent,
    )?;
    batch.seal(None, Section::AgentDraining, &[&agent.0], &[&draining.then_some(true)])?;
    batch.agents.insert(agent);
    batch.append(
        None,
        None,
        &if draining { Fact::AgentDraining { agent } } else { Fact::AgentResumed { agent } },
    )?;
    Ok(Reply::Agent(agent))
}

/// Takes an agent out of the registry. Its row stays, because attempts refer to it.
pub(super) fn remove(batch: &mut Batch<'_>, agent: AgentId) -> Applying {
    let running: u32 = batch.conn.query_row(
        formatcp!("SELECT count(*) FROM task WHERE {IS_LIVE} AND state = {RUNNING} AND agent_id = ?1"),
        [agent.0],
        |row| row.get(0),
    )?;
    if running > 0 {
        return Err(ApplyError::invalid(format!("it runs {running} tasks: drain it first")));
    }
    changed(
        batch.conn.execute("UPDATE agent SET removed = 1 WHERE id = ?1 AND removed = 0", [agent.0])?,
        agent,
    )?;
    batch.seal(None, Section::AgentRemoved, &[&agent.0], &[&true])?;
    batch.agents.insert(agent);
    batch.append(None, None, &Fact::AgentRemoved { agent })?;
    Ok(Reply::Agent(agent))
}

pub(super) fn move_breaker(batch: &mut Batch<'_>, agent: AgentId, breaker: Breaker, why: String) -> Applying {
    let json = to_json(&breaker)?;
    changed(
        batch.conn.execute("UPDATE agent SET breaker = ?2 WHERE id = ?1", params![agent.0, json])?,
        agent,
    )?;
    batch.seal(None, Section::AgentBreaker, &[&agent.0], &[&json])?;
    batch.agents.insert(agent);
    batch.append(None, None, &Fact::BreakerMoved { agent, breaker, why })?;
    Ok(Reply::Agent(agent))
}

pub(super) fn put_plugin(batch: &mut Batch<'_>, plugin: &PluginRow) -> Applying {
    let (kind, grants) = (plugin.kind.as_str(), to_json(&plugin.grants)?);
    batch.conn.execute(
        "INSERT INTO plugin (name, kind, digest, grants, added_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, digest = excluded.digest, grants = excluded.grants, \
         added_at = excluded.added_at",
        params![plugin.name, kind, plugin.digest, grants, batch.now.0],
    )?;
    let now = batch.now.0;
    let columns: [&dyn ToSql; 4] = [&kind, &plugin.digest, &grants, &now];
    batch.seal(None, Section::Plugin, &[&plugin.name], &columns)?;
    batch.also.push(Change::Plugins);
    let PluginRow { name, digest, grants, .. } = plugin.clone();
    batch.append(None, None, &Fact::PluginAdded { name, digest, grants })?;
    Ok(Reply::Done)
}

pub(super) fn remove_plugin(batch: &mut Batch<'_>, name: String) -> Applying {
    if batch.conn.execute("DELETE FROM plugin WHERE name = ?1", [&name])? == 0 {
        return Err(ApplyError::not_found(format!("plugin {name}")));
    }
    batch.seal_gone(None, Section::Plugin, &[&name])?;
    batch.also.push(Change::Plugins);
    batch.append(None, None, &Fact::PluginRemoved { name })?;
    Ok(Reply::Done)
}

//! Routers on trial, and the one that runs have.

use rusqlite::{OptionalExtension as _, params};

use super::Applying;
use super::run::use_router;
use crate::batch::Batch;
use crate::error::ApplyError;
use crate::seal::Section;
use baton_core::event::{Fact, TrialEnding};
use baton_core::id::RunId;
use baton_core::op::{Change, Reply, RouterChange, RouterChoice, TrialTerms};
use baton_core::trial::TrialPhase;

pub(super) fn start(batch: &mut Batch<'_>, router: RouterChoice, terms: &TrialTerms) -> Applying {
    let going_on: Option<(i64, String)> = batch
        .conn
        .query_row("SELECT id, router FROM trial WHERE ended_at IS NULL", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some((_, other)) = going_on {
        return Err(ApplyError::invalid(format!(
            "{other} is on trial: promote it or roll it back first (baton router status)"
        )));
    }
    let json = serde_json::to_string(terms).map_err(ApplyError::invalid)?;
    batch.conn.execute(
        "INSERT INTO trial (router, digest, terms, started_at, moved_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        params![router.name, router.digest, json, batch.now.0],
    )?;
    let trial = batch.conn.last_insert_rowid();
    let now = batch.now.0;
    batch.seal(None, Section::TrialStarted, &[&trial], &[&router.name, &router.digest, &now])?;
    batch.seal(None, Section::TrialStage, &[&trial], &[&json, &now])?;
    let RouterChoice { name: router, digest } = router;
    batch.also.push(Change::Trial);
    batch.append(None, None, &Fact::TrialStarted { trial, router, digest, stage: terms.stage })?;
    Ok(Reply::Done)
}

fn going_on(batch: &Batch<'_>, trial: i64) -> Result<(RouterChoice, TrialTerms), ApplyError> {
    let found: Option<(String, String, String)> = batch
        .conn
        .query_row(
            "SELECT router, digest, terms FROM trial WHERE id = ?1 AND ended_at IS NULL",
            [trial],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let (name, digest, terms) =
        found.ok_or_else(|| ApplyError::not_found(format!("trial {trial} that still goes on")))?;
    let terms = serde_json::from_str(&terms)
        .map_err(|why| ApplyError::corrupt(&format!("the terms of trial {trial}"), why))?;
    Ok((RouterChoice { name, digest }, terms))
}

pub(super) fn advance(batch: &mut Batch<'_>, trial: i64, stage: TrialPhase) -> Applying {
    let (_, terms) = going_on(batch, trial)?;
    let json = serde_json::to_string(&TrialTerms { stage, ..terms }).map_err(ApplyError::invalid)?;
    batch.conn.execute(
        "UPDATE trial SET terms = ?2, moved_at = ?3 WHERE id = ?1",
        params![trial, json, batch.now.0],
    )?;
    let now = batch.now.0;
    batch.seal(None, Section::TrialStage, &[&trial], &[&json, &now])?;
    batch.also.push(Change::Trial);
    batch.append(None, None, &Fact::TrialMoved { trial, stage })?;
    Ok(Reply::Done)
}

pub(super) fn end(batch: &mut Batch<'_>, trial: i64, ending: TrialEnding, why: String) -> Applying {
    let (router, _) = going_on(batch, trial)?;
    let word = ending.as_str();
    batch.conn.execute(
        "UPDATE trial SET ended_at = ?2, ending = ?3 WHERE id = ?1",
        params![trial, batch.now.0, word],
    )?;
    let now = batch.now.0;
    batch.seal(None, Section::TrialEnded, &[&trial], &[&now, &word])?;
    batch.also.push(Change::Trial);
    batch.append(None, None, &Fact::TrialEnded { trial, ending, why: why.clone() })?;
    match ending {
        TrialEnding::Promoted => promote(batch, Some(router), why),
        TrialEnding::RolledBack => Ok(Reply::Done),
    }
}

const OFFICE: &str = "router";
const BEFORE: &str = "router-before";

fn named(batch: &Batch<'_>, key: &str) -> Result<Option<RouterChoice>, ApplyError> {
    let json: Option<String> =
        batch.conn.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?;
    json.map(|json| serde_json::from_str(&json)).transpose().map_err(|why| ApplyError::corrupt(key, why))
}

fn name(batch: &mut Batch<'_>, key: &str, router: Option<&RouterChoice>) -> Result<(), ApplyError> {
    match router {
        Some(router) => {
            let json = serde_json::to_string(router).map_err(ApplyError::invalid)?;
            batch.conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [key, &json])?;
            batch.seal(None, Section::Meta, &[&key], &[&json])?;
        }
        None => {
            batch.conn.execute("DELETE FROM meta WHERE key = ?1", [key])?;
            batch.seal_gone(None, Section::Meta, &[&key])?;
        }
    }
    Ok(())
}

/// Without a router the one before comes back: the configured one if there was none, and for each run its own.
pub(super) fn promote(batch: &mut Batch<'_>, router: Option<RouterChoice>, why: String) -> Applying {
    let office = named(batch, OFFICE)?;
    let next = match &router {
        Some(router) => Some(router.clone()),
        None if office.is_none() => {
            return Err(ApplyError::invalid("no router was promoted: there is nothing to roll back"));
        }
        None => named(batch, BEFORE)?,
    };
    name(batch, BEFORE, router.as_ref().and(office.as_ref()))?;
    name(batch, OFFICE, next.as_ref())?;
    let runs: Vec<(i64, Option<String>)> = batch
        .conn
        .prepare("SELECT id, router_before FROM run WHERE settled_at IS NULL ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (run, before) in runs {
        let own = || before.as_deref().and_then(|json| serde_json::from_str(json).ok());
        let Some(chosen) = router.clone().or_else(own) else { continue };
        let change = match router {
            Some(_) => RouterChange::Asked,
            None => RouterChange::RolledBack { why: why.clone() },
        };
        use_router(batch, RunId(run), chosen, change)?;
    }
    let before = office.map(|office| office.name);
    let now = next.unwrap_or(RouterChoice { name: "the configured router".into(), digest: String::new() });
    batch.append(None, None, &Fact::RouterPromoted { router: now.name, digest: now.digest, before, why })?;
    Ok(Reply::Done)
}

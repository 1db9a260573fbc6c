//! Operations on hosts: who has the store, and until when.

use rusqlite::{OptionalExtension as _, params};

use super::Applying;
use crate::batch::Batch;
use crate::error::ApplyError;
use crate::seal::Section;
use baton_core::clock::Time;
use baton_core::event::Fact;
use baton_core::lease;
use baton_core::op::{Rejection, Reply, StoreError};

pub(super) fn start(
    batch: &mut Batch<'_>,
    pid: u32,
    version: String,
    machine: &str,
    lease_until: Time,
) -> Applying {
    let elsewhere = batch
        .conn
        .query_row(
            "SELECT machine, pid, lease_until FROM host WHERE boot = (SELECT max(boot) FROM host) \
             AND stopped_at IS NULL AND machine <> ?1 AND lease_until >= ?2",
            params![machine, batch.now.0],
            |row| {
                Ok(Rejection::HeldElsewhere {
                    machine: row.get(0)?,
                    pid: row.get(1)?,
                    until: Time(row.get(2)?),
                })
            },
        )
        .optional()?;
    if let Some(held) = elsewhere {
        return Err(held.into());
    }
    let boot: u32 =
        batch.conn.query_row("SELECT coalesce(max(boot), 0) + 1 FROM host", [], |row| row.get(0))?;
    batch.conn.execute(
        "INSERT INTO host (boot, pid, version, machine, started_at, lease_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![boot, pid, version, machine, batch.now.0, lease_until.0],
    )?;
    let now = batch.now.0;
    batch.seal(None, Section::HostStarted, &[&boot], &[&pid, &version, &machine, &now])?;
    batch.append(None, None, &Fact::HostStarted { boot, version })?;
    Ok(Reply::Boot(boot))
}

/// A renewal is no event: it says nothing but that time went by.
pub(super) fn renew(batch: &mut Batch<'_>, boot: u32) -> Applying {
    let lease_until = batch.now + lease::TERM;
    let renewed = batch.conn.execute(
        "UPDATE host SET lease_until = ?2 WHERE boot = ?1 AND boot = (SELECT max(boot) FROM host)",
        params![boot, lease_until.0],
    )?;
    if renewed == 0 {
        let newest = batch.reader.one("SELECT coalesce(max(boot), 0) FROM host", [], |row| row.get(0))?;
        return Err(ApplyError::Broken(StoreError::Fenced { own: boot, newest }));
    }
    Ok(Reply::Lease(lease_until))
}

pub(super) fn stop(batch: &mut Batch<'_>, boot: u32) -> Applying {
    let stopped =
        batch.conn.execute("UPDATE host SET stopped_at = ?2 WHERE boot = ?1", params![boot, batch.now.0])?;
    if stopped == 0 {
        return Err(ApplyError::not_found(format!("host with boot {boot}")));
    }
    let now = batch.now.0;
    batch.seal(None, Section::HostStopped, &[&boot], &[&now])?;
    batch.append(None, None, &Fact::HostStopped { boot })?;
    Ok(Reply::Done)
}

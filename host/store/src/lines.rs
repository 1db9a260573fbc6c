//! Events of one operation until they are written: an event carries the seals of rows that are written with it, before
//! or after it.

use rusqlite::{Connection, params};

use super::chain::{self, Head};
use super::memory::Memory;
use super::seal::Seal;
use baton_core::clock::Time;

/// An event whose place in its run's chain is not taken yet.
pub(super) struct Line<'k> {
    pub(super) seq: i64,
    pub(super) at: Time,
    /// 0 = the host's own.
    pub(super) run: i64,
    pub(super) task: Option<i64>,
    pub(super) epoch: u32,
    pub(super) kind: &'k str,
    pub(super) fact: Vec<u8>,
    pub(super) seals: Vec<u8>,
}

#[derive(Default)]
pub(super) struct Lines {
    lines: Vec<Line<'static>>,
    /// Seals of runs of which nothing was recorded so far.
    loose: Vec<(i64, Seal)>,
}

impl Lines {
    pub(super) fn clear(&mut self) {
        self.lines.clear();
        self.loose.clear();
    }

    pub(super) fn push(&mut self, mut line: Line<'static>) {
        self.loose.retain(|(run, seal)| {
            if *run == line.run {
                seal.put(&mut line.seals);
            }
            *run != line.run
        });
        self.lines.push(line);
    }

    /// The seal belongs to the newest event of its run, or to the first that is still to come.
    pub(super) fn seal(&mut self, run: i64, seal: Seal) {
        match self.lines.iter_mut().rev().find(|line| line.run == run) {
            Some(line) => seal.put(&mut line.seals),
            None => self.loose.push((run, seal)),
        }
    }

    /// A run with seals that no event carries, and the tables that they are of.
    pub(super) fn untold(&self) -> Option<(i64, Vec<String>)> {
        let (run, _) = self.loose.first()?;
        let mut tables: Vec<String> = Vec::new();
        for (_, seal) in self.loose.iter().filter(|(other, _)| other == run) {
            let table = seal.section.layout().table;
            if !tables.iter().any(|known| known == table) {
                tables.push(table.to_owned());
            }
        }
        Some((*run, tables))
    }

    /// Writes what was gathered, each event linked to the one before it of its run.
    pub(super) fn write(&mut self, conn: &Connection, memory: &mut Memory) -> rusqlite::Result<()> {
        let mut insert = conn.prepare_cached(
            "INSERT INTO event (seq, at, run_id, number, task_id, epoch, kind, fact, seals, link) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        for line in self.lines.drain(..) {
            let head = memory.head(conn, line.run)?;
            let next = Head { seq: line.seq, number: head.number + 1, link: head.link };
            let next = Head { link: chain::link(&next, &line), ..next };
            insert.execute(params![
                line.seq,
                line.at.0,
                line.run,
                next.number,
                line.task,
                line.epoch,
                line.kind,
                line.fact,
                line.seals,
                next.link
            ])?;
            memory.put_head(line.run, next);
        }
        Ok(())
    }
}

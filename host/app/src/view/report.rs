//! The result of a run: its sums, what each agent did, and what was given up.

mod charts;

use baton_core::id::RunId;
use baton_core::task::StateName;
use baton_store::Reader;
use baton_store::read::{self, history, summary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, AppError, target};

pub use charts::{Chart, charts};

/// Which run is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportQuery {
    /// A run such as `r2`; without it the newest.
    pub run: Option<String>,
}

/// The result of a run, so far or at its end.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunReport {
    /// The run.
    pub run: read::Run,
    /// Its sums.
    pub totals: summary::Totals,
    /// What each agent did.
    pub agents: Vec<summary::Share>,
    /// Every task.
    pub tasks: Vec<summary::Line>,
    /// Tasks that were given up and neither redriven nor dropped.
    pub dead: Vec<history::DeadLetter>,
}

/// The result of a run.
///
/// # Errors
/// There is no such run; the store can't be read.
pub(crate) fn report(app: &App, query: &ReportQuery) -> Result<RunReport, AppError> {
    let reader = &app.reader()?;
    of_run(reader, target::run(reader, query.run.as_deref())?)
}

/// The result of a run.
///
/// # Errors
/// There is no such run; the store can't be read.
pub(crate) fn of_run(reader: &Reader, id: RunId) -> Result<RunReport, AppError> {
    let gone = || AppError::not_found(format!("there is no run {id}"));
    Ok(RunReport {
        run: read::run(reader, id).map_err(AppError::unreadable)?.ok_or_else(gone)?,
        totals: summary::totals(reader, id).map_err(AppError::unreadable)?,
        agents: summary::shares(reader, id).map_err(AppError::unreadable)?,
        tasks: summary::lines(reader, id).map_err(AppError::unreadable)?,
        dead: history::dead(reader, Some(id)).map_err(AppError::unreadable)?,
    })
}

impl RunReport {
    /// How many agents worked at once on average: the work that was done by the time that it took.
    #[must_use]
    pub fn concurrency(&self) -> f64 {
        concurrency(&self.totals)
    }

    /// Tasks that wait for others, by name.
    pub fn blocked(&self) -> impl Iterator<Item = &str> {
        let blocked = self.tasks.iter().filter(|line| line.state == StateName::Blocked);
        blocked.map(|line| line.task.as_str())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn concurrency(totals: &summary::Totals) -> f64 {
    if totals.elapsed_ms == 0 { 0.0 } else { totals.busy_ms as f64 / totals.elapsed_ms as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrency_is_work_by_time_and_nothing_before_any_time_has_passed() {
        let of =
            |elapsed_ms, busy_ms| concurrency(&summary::Totals { elapsed_ms, busy_ms, ..Default::default() });
        assert_eq!((of(2_000, 5_000), of(0, 5_000)), (2.5, 0.0));
    }
}

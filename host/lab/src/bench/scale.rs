//! Whether operations on the store cost more as it grows. The same work is done in stores of each size, in turn, so that
//! what slows the machine down slows all of them down.

use std::path::PathBuf;

use baton_app::AppError;
use baton_core::clock::Time;
use baton_store::Home;
use serde::Serialize;

use super::grown::{Grown, Load, start};
use super::{Folder, median};

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many tasks the stores hold, smallest first.
    pub tasks: Vec<usize>,
    /// The most tasks with terms of their own, or with bills.
    pub special: usize,
    /// Times that each store is measured, at least 1.
    pub rounds: usize,
    /// Where the databases are made; none = the temporary folder.
    pub dir: Option<PathBuf>,
}

/// What was measured for one sort of task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// What its tasks have of their own.
    pub load: &'static str,
    /// Smallest first.
    pub sizes: Vec<Size>,
    /// To read which bills caps can still bind, in the largest store, in milliseconds.
    pub start_ms: f64,
}

/// What was measured in a store of one size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Size {
    /// How many it holds.
    pub tasks: usize,
    /// From their submission to their acceptance.
    pub tasks_per_s: f64,
    /// Of the smallest store's.
    pub ratio: f64,
}

/// Measures each sort of task.
///
/// # Errors
/// A store can't be made, or failed.
pub fn measure(options: &Options) -> Result<Vec<Figures>, AppError> {
    let folder = Folder::new("scale", options.dir.as_deref());
    Load::ALL.into_iter().map(|load| measured(options, load, &folder)).collect()
}

fn measured(options: &Options, load: Load, folder: &Folder) -> Result<Figures, AppError> {
    let most = match load {
        Load::Plain => usize::MAX,
        Load::OwnTerms | Load::Billed => options.special,
    };
    let sizes: Vec<usize> = options.tasks.iter().copied().filter(|size| *size <= most).collect();
    let home = |size: usize| Home::at(folder.0.join(format!("{load:?}-{size}")));
    let mut stores = Vec::new();
    for size in &sizes {
        let mut store = Grown::open(&home(*size), load)?;
        store.grow(*size)?;
        stores.push((*size, store, Vec::new()));
    }
    for _ in 0..options.rounds.max(1) {
        for (_, store, speeds) in &mut stores {
            speeds.push(store.measure()?);
        }
    }
    let speeds: Vec<(usize, f64)> =
        stores.into_iter().map(|(size, _, speeds)| (size, median(speeds))).collect();
    let smallest = speeds.first().map_or(f64::NAN, |(_, speed)| *speed);
    let size =
        |(tasks, tasks_per_s): (usize, f64)| Size { tasks, tasks_per_s, ratio: tasks_per_s / smallest };
    let start_ms = match sizes.last() {
        Some(largest) => start(&home(*largest), Time(i64::MAX))? * 1000.0,
        None => 0.0,
    };
    Ok(Figures { load: load.name(), sizes: speeds.into_iter().map(size).collect(), start_ms })
}

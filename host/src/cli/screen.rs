//! Everything that the command line prints goes through here.

use std::io::{IsTerminal as _, Write as _};
use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::knowledge::Trend;
use crate::lab::interval::Interval;

static CLOSED: AtomicBool = AtomicBool::new(false);

/// The pager's standard input, while there is one.
static PAGER: Mutex<Option<ChildStdin>> = Mutex::new(None);

/// From now on lines go to a pager.
pub(super) fn through(pager: ChildStdin) {
    *PAGER.lock().unwrap_or_else(PoisonError::into_inner) = Some(pager);
}

/// No more lines come: the pager may end.
pub(super) fn close() {
    PAGER.lock().unwrap_or_else(PoisonError::into_inner).take();
}

/// A line on standard output, or to the pager. A reader that went away is no error: the work goes on.
pub(super) fn line(text: &str) {
    let mut pager = PAGER.lock().unwrap_or_else(PoisonError::into_inner);
    let written = match pager.as_mut() {
        Some(pager) => writeln!(pager, "{text}"),
        None => writeln!(std::io::stdout().lock(), "{text}"),
    };
    if written.is_err() {
        CLOSED.store(true, Ordering::Relaxed);
    }
}

/// Whether nobody reads standard output any more.
pub(super) fn is_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

pub(super) fn json<T: Serialize>(value: &T) {
    line(&serde_json::to_string(value).unwrap_or_else(|why| format!("{{\"error\":{:?}}}", why.to_string())));
}

/// What went wrong, for people, on standard error.
pub(super) fn error(text: &str) {
    note(&format!("baton: {text}"));
}

/// A line on standard error. Nobody may be there to read it either.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

pub(super) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Asks a yes-or-no question on a terminal; without one the answer is no.
pub(super) fn confirm(question: &str) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    let _ = write!(std::io::stderr().lock(), "{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// Columns as wide as their widest cell; the last one is not padded.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let print = |cells: Vec<&str>| {
        let last = cells.len().saturating_sub(1);
        let padded = cells.iter().zip(&widths).enumerate().map(|(index, (cell, width))| {
            if index == last { (*cell).to_owned() } else { format!("{cell:width$}") }
        });
        line(padded.collect::<Vec<_>>().join("  ").trim_end());
    };
    print(head.to_vec());
    for row in rows {
        print(row.iter().map(String::as_str).collect());
    }
}

/// Such as `82 % [74, 89]`.
pub(super) fn percent(share: Interval) -> String {
    let [estimate, low, high] = [share.estimate, share.low, share.high].map(|value| value * 100.0);
    format!("{estimate:.0} % [{low:.0}, {high:.0}]")
}

pub(super) fn trend(trend: Trend) -> &'static str {
    match trend {
        Trend::Rising => "rising",
        Trend::Steady => "",
        Trend::Falling => "falling",
    }
}

/// `1.2s`, `3m05s`, `2h10m`.
pub(super) fn span(millis: u64) -> String {
    match millis {
        0..60_000 => format!("{}.{}s", millis / 1000, millis % 1000 / 100),
        60_000..3_600_000 => format!("{}m{:02}s", millis / 60_000, millis / 1000 % 60),
        _ => format!("{}h{:02}m", millis / 3_600_000, millis / 60_000 % 60),
    }
}

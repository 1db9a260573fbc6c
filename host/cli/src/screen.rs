//! Everything that the command line prints goes through here, and nothing passes that a terminal would act on: what
//! agents, plans and programs say is only ever shown.

mod plain;

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};
use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use baton_core::knowledge::Trend;
use serde::Serialize;

pub(super) use baton_core::span::rounded as span;
pub(super) use plain::{cell, plain};

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

/// A line on standard output, or to the pager. Line breaks inside of it are indented, so that nothing that is told can
/// pass for a line of Baton's own.
pub(super) fn line(text: &str) {
    print(&hanging(&plain(text)));
}

/// A text of several lines that Baton laid out itself.
pub(super) fn block(text: &str) {
    print(&plain(text));
}

fn hanging(text: &str) -> Cow<'_, str> {
    match text.trim_end_matches('\n') {
        one if !one.contains('\n') => Cow::Borrowed(one),
        many => {
            let mut lines = many.lines().map(str::trim_end);
            let first = lines.next().unwrap_or_default().to_owned();
            let indented =
                |text: String, line: &str| if line.is_empty() { text + "\n" } else { text + "\n    " + line };
            Cow::Owned(lines.fold(first, indented))
        }
    }
}

/// A reader that went away is no error: the work goes on.
fn print(text: &str) {
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
    let text = serde_json::to_string(value);
    print(&plain::json(&text.unwrap_or_else(|why| format!("{{\"error\":{:?}}}", why.to_string()))));
}

/// What went wrong, for people, on standard error.
pub(super) fn error(text: &str) {
    note(&format!("baton: {text}"));
}

/// What clap says of a command line, laid out by it.
pub(super) fn usage(text: &str) {
    complain(&plain(text));
}

/// A line on standard error.
pub(super) fn note(text: &str) {
    complain(&hanging(&plain(text)));
}

/// Nobody may be there to read it either.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Where lines of the log go.
pub(super) struct Log;

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::stderr().lock().write_all(plain(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().lock().flush()
    }
}

pub(super) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Asks a yes-or-no question on a terminal; without one the answer is no.
pub(super) fn confirm(question: &str) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    let _ = write!(std::io::stderr().lock(), "{} [y/N] ", plain(question));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// Columns as wide as their widest cell; the last one is not padded.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) {
    let rows: Vec<Vec<Cow<'_, str>>> =
        rows.iter().map(|row| row.iter().map(|text| cell(text)).collect()).collect();
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let show = |cells: Vec<&str>| {
        let last = cells.len().saturating_sub(1);
        let padded = cells.iter().zip(&widths).enumerate().map(|(index, (cell, width))| {
            if index == last { (*cell).to_owned() } else { format!("{cell:width$}") }
        });
        print(padded.collect::<Vec<_>>().join("  ").trim_end());
    };
    show(head.to_vec());
    for row in &rows {
        show(row.iter().map(AsRef::as_ref).collect());
    }
}

/// A share with the ends of its interval, such as `82 % [74, 89]`.
pub(super) fn percent(share: [f64; 3]) -> String {
    let [estimate, low, high] = share.map(|value| value * 100.0);
    format!("{estimate:.0} % [{low:.0}, {high:.0}]")
}

pub(super) fn trend(trend: Trend) -> &'static str {
    match trend {
        Trend::Rising => "rising",
        Trend::Steady => "",
        Trend::Falling => "falling",
    }
}

//! An episode for tests.

use baton_core::clock::Time;
use baton_core::episode::Episode;
use baton_core::id::{RunId, TaskId};
use baton_core::knowledge::Verdict;

/// An accepted attempt of one second at a task of its own, for tests to change.
pub(crate) fn sample(seq: i64) -> Episode {
    Episode {
        seq,
        run: RunId(1),
        task: TaskId(seq),
        name: format!("t{seq}"),
        kind: "rust".into(),
        skills: vec!["rust".into()],
        agent: "a".into(),
        verdict: Verdict::Accepted,
        ready: Time(seq * 1000),
        started: Time(seq * 1000),
        ended: Time(seq * 1000 + 1000),
        cost_micros: None,
        quality: None,
        files: Vec::new(),
        depends_on: Vec::new(),
        remarks: Vec::new(),
    }
}

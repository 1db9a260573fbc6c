//! Teaching a router what became of attempts: from rows to experiences, and from its answer to an operation.

use baton_core::id::RunId;
use baton_core::knowledge::Verdict;
use baton_core::learning::Part;
use baton_core::op::{Lesson, Op, RouterChoice};
use baton_plugin::PluginError;
use baton_plugin::router::{self, BATCH, Experience, Router};
use baton_store::Reader;
use baton_store::read::routing::{Past, RouterCursor, past};

/// Where a lesson leaves a router.
#[derive(Debug)]
pub struct Learned {
    pub cursor: RouterCursor,
    /// None when there was nothing to be told.
    pub op: Option<Op>,
}

impl Learned {
    /// Of a router that does not learn.
    #[must_use]
    pub fn never(cursor: RouterCursor) -> Self {
        Self { cursor: RouterCursor { learned: i64::MAX, ..cursor }, op: None }
    }
}

/// Tells a router the next attempts that it has not been told of. A lesson that it can't take is skipped.
///
/// # Errors
/// The store can't be read.
pub fn teach(
    reader: &Reader,
    router: &Router,
    choice: &RouterChoice,
    run: RunId,
    config: Vec<router::Attr>,
    cursor: RouterCursor,
) -> Result<Learned, PluginError> {
    let _metered = Part::Lessons.begin();
    let unreadable = |why: &dyn std::fmt::Display| PluginError::Host {
        plugin: choice.name.clone(),
        why: format!("the store can't be read: {why}"),
    };
    let (attempts, upto) = past(reader, cursor.learned, BATCH).map_err(|why| unreadable(&why))?;
    if attempts.is_empty() {
        return Ok(Learned { cursor: RouterCursor { learned: upto, ..cursor }, op: None });
    }
    let experiences = attempts.iter().map(experience).collect();
    let mut lesson = router::Lesson { experiences, config, state: cursor.state };
    match router.learn(&lesson) {
        Ok((state, fuel)) => {
            let before = std::mem::take(&mut lesson.state);
            let input = crate::decide::json(&lesson);
            let router = choice.clone();
            let kept = Lesson { router, input, before, state: state.clone(), fuel, upto };
            let op = Op::Teach { run, lesson: Box::new(kept) };
            Ok(Learned { cursor: RouterCursor { state, learned: upto }, op: Some(op) })
        }
        Err(why) => {
            tracing::warn!("{run}: {} could not learn from {} attempts: {why}", choice.name, attempts.len());
            Ok(Learned { cursor: RouterCursor { state: lesson.state, learned: upto }, op: None })
        }
    }
}

/// An attempt as routers are told of it.
#[must_use]
pub fn experience(past: &Past) -> Experience {
    let seen = &past.observation;
    Experience {
        task: past.spec.id.clone(),
        run: seen.run.to_string(),
        skills: seen.skills.clone(),
        features: router::features(&past.spec, past.tries),
        agent: past.agent.name.clone(),
        agent_kind: past.agent.kind(),
        verdict: match seen.verdict {
            Verdict::Accepted => router::Verdict::Accepted,
            Verdict::Refused => router::Verdict::Refused,
            Verdict::Failed(_) => router::Verdict::Failed,
        },
        latency: seen.latency_ms(),
        cost_micros: seen.cost_micros,
        quality: seen.quality,
        at: seen.ended.millis(),
    }
}

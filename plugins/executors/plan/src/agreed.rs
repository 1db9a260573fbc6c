//! The agreed tasks: the checked plan with the checked amendments.

use std::collections::BTreeSet;

use baton_sdk::executor::{Child, Decomposition, Keys, Piece, Rules, structured};
use serde::Serialize;

use crate::Spec;

/// The names of the planner's own tasks.
pub const RESERVED: [&str; 2] = ["plan-1", "plan-2"];

#[derive(Clone, Debug, PartialEq)]
pub struct Agreed {
    pub jobs: Vec<Job>,
    pub refused: Vec<Refused>,
    /// How many tasks amendments may still add.
    pub reserve: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub piece: Piece,
    /// How many tasks a composite one may be divided into; none = it is done by an agent.
    pub share: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refused {
    pub by: String,
    pub errors: Vec<String>,
}

pub fn rules(spec: &Spec) -> Rules<'_> {
    Rules {
        most: spec.most,
        breadth: Some(spec.breadth),
        composites: if spec.depth > 1 { spec.most } else { 0 },
        reserved: &RESERVED,
        known: BTreeSet::new(),
        skills: &spec.skills,
    }
}

/// The planner's answer as it will be run, or everything that is wrong with it.
pub fn plan(spec: &Spec, answer: &str) -> Result<Agreed, Vec<String>> {
    let decomposition = Decomposition::read(answer, &rules(spec))?;
    let composites = decomposition.composites();
    let left = spec.most - decomposition.0.len();
    let share = left / (composites + 1);
    if composites > 0 && share == 0 {
        let tasks = decomposition.0.len();
        return Err(vec![format!(
            "{composites} of {tasks} tasks are composite, and {left} of {} tasks are left for their parts",
            spec.most
        )]);
    }
    let job = |piece: Piece| Job { share: piece.composite.then_some(share), piece };
    Ok(Agreed {
        jobs: decomposition.0.into_iter().map(job).collect(),
        refused: Vec::new(),
        reserve: left - share * composites,
    })
}

impl Agreed {
    /// Adds the amendments of the tasks that have succeeded.
    ///
    /// Each call computes this again, and must arrive at what was agreed before, and more. So amendments are applied in the
    /// order in which their authors were started, up to the first that is still running: neither timing nor chance can swap
    /// two of them.
    pub fn amended(mut self, spec: &Spec, children: &[Child]) -> Self {
        for child in children.iter().take_while(|child| child.has_ended()) {
            let is_planner = RESERVED.contains(&child.name.as_str());
            if let Some(tasks) = amendment(child).filter(|_| !is_planner) {
                self.amend(spec, &child.name, &tasks);
            }
        }
        self
    }

    fn amend(&mut self, spec: &Spec, by: &str, tasks: &str) {
        let rules = Rules {
            most: self.reserve,
            composites: 0,
            known: self.jobs.iter().map(|job| job.piece.name.clone()).collect(),
            ..rules(spec)
        };
        match Decomposition::read(tasks, &rules) {
            Ok(added) => {
                self.reserve -= added.0.len();
                self.jobs.extend(added.0.into_iter().map(|piece| Job { piece, share: None }));
            }
            Err(errors) => self.refused.push(Refused { by: by.to_owned(), errors }),
        }
    }
}

/// The JSON text of `amend` in an output, or in a block of what was said.
fn amendment(child: &Child) -> Option<String> {
    if !child.has_succeeded() {
        return None;
    }
    let fields: Keys = serde_json::from_str(&structured(child.output())).ok()?;
    fields.get("amend").map(|raw| raw.get().to_owned()).filter(|json| json != "null")
}

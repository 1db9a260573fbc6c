//! `baton plan amend`: another version of the plan, as a whole or not at all.

use serde_json::json;

use crate::support::{Env, plan};

fn started() -> Env {
    let env = Env::with_mocks();
    env.write(
        "plan.json",
        &plan(json!([
            { "id": "a", "skills": ["work"] },
            { "id": "b", "skills": ["nobody"], "depends_on": ["a"] },
            { "id": "c", "skills": ["work"], "depends_on": ["b"] },
        ])),
    );
    env.baton(&["run", "plan.json", "--detach"]).ok();
    env
}

#[test]
fn nodes_and_edges_change_at_once_and_accepted_work_stays() {
    let env = started();
    env.write(
        "plan.json",
        &plan(json!([
            { "id": "a", "skills": ["work"] },
            { "id": "c", "skills": ["work"], "depends_on": ["a", "d"] },
            { "id": "d", "skills": ["other"], "depends_on": ["a"] },
        ])),
    );
    insta::assert_snapshot!(env.baton(&["plan", "amend", "r1", "plan.json"]).ok(), @"
    - b
    + d
    ~ c: depends_on
    ");
    assert!(env.baton(&["run", "plan.json"]).ok().contains("3 of 3 accepted"));
    assert_eq!(env.baton(&["db", "check"]).ok(), "sound\n");
}

#[test]
fn an_amendment_that_would_lose_accepted_work_is_refused_whole() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    env.baton(&["run", "plan.json"]).ok();
    let before = env.stored().last_seq();
    env.write("plan.json", &plan(json!([{ "id": "b", "skills": ["work"] }])));
    let said = env.baton(&["plan", "amend", "r1", "plan.json"]).fails(2);
    assert!(said.contains("a has been accepted and can't be removed"), "{said}");
    assert_eq!(env.stored().last_seq(), before, "nothing was written");
}

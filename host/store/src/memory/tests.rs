//! What a refused operation changed in memory is undone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::Store;
use crate::fixture;
use baton_core::op::{Op, Rejection};

impl Memory {
    /// All that is held, in an order of its own.
    fn shown(&self) -> BTreeMap<String, String> {
        let mut shown = BTreeMap::from([
            ("seq".to_owned(), self.seq.to_string()),
            ("task".to_owned(), self.task.to_string()),
            ("decision".to_owned(), self.decision.to_string()),
        ]);
        shown.extend(self.heads.iter().map(|(run, head)| (format!("head {run}"), format!("{head:?}"))));
        for terms in self.terms.young.iter().chain(&self.terms.old) {
            shown.insert(format!("terms {}", terms.0), format!("{:?}", terms.1));
        }
        for id in self.terms_ids.young.iter().chain(&self.terms_ids.old) {
            shown.insert(format!("id of {:?}", id.0), format!("{:?}", id.1));
        }
        for seed in self.seeds.young.iter().chain(&self.seeds.old) {
            shown.insert(format!("seed {}", seed.0), format!("{:?}", seed.1));
        }
        for task in 1..=self.task {
            let open = self.underway.open(TaskId(task));
            shown.extend(open.map(|open| (format!("open {task}"), format!("{open:?}"))));
        }
        shown
    }
}

fn op(op: &Value) -> Op {
    serde_json::from_value(op.clone()).unwrap_or_else(|why| panic!("{why}: {op}"))
}

fn task(id: &str, more: Value) -> Value {
    let mut task = json!({ "id": id, "title": "", "input": null });
    for (key, value) in more.as_object().into_iter().flatten() {
        task[key] = value.clone();
    }
    task
}

/// A store with a run in which a composite task waits for its executor, and one task runs.
fn under_way() -> Store {
    let mut store =
        Store::in_memory(baton_core::clock::Clock::manual(baton_core::clock::Time(1))).expect("memory");
    let plan = json!({ "name": "p", "workstreams": [task("both", json!({ "executor": "parallel" })), task("one", json!({}))] });
    let router = json!({ "name": "r", "digest": "d" });
    let ops = [
        json!({ "op": "submit", "plan": plan, "seed": 1, "router": router, "key": "k" }),
        json!({ "op": "delegate", "task": 1 }),
        json!({ "op": "assign", "run": 1, "picks": [{ "task": 2, "agent": 1 }], "lease_until": 9, "decision": null }),
    ];
    for answer in store.apply(ops.iter().map(op).collect()) {
        answer.expect("it is allowed");
    }
    store
}

/// Each is refused after it has inserted rows, recorded events and filled caches.
#[test]
fn what_is_refused_half_way_leaves_no_trace_in_the_caches() {
    let own = |skill: &str| json!({ "skills": [skill] });
    let extend = |tasks: Value| json!({ "op": "extend", "run": 1, "workstreams": tasks });
    let child = |id: &str, skill: &str| task(id, own(skill));
    let spawn = |children: Value| json!({ "op": "spawn", "task": 1, "epoch": 1, "stage": "executor", "children": children, "until": "all" });
    let refused = [
        extend(json!([child("x", "new"), task("y", json!({ "depends_on": ["nowhere"] }))])),
        spawn(json!([child("c", "other"), child("c", "third")])),
        json!({ "op": "submit", "seed": 2, "router": { "name": "r", "digest": "d" }, "key": null, "plan":
            { "name": "q", "workstreams": [child("a", "fourth"), task("b", json!({ "depends_on": ["nowhere"] }))] } }),
        json!({ "op": "amend", "run": 1, "plan": { "name": "p", "workstreams": [child("z", "fifth")] } }),
    ];
    let mut store = under_way();
    let before = store.memory().shown();
    let rows = fixture::dump(store.reader()).expect("readable");
    for refused in &refused {
        let answers = store.apply(vec![op(refused)]);
        let [Err(Rejection::NotFound(_) | Rejection::Invalid(_))] = answers.as_slice() else {
            panic!("{refused}: {answers:?}");
        };
        assert_eq!(store.memory().shown(), before, "{refused}");
    }
    assert_eq!(fixture::dump(store.reader()).expect("readable"), rows);
    // A neighbour in its group is carried out as if it had not been there.
    let held = op(&json!({ "op": "hold-task", "task": 1 }));
    let answers = store.apply(vec![op(&refused[0]), held, op(&refused[1])]);
    assert!(matches!(answers.as_slice(), [Err(_), Ok(_), Err(_)]), "{answers:?}");
    assert_eq!(crate::check::check(store.reader()).expect("readable"), Vec::<String>::new());
}

/// However many tasks have terms of their own, and however many runs there were.
#[test]
fn what_is_cached_is_bounded() {
    let mut store =
        Store::in_memory(baton_core::clock::Clock::manual(baton_core::clock::Time(1))).expect("memory");
    let rounds = 3 * i64::try_from(KEPT).expect("small");
    for round in 0..rounds {
        let plan =
            json!({ "name": "p", "workstreams": [task("a", json!({ "skills": [format!("s{round}")] }))] });
        let submit = json!({ "op": "submit", "plan": plan, "seed": round, "router": { "name": "r", "digest": "d" }, "key": null });
        let id = round + 1;
        let ops = [
            submit,
            json!({ "op": "assign", "run": id, "picks": [{ "task": id, "agent": 1 }], "lease_until": 9, "decision": null }),
            json!({ "op": "finish", "task": id, "epoch": 1, "end": { "end": "accepted", "outcome": null, "checks": [] } }),
            json!({ "op": "settle", "run": id }),
        ];
        for answer in store.apply(ops.iter().map(op).collect()) {
            answer.expect("it is allowed");
        }
    }
    let memory = store.memory();
    let sizes = [
        memory.heads.len(),
        memory.terms.young.len() + memory.terms.old.len(),
        memory.terms_ids.young.len() + memory.terms_ids.old.len(),
        memory.seeds.young.len() + memory.seeds.old.len(),
    ];
    assert!(sizes.iter().all(|size| *size <= 2 * KEPT), "{sizes:?}");
    assert_eq!((1..=rounds).find(|task| memory.underway.contains(TaskId(*task))), None);
}

#[test]
fn what_was_dropped_from_a_cache_is_what_was_asked_for_least_lately() {
    let mut cache = Cache::default();
    for key in 0..KEPT {
        cache.put(key, key);
    }
    cache.put(KEPT, KEPT);
    assert_eq!(cache.get(&0), Some(0), "the older half is still there");
    for key in KEPT + 1..2 * KEPT {
        cache.put(key, key);
    }
    assert_eq!(cache.get(&0), Some(0), "it was asked for");
    assert_eq!(cache.get(&1), None);
}

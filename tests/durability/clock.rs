//! A store whose record was once written by a clock that was ahead.

use baton_core::clock::{Clock, Time};
use baton_core::op::{Op, RouterChoice, Submission};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::task::StateName;
use baton_store::testing::tamper::{Alteration, To, rows};
use baton_store::{Home, Lock, Store};
use serde_json::json;

use crate::support::{Env, plan};

const DAY: i64 = 86_400_000;

fn now() -> Time {
    Clock::system().now()
}

/// One start by a clock that is so far ahead.
fn once_ahead(env: &Env, days: i64) {
    let home = Home::at(env.path(".baton"));
    let clock = Clock::manual(Time(now().0 + days * DAY));
    let mut store = Store::open_at(&home, Lock::take(&home).expect("it is free"), clock).expect("it opens");
    let plan = Plan { name: "then".into(), workstreams: vec![Workstream::named("x")] };
    let router = RouterChoice { name: "least-loaded".into(), digest: "d".into() };
    let submission = Submission { plan, seed: Seed(1), router, key: None };
    let answers = store.apply(vec![
        Op::Submit(Box::new(submission)),
        Op::CancelRun { run: baton_core::id::RunId(1), why: "it was only to be seen".into() },
    ]);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[test]
fn a_clock_that_was_ahead_once_does_not_keep_the_store_there() {
    for (days, span) in [(1, "24 hours"), (400, "400 days"), (4000, "4000 days")] {
        let env = Env::with_mocks();
        once_ahead(&env, days);
        env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"], "effects": "pure" }])));
        let before = now();
        let said = env.baton(&["run", "plan.json"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let aloud = format!("the record of this store goes {span} beyond this machine's clock");
        assert!(said.stderr.contains(&aloud), "{said:?}");
        let accepted = env.stored().events("accepted")[0].at;
        assert!(accepted >= before && accepted <= now(), "{accepted} is not today");
        assert_eq!(env.baton(&["db", "check"]).ok(), "sound\n");
        // Said once: the record ends today now.
        let again = env.baton(&["run", "plan.json", "--again"]);
        assert!(again.code == Some(0) && !again.stderr.contains("beyond this machine's clock"), "{again:?}");
    }
}

/// A task that waits until a day that was never near does not wait for it.
#[test]
fn what_waits_for_a_time_by_the_wrong_clock_is_tried_now() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"], "effects": "pure" }])));
    let _ = env.baton(&["run", "plan.json"]).ok();
    let far = now().0 + 400 * DAY;
    let (far, newest) = (To::Number(far), env.stored().last_seq());
    env.alter(&[
        Alteration::Set { rows: rows("event", &[("seq", newest)]), column: "at", to: far },
        Alteration::State { rows: rows("task", &[]), to: StateName::Backoff },
        Alteration::Set { rows: rows("task", &[]), column: "at", to: far },
        Alteration::Set { rows: rows("run", &[]), column: "settled_at", to: To::Nothing },
    ]);
    let said = env.baton(&["run", "plan.json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(env.stored().events("accepted").len(), 2);
}

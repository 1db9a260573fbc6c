//! The transition table, on a task and its policy.

use super::*;
use crate::id::{RunId, TermsId};
use crate::plan::Workstream;
use crate::task::policy::Effects;
use crate::task::policy::Effects::{External, Pure, Workspace};

const EPOCH: Epoch = Epoch(1);

fn task(state: State) -> Task {
    Task {
        id: TaskId(7),
        run: RunId(1),
        parent: None,
        terms: TermsId(1),
        state,
        held: false,
        cancelling: false,
        epoch: EPOCH,
        attempts: 1,
        crashes: 0,
        conflicts: 0,
        priority: 0,
        created: Time(0),
        deadline: None,
    }
}

fn running() -> State {
    State::Running { agent: AgentId(1), since: Time(0), lease_until: Time(9) }
}

fn terms(effects: Effects, idempotent: bool) -> TaskPolicy {
    let mut terms = Workstream { effects, idempotent, ..Workstream::named("a") }.terms();
    (terms.retry.attempts, terms.retry.crashes) = (100, 100);
    terms
}

/// All ways in which an attempt can end without being accepted, but those that a person asked for.
fn ends(begun: Begun) -> Vec<TaskCommand> {
    let fail = |class| {
        let fault = Fault { begun, retry_after_ms: Some(1), ..Fault::new(class, "why") };
        TaskCommand::Fail { epoch: EPOCH, fault }
    };
    let mut ends: Vec<_> = ErrorClass::ALL.into_iter().map(fail).collect();
    ends.push(TaskCommand::Release { epoch: EPOCH, why: "why".into(), begun });
    if begun == Begun::Yes {
        ends.push(TaskCommand::LoseLease { why: "why".into() });
    }
    ends
}

#[test]
fn what_may_have_acted_is_never_made_again_unasked_however_it_ended() {
    let waiting = |stage| State::Waiting { stage, need: None, since: Time(0) };
    let mut asked = 0;
    for state in [running(), waiting(WaitingOn::Executor), waiting(WaitingOn::Acceptance)] {
        for end in ends(Begun::Yes) {
            let decided = decide(&task(state), &terms(External, false), end.clone(), Time(5), Seed(1));
            // A release and a lost lease are of what runs only.
            let Ok(fact) = decided else { continue };
            let Fact::Failed { fault } = &fact else { panic!("{end:?} in {state:?} came to {fact:?}") };
            assert!(fault.message.contains("it may have acted already"), "{end:?}: {fault}");
            asked += 1;
        }
    }
    assert_eq!(asked, 3 * ErrorClass::ALL.len() + 2, "every class in every state, a release, a lost lease");
}

#[test]
fn what_had_not_begun_or_may_be_repeated_is_made_again() {
    let cases = [
        (terms(External, false), Begun::No),
        (terms(External, true), Begun::Yes),
        (terms(Pure, false), Begun::Yes),
        (terms(Workspace, false), Begun::Yes),
    ];
    for (terms, begun) in cases {
        let again = |end: &TaskCommand| {
            let decided = decide(&task(running()), &terms, end.clone(), Time(5), Seed(1));
            matches!(decided, Ok(Fact::Retrying { .. } | Fact::Released { .. }))
        };
        let again = ends(begun).iter().filter(|end| again(end)).count();
        // Nine classes by the table of retries, a release, and a lost host where there was one.
        let expected = if begun == Begun::Yes { 11 } else { 10 };
        assert_eq!(again, expected, "{:?} {begun:?}", terms.effects);
    }
}

#[test]
fn only_a_new_epoch_ends_the_right_to_renew() {
    let mut lapsed = task(running());
    assert_eq!(renew(&mut lapsed, EPOCH, Time(500)), Ok(()));
    assert!(matches!(lapsed.state, State::Running { lease_until: Time(500), .. }));
    let stale = renew(&mut lapsed, Epoch(0), Time(900));
    assert_eq!(stale, Err(Refused::Stale { held: Epoch(0), current: EPOCH }));
}

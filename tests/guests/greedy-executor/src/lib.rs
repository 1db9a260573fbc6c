//! Never finishes. Configuration `do`: `spawn` (default: one more child each time), `nap` (waits for a moment, again and
//! again). Expected: the task fails and names the exceeded limit.

use baton_sdk::executor::{Config, ExecutionError, Executor, NewTask, Request, Step, Wait};

struct Greedy;

impl Executor for Greedy {
    fn advance(request: Request) -> Result<Step, ExecutionError> {
        let naps = Config(&request.config).get("do") == Some("nap");
        if naps && !request.children.is_empty() {
            return Ok(Step::Wait(Wait::Until(request.now + 1)));
        }
        let child = NewTask::new(format!("c{}", request.children.len()), "One more", "");
        let child = if naps { NewTask { agent: Some(String::from("nobody")), ..child } } else { child };
        Ok(Step::spawn(vec![child], if naps { Wait::Until(request.now + 1) } else { Wait::All }))
    }
}

baton_sdk::executor!(Greedy);

//! Serves what attempts want of the durable state: questions to people, and what agents remember.

use std::sync::Arc;

use baton_core::id::{Epoch, TaskId};
use baton_core::op::{HostError, Op, Rejection};
use baton_core::people::{Question, QuestionPolicy, StoredQuestion};
use baton_plugin::capability::state::{Answered, KeepError, StateRequest};
use baton_plugin::capability::{Cancellation, UsageMeter, notify};
use baton_store::Reader;
use baton_store::read::people;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::attempt::{CallScope, HostContext};
use crate::event_loop::Live;

pub struct StateServer {
    pub live: Live,
    pub reader: Reader,
    pub policy: Arc<QuestionPolicy>,
    pub host: HostContext,
    /// Held by every notification that is under way.
    pub under_way: mpsc::Sender<()>,
}

impl StateServer {
    /// Ends when nobody can ask any more.
    pub async fn run(self, mut requests: UnboundedReceiver<StateRequest>) {
        while let Some(request) = requests.recv().await {
            self.serve(request);
        }
    }

    /// Reads at once; what must be written is answered when it is durable.
    fn serve(&self, request: StateRequest) {
        match request {
            StateRequest::Ask { task, epoch, question, reply } => {
                let known = people::keyed(&self.reader, task, &question.key).ok().flatten();
                // An answer is for what was asked, not for what is called the same.
                let same = |asked: &StoredQuestion| {
                    asked.question.text == question.text && asked.question.choices == question.choices
                };
                if let Some(told) = known.filter(same).and_then(told) {
                    let _ = reply.send(Some(told));
                    return;
                }
                let asked = self.ask(task, epoch, *question);
                tokio::spawn(async move {
                    // Without a reply the attempt learns that its right to act is gone.
                    if let Ok(told) = asked.await {
                        let _ = reply.send(told);
                    }
                });
            }
            StateRequest::Answers { task, reply } => {
                let asked = people::of_task(&self.reader, task).unwrap_or_default();
                let _ = reply.send(asked.into_iter().filter_map(told).collect());
            }
            StateRequest::Recall { agent, key, reply } => {
                let _ = reply.send(people::recall(&self.reader, &agent, &key).ok().flatten());
            }
            StateRequest::Keys { agent, prefix, reply } => {
                let _ = reply.send(people::remembered(&self.reader, &agent, &prefix).unwrap_or_default());
            }
            StateRequest::Remember { task, epoch, agent, key, value, reply } => {
                let kept = self.live.submit(vec![Op::Remember { task, epoch, agent, key, value }]);
                tokio::spawn(async move {
                    let _ = match kept.await.pop() {
                        Some(Ok(_)) => reply.send(Ok(())),
                        Some(Err(Rejection::Invalid(why))) => reply.send(Err(KeepError::Full(why))),
                        Some(Err(_)) | None => reply.send(Err(KeepError::Stale)),
                    };
                });
            }
        }
    }

    /// Stores the question, with the answer that the policy has at once.
    fn ask(
        &self,
        task: TaskId,
        epoch: Epoch,
        question: Question,
    ) -> impl Future<Output = Result<Option<Answered>, Rejection>> + use<> {
        let now = self.host.clock.now();
        let until = self.policy.until(now);
        let at_once = until.is_some_and(|until| until <= now);
        let answer = self.policy.answer(&question).filter(|_| at_once);
        let told = answer.as_ref().map(|text| Answered {
            key: question.key.clone(),
            text: text.clone(),
            resume: question.resume.clone(),
        });
        let op = Op::Ask { task, epoch, question: Box::new(question.clone()), until, answer };
        let stored = self.live.submit(vec![op]);
        let told_people = self.notify(task, question);
        async move {
            stored.await.pop().unwrap_or_else(|| Err(HostError::NoAnswer.into()))?;
            if told.is_none() {
                tokio::spawn(told_people);
            }
            Ok(told)
        }
    }

    /// Tells people by the program or the service that the operator named for it. That it fails is told in the log: the
    /// question waits all the same.
    fn notify(&self, task: TaskId, question: Question) -> impl Future<Output = ()> + use<> {
        let (policy, host) = (Arc::clone(&self.policy), self.host.clone());
        let of = baton_store::read::name(&self.reader, task).unwrap_or_default();
        let under_way = self.under_way.clone();
        async move {
            let _under_way = under_way;
            let scope = CallScope {
                task,
                epoch: Epoch(0),
                idempotency_key: format!("question/{of}/{}", question.key),
                deadline: host.clock.now() + std::time::Duration::from_secs(60),
                meter: Arc::new(UsageMeter::default()),
                folder: None,
                may_write: true,
            };
            let capabilities = host.own_capabilities(scope, Arc::new(Cancellation::default()));
            for told in [
                notify::by_program(&capabilities, policy.notify_profile.as_deref(), &of, &question).await,
                notify::by_request(&capabilities, policy.notify_service.as_deref(), &of, &question).await,
            ] {
                if let Err(why) = told {
                    tracing::warn!("nobody was told of the question of {of}: {why}");
                }
            }
        }
    }
}

fn told(asked: StoredQuestion) -> Option<Answered> {
    let answer = asked.answer?;
    Some(Answered { key: asked.question.key, text: answer.text, resume: asked.question.resume })
}

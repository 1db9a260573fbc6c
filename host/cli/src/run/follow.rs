//! Shows a run as it goes: live bars on a terminal, lines when piped, NDJSON for programs.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use baton_app::host::{Progress, RunRecord, RunWaits};
use baton_app::routers::is_built_in;
use baton_app::view::events::EventEntry;
use baton_app::view::status::NamedWait;
use baton_core::clock::Time;
use baton_core::event::{Event, Fact};
use baton_core::id::{AgentId, RunId, TaskId};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::super::{Failure, Global, screen};

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Bars,
    Lines,
    Json,
    Quiet,
}

impl Manner {
    pub(super) fn of(global: &Global) -> Self {
        match global {
            Global { json: true, .. } => Self::Json,
            Global { quiet: true, .. } => Self::Quiet,
            Global { .. } if screen::is_terminal() => Self::Bars,
            Global { .. } => Self::Lines,
        }
    }
}

pub(super) struct Follower {
    record: RunRecord,
    manner: Manner,
    started: HashMap<TaskId, (Time, AgentId)>,
    bars: Option<Bars>,
}

struct Bars {
    all: MultiProgress,
    total: ProgressBar,
    busy: BTreeMap<AgentId, BTreeMap<TaskId, ProgressBar>>,
    failed: u64,
}

impl Follower {
    /// `fresh`: the run was opened now.
    pub(super) fn new(record: RunRecord, run: RunId, manner: Manner, fresh: bool) -> Result<Self, Failure> {
        let (done, total) = record.accepted()?;
        let mut follower = Self { record, manner, started: HashMap::new(), bars: None };
        match manner {
            Manner::Bars => follower.bars = Some(Bars::new(run, total, done)),
            Manner::Lines if fresh => screen::line(&format!("{run}: {total} tasks")),
            Manner::Lines => screen::line(&format!("{run}: goes on, {done} of {total} tasks are accepted")),
            Manner::Json | Manner::Quiet => {}
        }
        Ok(follower)
    }

    pub(super) fn record(&self) -> &RunRecord {
        &self.record
    }

    /// Shows all that was recorded since last time.
    pub(super) fn catch_up(&mut self) -> Result<(), Failure> {
        loop {
            let page = self.record.page()?;
            if page.is_empty() {
                return Ok(());
            }
            page.iter().try_for_each(|entry| self.show(entry))?;
        }
    }

    fn show(&mut self, entry: &EventEntry) -> Result<(), Failure> {
        match self.manner {
            Manner::Quiet => Ok(()),
            Manner::Json => {
                screen::json(entry);
                Ok(())
            }
            Manner::Lines | Manner::Bars => self.tell(&entry.event),
        }
    }

    /// The events that people want to see as they happen.
    fn tell(&mut self, event: &Event) -> Result<(), Failure> {
        let Some(task) = event.task else {
            if let Some(text) = of_run(&event.fact) {
                self.say(&text);
            }
            return Ok(());
        };
        let name = self.record.task(task)?;
        match &event.fact {
            Fact::Assigned { agent, .. } => {
                self.started.insert(task, (event.at, *agent));
                let agent_name = self.record.agent(*agent)?;
                match &mut self.bars {
                    Some(bars) => bars.begin(*agent, task, &agent_name, &name),
                    None => self.say(&format!("{name} → {agent_name}")),
                }
            }
            Fact::Accepted { .. } => self.over(task, event, &format!("{name} accepted"), true),
            Fact::Retrying { fault, until, .. } => {
                let pause = screen::span(u64::try_from(until.since(event.at).as_millis()).unwrap_or(0));
                self.over(task, event, &format!("{name} will be tried again in {pause}: {fault}"), false);
            }
            Fact::Failed { fault } => {
                self.over(task, event, &format!("{name} failed: {fault}"), false);
                if let Some(bars) = &mut self.bars {
                    bars.fail();
                }
            }
            Fact::Cancelled { why } => self.over(task, event, &format!("{name} cancelled: {why}"), false),
            Fact::Released { why } => self.over(task, event, &format!("{name} given back: {why}"), false),
            Fact::Conflicted { files } => {
                let text = format!(
                    "{name} is tried again alone, uncharged: what landed meanwhile changed {} too",
                    files.join(", ")
                );
                self.over(task, event, &text, false);
            }
            Fact::LandingStalled { why } => {
                self.say(&format!("{name} is accepted and can't land yet: {why}"))
            }
            Fact::Asked { question, text, waits: true, .. } => {
                let text = format!("{name} waits for a person: {text} (`baton answer {question}`)");
                self.over(task, event, &text, false);
            }
            Fact::Claimed => {
                if let (Some(bars), Some((_, agent))) = (&mut self.bars, self.started.get(&task)) {
                    bars.end(*agent, task);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn over(&mut self, task: TaskId, event: &Event, text: &str, accepted: bool) {
        let started = self.started.remove(&task);
        let took = started.map(|(since, _)| u64::try_from(event.at.since(since).as_millis()).unwrap_or(0));
        let took = took.map(|millis| format!(" ({})", screen::span(millis))).unwrap_or_default();
        if let (Some(bars), Some((_, agent))) = (&mut self.bars, started) {
            bars.end(agent, task);
        }
        let own = !self.record.known_task(task).is_some_and(|name| name.contains('/'));
        match &self.bars {
            Some(bars) if accepted && own => bars.total.inc(1),
            Some(_) if accepted => {}
            Some(_) | None => self.say(&format!("{text}{took}")),
        }
    }

    fn say(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                let _ = bars.all.println(screen::plain(text));
            }
            None => screen::line(text),
        }
    }

    /// What an attempt says while it works.
    pub(super) fn progress(&mut self, Progress { task, message }: &Progress) {
        if let (Some(bars), Some((_, agent))) = (&self.bars, self.started.get(task))
            && let Some(bar) = bars.busy.get(agent).and_then(|tasks| tasks.get(task))
        {
            let name = self.record.known_task(*task).unwrap_or_default();
            bar.set_message(screen::cell(&format!("{name}  {message}")).into_owned());
        }
    }

    /// Says what the run began to wait for since last time.
    pub(super) fn waits(&mut self, waits: RunWaits) -> Result<(), Failure> {
        let fresh = self.record.fresh_waits(waits, self.started.is_empty())?;
        fresh.iter().for_each(|wait| self.say_wait(wait));
        Ok(())
    }

    fn say_wait(&self, wait: &NamedWait) {
        match self.manner {
            Manner::Quiet => {}
            // Standard output holds events only.
            Manner::Json => screen::note(&wait.text()),
            Manner::Lines | Manner::Bars => self.say(&wait.text()),
        }
    }

    pub(super) fn tick(&self) {
        if let Some(bars) = &self.bars {
            bars.busy.values().flat_map(BTreeMap::values).for_each(ProgressBar::tick);
        }
    }

    pub(super) fn finish(&mut self) {
        if let Some(bars) = self.bars.take() {
            let _ = bars.all.clear();
        }
    }
}

fn of_run(fact: &Fact) -> Option<String> {
    match fact {
        Fact::RouterUsed { router, before: Some(before), .. } if before == router => {
            Some(format!("a new version of router {router} takes over"))
        }
        Fact::RouterUsed { router, before: Some(before), .. } => {
            Some(format!("router {router} takes over from {before}"))
        }
        Fact::RouterDegraded { router, why, .. } => {
            Some(format!("router {router} failed, the host decides: {why}"))
        }
        Fact::RouterRolledBack { from, to, why } if is_built_in(to) => Some(format!(
            "router {from} is off: from now on the least loaded agent is chosen, until `baton router use`: {why}"
        )),
        Fact::RouterRolledBack { from, to, why } if from == to => {
            Some(format!("the version before of router {to} is back: {why}"))
        }
        Fact::RouterRolledBack { from, to, why } => {
            Some(format!("router {to} is back in place of {from}: {why}"))
        }
        Fact::BudgetSpent { account, resource, cap, .. } => {
            Some(format!("the budget of {account} is used up: {}", resource.shown(*cap)))
        }
        Fact::RunHeld => Some("paused".into()),
        Fact::RunUnheld => Some("goes on".into()),
        Fact::RunAmended { added, removed, changed, .. } => {
            Some(format!("plan amended: {added} added, {removed} removed, {changed} changed"))
        }
        _ => None,
    }
}

impl Bars {
    fn new(run: RunId, total: u64, done: u64) -> Self {
        let all = MultiProgress::new();
        let bar = all.add(ProgressBar::new(total));
        let style = ProgressStyle::with_template("{prefix} [{wide_bar}] {pos}/{len}{msg} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.set_prefix(run.to_string());
        bar.set_position(done);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { all, total: bar, busy: BTreeMap::new(), failed: 0 }
    }

    fn begin(&mut self, agent: AgentId, task: TaskId, agent_name: &str, name: &str) {
        let bar = self.all.add(ProgressBar::new_spinner());
        let style = ProgressStyle::with_template("  {spinner} {prefix:12!} {wide_msg} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_prefix(screen::cell(agent_name).into_owned());
        bar.set_message(screen::cell(name).into_owned());
        self.busy.entry(agent).or_default().insert(task, bar);
    }

    fn end(&mut self, agent: AgentId, task: TaskId) {
        if let Some(bar) = self.busy.get_mut(&agent).and_then(|tasks| tasks.remove(&task)) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    fn fail(&mut self) {
        self.failed += 1;
        self.total.set_message(format!(", {} failed", self.failed));
    }
}

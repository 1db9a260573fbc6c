//! The table itself.

use baton_engine::replay::judged::Backtested;

use super::{About, Entry, Kind, Operation, Repeat, Role, from_json, schema};
use crate::agents::{self, AgentCard, AgentChanged, AgentName};
use crate::merge::{self, Merged};
use crate::notes::{self, NoteNumber};
use crate::plugins::{self, PluginAdd, PluginInstalled, PluginName, PluginRemoved};
use crate::routers::{
    self, BacktestQuery, Promotion, Rollback, RouterMoved, RouterName, RouterShare, RouterUse, RouterUsed,
};
use crate::runs::{
    self, Amended, Amendment, AnswerGiven, Answered, Changed, Draining, Feedback, Nothing, Targets, Tasks,
};
use crate::submit::{self, Submit, Submitted};
use crate::why::{self, WhyAnswer, WhyQuery};

/// Rows of the form
/// `CONSTANT = "name", kind, role, repeat, [["verb"], …], "one line of help", Input => Output, function;`
macro_rules! operations {
    ($($constant:ident = $name:literal, $kind:ident, $role:ident, $repeat:ident, [$([$($word:literal),+]),+],
        $help:literal, $input:ty => $output:ty, $call:path;)*) => {
        $(
            #[doc = $help]
            pub const $constant: Operation<$input, $output> = Operation {
                about: About {
                    name: $name,
                    kind: Kind::$kind,
                    role: Role::$role,
                    repeat: Repeat::$repeat,
                    verbs: &[$(&[$($word),+]),+],
                    help: $help,
                },
                call: $call,
            };
        )*

        /// Every operation.
        pub const ALL: &[Entry] = &[$(
            Entry {
                about: $constant.about,
                input: schema::<$input>,
                output: schema::<$output>,
                call: |app, input| from_json(app, &$constant, input),
            },
        )*];
    };
}

operations! {
    SUBMIT = "submit", Write, Operator, Repeatable, [["run"]],
        "Open a run of a plan, or find the one that the same source opened.",
        Submit => Submitted, submit::submit;
    AMEND = "amend", Write, Operator, Repeatable, [["plan", "amend"]],
        "Make a run follow another version of its plan, as a whole or not at all.",
        Amendment => Amended, runs::amend;
    PAUSE = "pause", Write, Operator, Repeatable, [["pause"]],
        "Pause runs or tasks: what runs may finish, and nothing more of them starts.",
        Targets => Vec<Changed>, runs::pause;
    RESUME = "resume", Write, Operator, Repeatable, [["resume"]],
        "Resume paused runs or tasks.",
        Targets => Vec<Changed>, runs::resume;
    CANCEL = "cancel", Write, Operator, Once, [["cancel"]],
        "Cancel runs or tasks; what runs is asked to stop.",
        Targets => Vec<Changed>, runs::cancel;
    RETRY = "retry", Write, Operator, Once, [["retry"], ["dead", "redrive"]],
        "Run failed, cancelled or skipped tasks again, with all of their attempts.",
        Targets => Vec<Changed>, runs::retry;
    DROP = "drop", Write, Operator, Once, [["dead", "drop"]],
        "Give dead letters up for good: what depends on them is skipped.",
        Tasks => Vec<Changed>, runs::drop;
    ANSWER = "answer", Write, Operator, Once, [["answer"]],
        "Answer a question; the task that asked goes on with it.",
        AnswerGiven => Answered, runs::answer;
    FEEDBACK = "feedback", Write, Operator, Repeatable, [["feedback"]],
        "Rate a task's outcome.",
        Feedback => Changed, runs::feedback;
    MERGE = "merge", Write, Operator, Repeatable, [["merge"]],
        "Take what was accepted into the branch that is checked out.",
        Nothing => Merged, merge::merge;
    DRAIN = "drain", Write, Admin, Repeatable, [["drain"]],
        "End the host once what runs has ended; it starts nothing more.",
        Nothing => Draining, runs::drain;
    AGENT_ADD = "agent-add", Write, Admin, Repeatable, [["agents", "add"]],
        "Register an agent, or give it a new card.",
        AgentCard => AgentChanged, agents::add;
    AGENT_DRAIN = "agent-drain", Write, Operator, Repeatable, [["agents", "drain"]],
        "Let an agent finish what it has, and give it nothing more.",
        AgentName => AgentChanged, agents::drain;
    AGENT_RESUME = "agent-resume", Write, Operator, Repeatable, [["agents", "resume"]],
        "Give a drained agent work again.",
        AgentName => AgentChanged, agents::resume;
    AGENT_REMOVE = "agent-remove", Write, Admin, Once, [["agents", "remove"]],
        "Take an agent out of the registry.",
        AgentName => AgentChanged, agents::remove;
    ROUTER_USE = "router-use", Write, Operator, Repeatable, [["router", "use"]],
        "Have another router decide for a run from its next decision on.",
        RouterUse => RouterUsed, routers::use_for_run;
    ROUTER_SHADOW = "router-shadow", Write, Admin, Repeatable, [["router", "shadow"]],
        "Ask a router beside every decision, without following it.",
        RouterName => RouterMoved, routers::shadow;
    ROUTER_SPLIT = "router-ab", Write, Admin, Repeatable, [["router", "ab"]],
        "Let a router decide about a share of the tasks, and compare.",
        RouterShare => RouterMoved, routers::split;
    ROUTER_PROMOTE = "router-promote", Write, Admin, Once, [["router", "promote"]],
        "Let a router decide: on probation first, with a holdback.",
        Promotion => RouterMoved, routers::promote;
    ROUTER_ROLLBACK = "router-rollback", Write, Admin, Once, [["router", "rollback"]],
        "End the trial, or go back to the router before the promoted one.",
        Rollback => RouterMoved, routers::rollback;
    ROUTER_BACKTEST = "router-backtest", Write, Operator, Repeatable, [["router", "backtest"]],
        "Estimate what another router would have meant for recorded decisions, and note the finding for promotions.",
        BacktestQuery => Backtested, routers::backtest;
    PLUGIN_ADD = "plugin-add", Write, Admin, Repeatable, [["plugin", "add"]],
        "Install a component by its digest, and grant what it asks for.",
        PluginAdd => PluginInstalled, plugins::add;
    PLUGIN_REMOVE = "plugin-remove", Write, Admin, Once, [["plugin", "remove"]],
        "Uninstall a plugin.",
        PluginName => PluginRemoved, plugins::remove;
    NOTE_FORGET = "note-forget", Write, Operator, Repeatable, [["notes", "forget"]],
        "Tell a note to nobody any more, also if it is taught again.",
        NoteNumber => NoteNumber, notes::forget;
    WHY = "why", Read, Viewer, Repeatable, [["why"]],
        "The one thing that a task waits for.",
        WhyQuery => WhyAnswer, why::why;
}

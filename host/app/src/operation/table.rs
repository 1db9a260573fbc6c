//! The table itself.

use baton_core::people::StoredQuestion;
use baton_core::plan::template::Template;
use baton_engine::replay::judged::Backtested;
use baton_learn::Insights;
use baton_store::read::history::DeadLetter;
use baton_store::read::insight::Numbered;

use super::{About, Entry, Kind, Operation, Repeat, Role, from_json, schema};
use crate::agents::{self, AgentCard, AgentChanged, AgentName};
use crate::db::{self, Backup};
use crate::doctor::{self, Diagnosis, DoctorQuery};
use crate::merge::{self, Merged};
use crate::notes::{self, NoteNumber};
use crate::plugins::check::{PluginCheck, PluginChecked};
use crate::plugins::{self, PluginAdd, PluginInstalled, PluginName, PluginRemoved};
use crate::probe::{self, AgentTest, AgentTested};
use crate::routers::{
    self, BacktestQuery, Promotion, Rollback, RouterMoved, RouterName, RouterShare, RouterUse, RouterUsed,
};
use crate::runs::{
    self, Amended, Amendment, AnswerGiven, Answered, Changed, Draining, Feedback, Nothing, Targets, Tasks,
};
use crate::submit::{self, Submit, Submitted};
use crate::templates::{self, TemplateSaved, TemplateSource};
use crate::view::agents::AgentStatus;
use crate::view::audit::{self, Audit, AuditHead, AuditQuery};
use crate::view::cost::{self, CostQuery, Costs};
use crate::view::dead::{self, DeadQuery};
use crate::view::events::{self, EventEntry, EventQuery};
use crate::view::notes::NoteQuery;
use crate::view::plan::{self, PlanQuery, PlanSummary};
use crate::view::plugins::{LimitQuery, PluginDetails, PluginEntry, PluginLimits, PluginQuery};
use crate::view::questions::{self, QuestionQuery};
use crate::view::report::{self, ReportQuery, RunReport};
use crate::view::router::{
    self, BundleExport, Explanation, ExportQuery, RouterStatus, Verification, VerificationQuery,
};
use crate::view::skills::{self, SkillQuery, SkillTable};
use crate::view::status::{self, Status, StatusQuery};
use crate::view::task::{self, TaskDetails, TaskQuery};
use crate::view::worktrees::{self, Worktree};
use crate::view::{self, insights};
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
        "Pause runs or tasks: what runs may finish, and nothing more of them starts. What is paused already stays paused.",
        Targets => Vec<Changed>, runs::pause;
    RESUME = "resume", Write, Operator, Repeatable, [["resume"]],
        "Resume paused runs or tasks. What is not paused goes on as it is.",
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
        "Suppress a note, also if the same refusals occur again.",
        NoteNumber => NoteNumber, notes::forget;
    WHY = "why", Read, Viewer, Repeatable, [["why"]],
        "The one thing that a task waits for.",
        WhyQuery => WhyAnswer, why::why;
    STATUS = "status", Read, Viewer, Repeatable, [["status"]],
        "Where runs and their tasks stand.",
        StatusQuery => Status, status::status;
    TASK = "task", Read, Viewer, Repeatable, [["show"], ["dead", "show"]],
        "All that is known of a task.",
        TaskQuery => TaskDetails, task::task;
    EVENTS = "events", Stream, Viewer, Repeatable, [["events"]],
        "The record as it was written, at most 1,000 events at a time; ask again after the last of them.",
        EventQuery => Vec<EventEntry>, events::events;
    REPORT = "report", Read, Viewer, Repeatable, [["report"]],
        "The result of a run.",
        ReportQuery => RunReport, report::report;
    COST = "cost", Read, Viewer, Repeatable, [["cost"]],
        "What was spent, and on whose account.",
        CostQuery => Costs, cost::cost;
    QUESTIONS = "questions", Read, Viewer, Repeatable, [["questions"]],
        "What agents ask of people.",
        QuestionQuery => Vec<StoredQuestion>, questions::questions;
    DEAD = "dead", Read, Viewer, Repeatable, [["dead", "list"]],
        "Tasks that were given up.",
        DeadQuery => Vec<DeadLetter>, dead::dead;
    WORKTREES = "worktrees", Read, Viewer, Repeatable, [["worktrees"]],
        "The working trees of tasks, and whose they are.",
        Nothing => Vec<Worktree>, worktrees::worktrees;
    WORKTREES_PRUNE = "worktrees-prune", Write, Operator, Repeatable, [["worktrees"]],
        "Take those working trees away whose task has ended.",
        Nothing => Vec<Worktree>, worktrees::prune;
    AGENTS = "agents", Read, Viewer, Repeatable, [["agents", "list"]],
        "All agents, with load, breaker and what is known of their work.",
        Nothing => Vec<AgentStatus>, view::agents::agents;
    AGENT = "agent", Read, Viewer, Repeatable, [["agents", "show"]],
        "One agent, with what is known of its work.",
        AgentName => AgentStatus, view::agents::agent;
    AGENT_TEST = "agent-test", Write, Operator, Repeatable, [["agents", "test"]],
        "Ask an agent's adapter whether it could work now; with two small tasks if that is wanted.",
        AgentTest => AgentTested, probe::test;
    SKILLS = "skills", Read, Viewer, Repeatable, [["skills"]],
        "Who can do what, by what was accepted.",
        SkillQuery => SkillTable, skills::skills;
    INSIGHTS = "insights", Read, Viewer, Repeatable, [["insights"]],
        "What the record teaches: bottlenecks, patterns, anomalies, pairs, drift, gaps, teams.",
        Nothing => Insights, insights::insights;
    NOTES = "notes", Read, Viewer, Repeatable, [["notes", "list"]],
        "What refusals taught later tasks of a kind.",
        NoteQuery => Vec<Numbered>, view::notes::notes;
    ROUTER_STATUS = "router-status", Read, Viewer, Repeatable, [["router", "status"]],
        "Who decides, and how the router on trial does.",
        Nothing => RouterStatus, router::status;
    ROUTER_EXPLAIN = "router-explain", Read, Viewer, Repeatable, [["router", "explain"]],
        "Why a task went where it went: every candidate with its score, and why the others were none.",
        TaskQuery => Explanation, router::explain;
    ROUTER_VERIFY = "router-verify", Read, Viewer, Repeatable, [["router", "verify"]],
        "Make recorded decisions and lessons again, and see that each comes out byte for byte the same.",
        VerificationQuery => Verification, router::verify;
    ROUTER_EXPORT = "router-export", Write, Admin, Once, [["router", "export"]],
        "Write recorded decisions with all that they depend on into one file, to be verified elsewhere.",
        ExportQuery => BundleExport, router::export;
    PLUGINS = "plugins", Read, Viewer, Repeatable, [["plugin", "list"]],
        "All plugins that are bundled or installed.",
        Nothing => Vec<PluginEntry>, view::plugins::plugins;
    PLUGIN = "plugin", Read, Viewer, Repeatable, [["plugin", "inspect"]],
        "Every plugin of a name: digest, contract, imports, grants.",
        PluginQuery => Vec<PluginDetails>, view::plugins::inspect;
    PLUGIN_LIMITS = "plugin-limits", Read, Viewer, Repeatable, [["plugin", "limits"]],
        "What one call of each plugin may use.",
        LimitQuery => Vec<PluginLimits>, view::plugins::limits;
    PLUGIN_CHECK = "plugin-check", Read, Viewer, Repeatable, [["plugin", "check"]],
        "What a component is, what it asks for, and whether it could be loaded.",
        PluginCheck => PluginChecked, plugins::check::check;
    PLAN_CHECK = "plan-check", Read, Viewer, Repeatable, [["plan", "check"]],
        "Whether a plan is sound, and whether there is what carries it out: all of its errors at once.",
        PlanQuery => PlanSummary, plan::check;
    TEMPLATES = "templates", Read, Viewer, Repeatable, [["template", "list"]],
        "The templates that there are, with their parameters.",
        Nothing => Vec<Template>, templates::list;
    TEMPLATE_SAVE = "template-save", Write, Operator, Once, [["template", "save"]],
        "Make a template of a pattern or of a run.",
        TemplateSource => TemplateSaved, templates::save;
    AUDIT_VERIFY = "audit-verify", Read, Viewer, Repeatable, [["audit", "verify"]],
        "Walk the hash chains and compare the rows that they vouch for, or compare the record with a head that was kept.",
        AuditQuery => Audit, audit::audit;
    AUDIT_HEAD = "audit-head", Read, Viewer, Repeatable, [["audit", "head"]],
        "A digest of the whole record so far, to be kept elsewhere.",
        Nothing => AuditHead, audit::head;
    DB_CHECK = "db-check", Read, Viewer, Repeatable, [["db", "check"]],
        "Everything that is wrong with the store, a line each.",
        Nothing => Vec<String>, db::check;
    DB_BACKUP = "db-backup", Write, Admin, Once, [["db", "backup"]],
        "Copy the store and its installed plugins into a file, also while a host runs.",
        Backup => Backup, db::backup;
    DOCTOR = "doctor", Read, Viewer, Repeatable, [["doctor"]],
        "Look at everything that a run needs from this machine, and name the remedy for what is missing.",
        DoctorQuery => Vec<Diagnosis>, doctor::doctor;
}

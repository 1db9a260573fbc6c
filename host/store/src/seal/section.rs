//! Which columns are sealed together.

/// Columns of a table that are written together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Section {
    Meta,
    RunOpened,
    RunPlan,
    RunRouter,
    RunHeld,
    RunSettled,
    Terms,
    TaskSpec,
    Dep,
    AttemptStarted,
    AttemptReserved,
    AttemptBilled,
    AttemptClaimed,
    AttemptEnded,
    Decision,
    RoutingState,
    RoutingLearned,
    Lesson,
    TrialStarted,
    TrialStage,
    TrialEnded,
    AgentCard,
    AgentDraining,
    AgentRemoved,
    AgentBreaker,
    QuestionAsked,
    QuestionAnswered,
    Feedback,
    Episode,
    NoteTaught,
    NoteForgotten,
    Memory,
    Plugin,
    HostStarted,
    HostStopped,
}

/// Where a section lies. Of a column that stands for nothing by another value than NULL, the expression makes it NULL:
/// a section whose columns are all NULL is not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Stored, and never given to another section.
    pub(super) number: u8,
    pub(crate) table: &'static str,
    pub(crate) keys: &'static [&'static str],
    pub(crate) columns: &'static [&'static str],
}

const fn layout(
    number: u8,
    table: &'static str,
    keys: &'static [&'static str],
    columns: &'static [&'static str],
) -> Layout {
    Layout { number, table, keys, columns }
}

impl Section {
    pub(crate) const ALL: [Self; 35] = [
        Self::Meta,
        Self::RunOpened,
        Self::RunPlan,
        Self::RunRouter,
        Self::RunHeld,
        Self::RunSettled,
        Self::Terms,
        Self::TaskSpec,
        Self::Dep,
        Self::AttemptStarted,
        Self::AttemptReserved,
        Self::AttemptBilled,
        Self::AttemptClaimed,
        Self::AttemptEnded,
        Self::Decision,
        Self::RoutingState,
        Self::RoutingLearned,
        Self::Lesson,
        Self::TrialStarted,
        Self::TrialStage,
        Self::TrialEnded,
        Self::AgentCard,
        Self::AgentDraining,
        Self::AgentRemoved,
        Self::AgentBreaker,
        Self::QuestionAsked,
        Self::QuestionAnswered,
        Self::Feedback,
        Self::Episode,
        Self::NoteTaught,
        Self::NoteForgotten,
        Self::Memory,
        Self::Plugin,
        Self::HostStarted,
        Self::HostStopped,
    ];

    pub(crate) const fn layout(self) -> Layout {
        match self {
            Self::Meta => layout(1, "meta", &["key"], &["value"]),
            Self::RunOpened => layout(2, "run", &["id"], &["name", "key", "seed", "created_at"]),
            Self::RunPlan => layout(3, "run_plan", &["run_id"], &["digest", "plan"]),
            Self::RunRouter => layout(4, "run", &["id"], &["router", "router_digest", "router_before"]),
            Self::RunHeld => layout(5, "run", &["id"], &["nullif(held, 0)"]),
            Self::RunSettled => layout(6, "run", &["id"], &["settled_at"]),
            Self::Terms => layout(7, "terms", &["id"], &["json"]),
            Self::TaskSpec => layout(8, "task_spec", &["task_id"], &["run_id", "name", "spec"]),
            Self::Dep => layout(9, "dep", &["parent_id", "child_id"], &[]),
            Self::AttemptStarted => {
                layout(10, "attempt", ATTEMPT, &["agent_id", "decision_id", "started_at"])
            }
            Self::AttemptReserved => layout(11, "attempt", ATTEMPT, &["reserved"]),
            Self::AttemptBilled => layout(12, "attempt", ATTEMPT, &["bill"]),
            Self::AttemptClaimed => layout(13, "attempt", ATTEMPT, &["claimed_at"]),
            Self::AttemptEnded => layout(14, "attempt", ATTEMPT, &["ended_at", "ending", "report"]),
            Self::Decision => layout(15, "decision", &["id"], DECISION),
            Self::RoutingState => layout(16, "routing", ROUTING, &["state"]),
            Self::RoutingLearned => layout(17, "routing", ROUTING, &["nullif(learned, 0)"]),
            Self::Lesson => layout(18, "lesson", &["id"], LESSON),
            Self::TrialStarted => layout(19, "trial", &["id"], &["router", "digest", "started_at"]),
            Self::TrialStage => layout(20, "trial", &["id"], &["terms", "moved_at"]),
            Self::TrialEnded => layout(21, "trial", &["id"], &["ended_at", "ending"]),
            Self::AgentCard => layout(22, "agent", &["id"], &["name", "card"]),
            Self::AgentDraining => layout(23, "agent", &["id"], &["nullif(draining, 0)"]),
            Self::AgentRemoved => layout(24, "agent", &["id"], &["nullif(removed, 0)"]),
            Self::AgentBreaker => layout(25, "agent", &["id"], &["breaker"]),
            Self::QuestionAsked => layout(26, "question", &["id"], QUESTION),
            Self::QuestionAnswered => {
                layout(27, "question", &["id"], &["answer", "answered_by", "answered_at"])
            }
            Self::Feedback => layout(
                28,
                "feedback",
                &["id"],
                &["task_id", "epoch", "agent_id", "score", "note", "by", "at"],
            ),
            Self::Episode => layout(29, "episode", &["seq"], &["episode"]),
            Self::NoteTaught => layout(30, "note", &["id"], &["kind", "lesson", "note"]),
            Self::NoteForgotten => layout(31, "note", &["id"], &["nullif(forgotten, 0)"]),
            Self::Memory => layout(32, "memory", &["agent", "key"], &["value", "at"]),
            Self::Plugin => layout(33, "plugin", &["name"], &["kind", "digest", "grants", "added_at"]),
            Self::HostStarted => layout(34, "host", &["boot"], &["pid", "version", "machine", "started_at"]),
            Self::HostStopped => layout(35, "host", &["boot"], &["stopped_at"]),
        }
    }

    pub(super) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.layout().number == number)
    }
}

const ATTEMPT: &[&str] = &["task_id", "epoch"];
const ROUTING: &[&str] = &["run_id", "digest"];
const DECISION: &[&str] = &[
    "run_id",
    "at",
    "router",
    "digest",
    "fuel",
    "input",
    "answer",
    "state_before",
    "state_after",
    "trial_id",
    "shadow_of",
];
const LESSON: &[&str] = &["run_id", "at", "router", "digest", "fuel", "input", "state_before", "state_after"];
const QUESTION: &[&str] = &["run_id", "task_id", "key", "question", "asked_at", "until"];

-- Version 3. Integers are milliseconds since 1970 (UTC) where they are times.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    key TEXT UNIQUE,
    seed INTEGER NOT NULL,
    router TEXT NOT NULL,
    router_digest TEXT NOT NULL,
    router_before TEXT,          -- where a rollback leads: name and digest as JSON
    held INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    settled_at INTEGER
) STRICT;
-- Apart, because whatever stands behind a large value in a row is as slow to read as the value.
CREATE TABLE run_plan (run_id INTEGER PRIMARY KEY, digest TEXT NOT NULL, plan BLOB NOT NULL) STRICT;

CREATE TABLE terms (id INTEGER PRIMARY KEY, json TEXT NOT NULL UNIQUE) STRICT;

-- Narrow and hot; what is only read now and then is in `task_spec`.
CREATE TABLE task (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL,
    parent_id INTEGER,
    parent_epoch INTEGER,
    role INTEGER,                -- 0 part, 1 evidence, 2 consult
    terms_id INTEGER NOT NULL,
    state INTEGER NOT NULL,      -- 0 blocked 1 ready 2 running 3 waiting 4 backoff 5 succeeded 6 failed 7 cancelled 8 skipped
    at INTEGER NOT NULL,         -- since, until or ended, as the state has it
    agent_id INTEGER,
    lease_until INTEGER,
    stage INTEGER,               -- 0 executor, 1 acceptance, 2 routing, 3 person
    need INTEGER,
    need_until INTEGER,
    class INTEGER,
    held INTEGER NOT NULL,
    cancelling INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    conflicts INTEGER NOT NULL DEFAULT 0,
    priority INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    deadline INTEGER,
    dropped INTEGER NOT NULL DEFAULT 0,   -- a dead letter that was given up
    removed INTEGER NOT NULL DEFAULT 0,   -- taken out of the plan by an amendment
    -- Derived, and checked by `baton db check`:
    deps_left INTEGER NOT NULL DEFAULT 0,
    children INTEGER NOT NULL DEFAULT 0,
    children_ended INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX task_live ON task (run_id) WHERE state < 5;                              -- recovery, status, settle
CREATE INDEX task_dead ON task (run_id) WHERE state = 6;                              -- dead list
CREATE INDEX task_parent ON task (parent_id, parent_epoch) WHERE parent_id IS NOT NULL; -- children of a composite task

CREATE TABLE task_spec (task_id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL, name TEXT NOT NULL, spec BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX task_spec_name ON task_spec (run_id, name);                       -- ws-22 -> its task

CREATE TABLE dep (
    parent_id INTEGER NOT NULL, child_id INTEGER NOT NULL, met INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (parent_id, child_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dep_child ON dep (child_id);                                             -- why is it blocked

CREATE TABLE attempt (
    task_id INTEGER NOT NULL, epoch INTEGER NOT NULL,
    agent_id INTEGER, decision_id INTEGER,
    started_at INTEGER NOT NULL, claimed_at INTEGER, ended_at INTEGER,
    ending TEXT,                 -- accepted, failed class, released, cancelled
    report BLOB,                 -- JSON
    reserved TEXT,               -- JSON: what was set aside when it started
    bill TEXT,                   -- JSON: what it used and cost
    PRIMARY KEY (task_id, epoch)
) STRICT, WITHOUT ROWID;

CREATE INDEX attempt_billed ON attempt (started_at) WHERE bill IS NOT NULL;              -- cost, and the caps at start

CREATE TABLE decision (
    id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL, at INTEGER NOT NULL,
    router TEXT NOT NULL, digest TEXT NOT NULL, fuel INTEGER NOT NULL,
    input BLOB NOT NULL, answer BLOB NOT NULL,      -- JSON without the states
    state_before TEXT NOT NULL, state_after TEXT NOT NULL,
    trial_id INTEGER,            -- decided while this trial was going on
    shadow_of INTEGER            -- the decision beside which it was asked; nothing followed from it
) STRICT;
CREATE INDEX decision_shadow ON decision (trial_id) WHERE shadow_of IS NOT NULL;
-- What routers leave for their next call, by its digest.
CREATE TABLE state (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
-- Where each router that decided for a run stands: its state, and up to which event it has learned.
CREATE TABLE routing (
    run_id INTEGER NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL, learned INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX routing_learned ON routing (digest, learned) WHERE learned > 0;           -- where a new run begins
CREATE TABLE lesson (
    id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL, at INTEGER NOT NULL,
    router TEXT NOT NULL, digest TEXT NOT NULL, fuel INTEGER NOT NULL,
    input BLOB NOT NULL,         -- JSON without the state
    state_before TEXT NOT NULL, state_after TEXT NOT NULL
) STRICT;

-- A router that is tried against the one that each run has. One at a time goes on.
CREATE TABLE trial (
    id INTEGER PRIMARY KEY,
    router TEXT NOT NULL, digest TEXT NOT NULL,
    terms TEXT NOT NULL,         -- JSON: stage, alpha, guards
    started_at INTEGER NOT NULL,
    moved_at INTEGER NOT NULL,   -- when its stage began
    ended_at INTEGER, ending TEXT
) STRICT;

-- What is known of agents' work on a skill (the empty one: on all), folded from the record.
CREATE TABLE tally (
    agent_id INTEGER NOT NULL, skill TEXT NOT NULL, tally TEXT NOT NULL,   -- JSON
    PRIMARY KEY (agent_id, skill)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    seq INTEGER PRIMARY KEY,     -- the order of commits: whoever reads on from one misses nothing
    at INTEGER NOT NULL,
    run_id INTEGER NOT NULL,     -- 0 = the host's own
    number INTEGER NOT NULL,     -- from 1 and gapless in its run
    task_id INTEGER,
    epoch INTEGER NOT NULL,
    kind TEXT NOT NULL,
    fact BLOB NOT NULL,          -- JSON
    seals BLOB NOT NULL,         -- digests of the rows that were written with it
    link BLOB NOT NULL           -- blake3 of the run's link before and this row, first 16 bytes
) STRICT;
CREATE INDEX event_run ON event (run_id, seq);                                        -- events of a run, audit
-- The last link of each run, so that a cut-off tail is noticed.
CREATE TABLE chain (
    run_id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, number INTEGER NOT NULL, link BLOB NOT NULL
) STRICT;

CREATE TABLE agent (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, card TEXT NOT NULL,
    draining INTEGER NOT NULL, removed INTEGER NOT NULL DEFAULT 0, breaker TEXT NOT NULL
) STRICT;

-- What people are asked, once for each task and key.
CREATE TABLE question (
    id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL, task_id INTEGER NOT NULL, key TEXT NOT NULL,
    question TEXT NOT NULL,      -- JSON
    asked_at INTEGER NOT NULL, until INTEGER,
    answer TEXT, answered_by TEXT, answered_at INTEGER
) STRICT;
CREATE UNIQUE INDEX question_key ON question (task_id, key);
CREATE INDEX question_open ON question (run_id) WHERE answer IS NULL;

-- What people think of outcomes, beside the checks in the attempts' reports.
CREATE TABLE feedback (
    id INTEGER PRIMARY KEY, task_id INTEGER NOT NULL, epoch INTEGER NOT NULL, agent_id INTEGER,
    score REAL NOT NULL, note TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;

-- Attempts as the analyses read them, consolidated from the record up to the event in `meta`.
CREATE TABLE episode (seq INTEGER PRIMARY KEY, episode TEXT NOT NULL) STRICT;  -- JSON
-- What refusals taught, handed to later tasks of the kind.
CREATE TABLE note (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, lesson TEXT NOT NULL,
    note TEXT NOT NULL,          -- JSON
    forgotten INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX note_lesson ON note (kind, lesson);

-- What agents remember between attempts.
CREATE TABLE memory (
    agent TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (agent, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE plugin (
    name TEXT PRIMARY KEY, kind TEXT NOT NULL, digest TEXT NOT NULL, grants TEXT NOT NULL, added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE host (
    boot INTEGER PRIMARY KEY, pid INTEGER NOT NULL, version TEXT NOT NULL, machine TEXT NOT NULL,
    started_at INTEGER NOT NULL, lease_until INTEGER NOT NULL, stopped_at INTEGER
) STRICT;

-- The workstreams of the newest run, in the words that people query.
CREATE VIEW workstream_status AS
SELECT
    b.name AS workstream_id,
    CASE
        WHEN t.state IN (0, 1, 4) THEN 'pending'
        WHEN t.state IN (2, 3) THEN 'running'
        WHEN t.state = 5 THEN 'completed'
        WHEN t.state = 6 THEN 'failed'
        WHEN t.state = 7 THEN 'cancelled'
        ELSE 'skipped'
    END AS status,
    (SELECT g.name FROM attempt a JOIN agent g ON g.id = a.agent_id WHERE a.task_id = t.id ORDER BY a.epoch DESC LIMIT 1) AS agent_id,
    (SELECT datetime(min(a.started_at) / 1000, 'unixepoch') FROM attempt a WHERE a.task_id = t.id) AS started_at,
    CASE WHEN t.state >= 5 THEN datetime(t.at / 1000, 'unixepoch') END AS completed_at
FROM task t
JOIN task_spec b ON b.task_id = t.id
WHERE t.parent_id IS NULL AND t.removed = 0 AND t.run_id = (SELECT max(id) FROM run);

-- Columns and a table are called what they are. What the record vouches for is counted by section, not by name.
DROP VIEW workstream_status;
DROP INDEX body_name;
ALTER TABLE body RENAME TO task_spec;
CREATE UNIQUE INDEX task_spec_name ON task_spec (run_id, name);                       -- ws-22 -> its task
ALTER TABLE task RENAME COLUMN kids TO children;
ALTER TABLE task RENAME COLUMN kids_ended TO children_ended;
-- Whatever stands behind a large value in a row is as slow to read as the value.
CREATE TABLE run_plan (run_id INTEGER PRIMARY KEY, digest TEXT NOT NULL, plan BLOB NOT NULL) STRICT;
INSERT INTO run_plan SELECT id, digest, plan FROM run;
ALTER TABLE run RENAME TO run_before;
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
INSERT INTO run SELECT id, name, key, seed, router, router_digest, router_before, held, created_at, settled_at FROM run_before;
DROP TABLE run_before;
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

#!/bin/sh
# Did the run of this folder come to what README.md says? Exit 0 and OK, or 1 and what differs.
set -eu
cd "$(dirname "$0")"
baton=${BATON-baton}
QUESTIONS=$("$baton" show questions --json) SYNTHESIS=$("$baton" show synthesis --json) COST=$("$baton" cost --json) \
    python3 - <<'END'
import json, os, sqlite3, sys

wrong = []


def expect(what, found, wanted):
    if found != wanted:
        wrong.append(f"{what}: {found!r} and not {wanted!r}")


questions, synthesis = json.loads(os.environ["QUESTIONS"]), json.loads(os.environ["SYNTHESIS"])
found = questions["attempts"][-1]["report"]["outcome"]["output"]
expect("questions", sorted(found), ["concurrency", "durability", "limits", "operations"])
expect("operations", found["operations"]["text"].split(" writes")[0], "VACUUM INTO 'file'")
said = synthesis["attempts"][-1]["report"]["outcome"]["output"]
expect("recommendation", said["recommendation"], "for")
expect("rests on", said["rests_on"], ["durability", "concurrency", "operations"])
expect("open", said["open"], ["limits: nobody named a source"])

db = sqlite3.connect("file:.baton/baton.db?mode=ro", uri=True)
spans = db.execute("""SELECT a.started_at, a.ended_at FROM attempt a JOIN task_spec b USING (task_id)
                      WHERE b.name LIKE 'questions/%' ORDER BY 1""").fetchall()
expect("questions asked", len(spans), 4)
expect("at once", max(sum(start <= at < end for start, end in spans) for at, _ in spans) > 1, True)
after = synthesis["attempts"][0]["started"]
expect("the synthesis waited for all", all(end <= after for _, end in spans), True)

cost = json.loads(os.environ["COST"])["total"]
expect("cost", (cost["attempts"], cost["input_tokens"], cost["output_tokens"], cost["cost"], cost["unpriced"]),
       (5, 545, 243, 0.003127, 0))
for line in wrong:
    print(line, file=sys.stderr)
if wrong:
    sys.exit(1)
print("OK: four questions, one recommendation for SQLite, 0.003127 spent")
END

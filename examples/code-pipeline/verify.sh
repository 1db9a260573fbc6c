#!/bin/sh
# Did the run of this folder come to what README.md says? Exit 0 and OK, or 1 and what differs.
set -eu
cd "$(dirname "$0")"
cost=$("${BATON-baton}" cost --json --by agent)
COST=$cost python3 - <<'END'
import json, os, sqlite3, subprocess, sys

db = sqlite3.connect("file:.baton/baton.db?mode=ro", uri=True)
wrong = []


def expect(what, found, wanted):
    if found != wanted:
        wrong.append(f"{what}: {found!r} and not {wanted!r}")


def git(*args):
    return subprocess.run(["git", *args], cwd="repo", capture_output=True, text=True, check=True).stdout.strip()


rows = db.execute("""SELECT b.name, t.state = 5, t.attempts FROM task t JOIN task_spec b ON b.task_id = t.id
                     WHERE t.role IS NOT 1 ORDER BY t.id""").fetchall()
expect("tasks", rows, [("top-words", 1, 1), ("top-words/design", 1, 1), ("top-words/implement", 1, 2)])

tried = db.execute("""SELECT a.ending, a.report FROM attempt a JOIN task_spec b USING (task_id)
                      WHERE b.name = 'top-words/implement' AND a.ending IN ('unaccepted', 'accepted') ORDER BY a.epoch""").fetchall()
reports = [json.loads(report) for _, report in tried]
expect("attempts", [ending for ending, _ in tried], ["unaccepted", "accepted"])
expect("checks", [[(check["name"], check["passed"], round(check["score"], 2)) for check in report["checks"]] for report in reports],
       [[("changed", True, 1.0), ("scope", False, 0.5), ("command", True, 1.0), ("rubric", False, 0.43)],
        [("changed", True, 1.0), ("scope", True, 1.0), ("command", True, 1.0), ("rubric", True, 0.97), ("merge", True, 1.0)]])

cost = json.loads(os.environ["COST"])
expect("cost by agent", {line["of"]: (line["attempts"], line["cost"]) for line in cost["lines"]},
       {"architect": (1, 0.00189), "coder": (2, 0.01038), "judge": (2, 0.00173), "tests": (2, 0.0)})
expect("cost", (cost["total"]["cost"], cost["total"]["unpriced"]), (0.014, 0))

expect("landed", git("log", "--reverse", "--format=%s", "baton/accepted"), "Words are counted\nImplement words.top")
expect("changed", git("diff", "--name-only", "baton/accepted~1", "baton/accepted"), "words.py")
top = "import sys; sys.path.insert(0, '.'); exec(sys.stdin.read()); print(top('b a b c a', 2))"
code = git("show", "baton/accepted:words.py")
expect("top", subprocess.run([sys.executable, "-c", top], input=code, capture_output=True, text=True).stdout.strip(),
       "[('a', 2), ('b', 2)]")
for line in wrong:
    print(line, file=sys.stderr)
if wrong:
    sys.exit(1)
print("OK: refused once, repaired, landed; 2370 + 690 tokens cost 0.014")
END

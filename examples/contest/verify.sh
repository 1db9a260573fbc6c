#!/bin/sh
# Did the run of this folder come to what README.md says? Exit 0 and OK, or 1 and what differs.
set -eu
cd "$(dirname "$0")"
baton=${BATON-baton}
TASK=$("$baton" show release-note --json) COST=$("$baton" cost --json --by model) python3 - <<'END'
import json, os, sys

wrong = []


def expect(what, found, wanted):
    if found != wanted:
        wrong.append(f"{what}: {found!r} and not {wanted!r}")


task = json.loads(os.environ["TASK"])
expect("state", task["task"]["state"]["is"], "succeeded")
report = task["attempts"][-1]["report"]
output, metrics = report["outcome"]["output"], report["outcome"]["output"]["metrics"]
expect("best", output["best"]["text"], "From version 4.2 on, exports are twice as fast, as measured on 50 projects.")
expect("chosen", output["chosen"], "round-1.2")
expect("candidates", [(one["agent"], one["score"]) for one in output["candidates"]],
       [("brief", 0.55), ("careful", 0.95), ("lively", 0.6)])
expect("gain", output["gain"], 0.25)
expect("agreement", output["consensus"]["agreement"], 0.356637)
expect("variance", output["consensus"]["variance"], 0.031667)
expect("votes", [vote["count"] for vote in output["consensus"]["votes"]], [1, 1, 1])
expect("quality", metrics["quality"], 0.7)
expect("agents", metrics["agents_used"], ["brief", "careful", "lively"])
expect("tokens", metrics["tokens"], {"input": 270, "output": 62})
expect("checks", [(check["validator"], check["passed"]) for check in report["checks"]], [("schema", True)])
cost = json.loads(os.environ["COST"])
expect("cost", {line["of"]: line["cost"] for line in cost["lines"]},
       {"brief-1": 0.000028, "careful-1": 0.00063, "judge-1": 0.0015, "lively-1": 0.000194})
for line in wrong:
    print(line, file=sys.stderr)
if wrong:
    sys.exit(1)
print("OK: careful won with 0.95, 0.25 above the mean of 0.70")
END

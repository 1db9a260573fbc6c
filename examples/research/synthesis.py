#!/usr/bin/env python3
"""Puts the answers of the task `questions` before a model, and prints what it makes of them.

    synthesis.py RUN

A task that depends on another starts after it; what the other found it looks up itself, with
`baton show`. BATON names the program, if it is not `baton` on the PATH.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

TRANSIENT = 75  # as sysexits.h has it: the command adapter tries again


def findings(run):
    command = [os.environ.get("BATON", "baton"), "show", f"{run}/questions", "--json"]
    shown = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(shown)["attempts"][-1]["report"]["outcome"]["output"]


def ask(prompt):
    body = {"model": "editor-1", "messages": [{"role": "user", "content": prompt}]}
    request = urllib.request.Request(os.environ["MODEL_URL"] + "/chat/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
        return json.load(response)["choices"][0]["message"]["content"]


def main():
    parts = [f"{name}: {found['text']}" for name, found in sorted(findings(sys.argv[1]).items())]
    try:
        print(ask("Recommend for or against SQLite, from these findings alone.\n\n" + "\n\n".join(parts)))
    except urllib.error.URLError as why:
        print(f"the model: {why}", file=sys.stderr)
        sys.exit(TRANSIENT)


main()

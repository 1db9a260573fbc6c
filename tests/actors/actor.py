"""Stands in for the program of an adapter: plays a transcript over standard input and output.

    actor.py LOG TRANSCRIPT... [-- ARGUMENT...]

The first start plays the first transcript, the second start the second, and so on; the last one is for all that follow.
LOG has one JSON object a line: `started` with the process id, the transcript and the arguments after `--`, and what was
`heard`, line by line, from the first to the last.

A transcript's lines:

    # a comment
    > LINE       waits for a line of this content: of JSON, the members that are written here (WILD is not compared)
    < LINE       writes it
    2 LINE       writes it to standard error; so does `!stderr LINE`
    !edit FILE TEXT   adds a line to a file
    !sleep SECONDS
    !hang        says nothing more, hears everything, and never ends; so does `!silent`
    !closed      ends with 0
    !exit N      ends with N
    !signal N    is ended by a signal

What the host does by itself (`!answer`, `!unanswered`) is skipped. After the last line it listens until its input is
closed and ends with 0. If something else is heard than was expected, it says so on standard error and ends with 3.
"""

import json
import os
import queue
import sys
import threading
import time

# What differs from one machine or attempt to the next.
WILD = {"cwd", "clientInfo", "prompt", "_meta"}


def parsed(line):
    try:
        return json.loads(line)
    except ValueError:
        return line


def matches(expected, heard, name=""):
    if name in WILD:
        return True
    if isinstance(expected, dict):
        return isinstance(heard, dict) and all(
            key in heard and matches(value, heard[key], key) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(heard, list)
            and len(heard) == len(expected)
            and all(matches(*pair) for pair in zip(expected, heard))
        )
    return expected == heard


class Actor:
    def __init__(self, log):
        self.log = log
        self.lock = threading.Lock()
        self.lines = queue.Queue()

    def note(self, entry):
        with self.lock, open(self.log, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def listen(self):
        for line in sys.stdin:
            heard = parsed(line.rstrip("\n"))
            self.note({"heard": heard})
            self.lines.put(heard)
        self.lines.put(None)

    def expect(self, text):
        # Placeholders of the adapters' own transcripts: all of them stand in members that are not compared.
        expected = parsed(text.replace("{META}", "{}").replace(",META", ""))
        heard = self.lines.get()
        if not matches(expected, heard):
            print(f"expected {text} and heard {json.dumps(heard)}", file=sys.stderr, flush=True)
            os._exit(3)

    def play(self, line):
        mark, _, rest = line.partition(" ")
        if mark == ">":
            self.expect(rest)
        elif mark == "<":
            print(rest, flush=True)
        elif mark in ("2", "!stderr"):
            print(rest, file=sys.stderr, flush=True)
        elif mark == "!edit":
            file, _, text = rest.partition(" ")
            with open(file, "a", encoding="utf-8") as edited:
                edited.write(text + "\n")
        elif mark == "!sleep":
            time.sleep(float(rest))
        elif mark in ("!hang", "!silent"):
            while True:
                time.sleep(1)
        elif mark == "!closed":
            os._exit(0)
        elif mark == "!exit":
            os._exit(int(rest))
        elif mark == "!signal":
            os.kill(os.getpid(), int(rest))
            time.sleep(10)
        elif mark in ("!answer", "!unanswered") or line.startswith("#") or not line:
            pass
        else:
            sys.exit(f"the transcript has a line that means nothing: {line}")

    def to_the_end(self):
        while self.lines.get() is not None:
            pass


def main():
    log, *rest = sys.argv[1:]
    arguments = []
    if "--" in rest:
        at = rest.index("--")
        rest, arguments = rest[:at], rest[at + 1 :]
    started = 0
    if os.path.exists(log):
        with open(log, encoding="utf-8") as file:
            started = sum('"started"' in line[:12] for line in file)
    transcript = rest[min(started, len(rest) - 1)]
    actor = Actor(log)
    actor.note({"started": os.getpid(), "plays": os.path.basename(transcript), "arguments": arguments})
    threading.Thread(target=actor.listen, daemon=True).start()
    with open(transcript, encoding="utf-8") as file:
        for line in file.read().splitlines():
            actor.play(line)
    actor.to_the_end()


main()

#!/usr/bin/env python3
"""A model server whose answers are written down, for examples that need no network and no keys.

    serve.py --script FILE [--port N] [--quiet] [-- COMMAND ...]

It listens on 127.0.0.1 and speaks the OpenAI chat interface: POST /v1/chat/completions, streamed
or whole, with usage, and GET /v1/models. The port is the script's, unless --port names another
(0 takes a free one); it is printed. With a COMMAND it runs that, serves while it runs, and ends
with its exit code; without one it serves until it is interrupted.

A script is a JSON object:

    {"port": 41801, "rules": [
        {"model": "writer-1", "has": ["words"], "lacks": ["words"],
         "answer": "text, or a JSON value", "usage": [120, 30], "delay": 0.2}, ...]}

The first rule answers whose model is the one that is asked for, whose words under "has" all
stand in the messages and whose words under "lacks" do not. Only "answer" and "usage" (tokens in and out)
must be there. The answer depends on the request alone: the same question gets the same answer,
however often and in whichever order questions come.

Needs Python 3.8 or later, and nothing else.
"""

import argparse
import errno
import json
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = 40  # characters of a streamed piece


def fail(message):
    print(f"serve.py: {message}", file=sys.stderr)
    sys.exit(2)


def read_script(path):
    try:
        with open(path, encoding="utf-8") as file:
            script = json.load(file)
    except (OSError, ValueError) as why:
        fail(f"{path}: {why}")
    for number, rule in enumerate(script.get("rules", [])):
        unknown = set(rule) - {"model", "has", "lacks", "answer", "usage", "delay"}
        if unknown or "answer" not in rule or len(rule.get("usage", [])) != 2:
            fail(f"{path}: rule {number}: needs an answer and a usage of two numbers, "
                 f"and knows no {sorted(unknown)}")
    return script


def texts(body):
    """All that the messages say, as one text."""
    said = []
    for message in body.get("messages", []):
        content = message.get("content")
        if isinstance(content, str):
            said.append(content)
        elif isinstance(content, list):
            said.extend(part.get("text", "") for part in content if isinstance(part, dict))
    return "\n".join(said)


def find(rules, model, said):
    for rule in rules:
        if (rule.get("model", model) == model
                and all(word in said for word in rule.get("has", []))
                and not any(word in said for word in rule.get("lacks", []))):
            return rule
    return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "scripted"

    def log_message(self, *args):
        """Says nothing of its own; `do_POST` does."""

    def reply(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def refuse(self, status, why):
        self.reply(status, {"error": {"message": why, "type": "invalid_request_error"}})

    def do_GET(self):
        if self.path != "/v1/models":
            return self.refuse(404, f"there is no {self.path}")
        models = sorted({rule["model"] for rule in self.server.rules if "model" in rule})
        self.reply(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in models]})

    def do_POST(self):
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        except ValueError:
            return self.refuse(400, "the body is not JSON")
        if self.path != "/v1/chat/completions":
            return self.refuse(404, f"there is no {self.path}")
        model, said = body.get("model", ""), texts(body)
        rule = find(self.server.rules, model, said)
        if rule is None:
            print(f"serve.py: no rule answers {model}: {said}", file=sys.stderr, flush=True)
            return self.refuse(400, f"no rule of the script answers this question to {model!r}")
        time.sleep(rule.get("delay", 0))
        answer = rule["answer"]
        text = answer if isinstance(answer, str) else json.dumps(answer)
        tokens = rule["usage"]
        usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
        if not self.server.quiet:
            print(f"serve.py: {model} was asked, {tokens[0]} tokens in and {tokens[1]} out", file=sys.stderr)
        if body.get("stream"):
            self.stream(body, model, text, usage)
        else:
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.reply(200, {"id": "scripted", "object": "chat.completion", "created": 0, "model": model,
                             "choices": [choice], "usage": usage})

    def stream(self, body, model, text, usage):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

        def event(**fields):
            chunk = {"id": "scripted", "object": "chat.completion.chunk", "created": 0, "model": model}
            self.wfile.write(f"data: {json.dumps({**chunk, **fields})}\n\n".encode())

        def choice(delta, why=None):
            event(choices=[{"index": 0, "delta": delta, "finish_reason": why}])

        choice({"role": "assistant", "content": ""})
        for start in range(0, len(text), PIECE):
            choice({"content": text[start:start + PIECE]})
        choice({}, "stop")
        if (body.get("stream_options") or {}).get("include_usage"):
            event(choices=[], usage=usage)
        self.wfile.write(b"data: [DONE]\n\n")


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Who stops asking does not want to be answered."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(usage="serve.py --script FILE [--port N] [--quiet] [-- COMMAND ...]",
                                     description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--script", required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    script = read_script(args.script)
    port = script.get("port", 0) if args.port is None else args.port
    try:
        server = Server(("127.0.0.1", port), Handler)
    except OSError as why:
        if why.errno == errno.EADDRINUSE:
            fail(f"port {port} is taken: end what uses it (another serve.py?), or give --port another and "
                 "put the same into the url in baton.toml")
        fail(f"port {port}: {why}")
    server.rules = script.get("rules", [])
    server.quiet = args.quiet
    print(f"serve.py: models on http://127.0.0.1:{server.server_port}/v1", file=sys.stderr, flush=True)
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        return 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Ctrl-C is the command's: it decides when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    except OSError as why:
        fail(f"{command[0]}: {why.strerror}")
    code = child.wait()
    server.shutdown()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())

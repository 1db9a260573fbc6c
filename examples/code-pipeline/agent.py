#!/usr/bin/env python3
"""A small coding agent that speaks the Agent Client Protocol, version 1, on standard input and output.

For a prompt it asks the model at MODEL_URL, writes the files that the model answers, each after
asking leave for it, and says what it changed as a diff. It has one model, offered as an option.
"""

import difflib
import json
import os
import sys
import urllib.request

MODEL = "coder-1"
cwd = "."
asked = 100  # the ids of its own requests


def send(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def receive():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


def update(session, **fields):
    send({"method": "session/update", "params": {"sessionId": session, "update": fields}})


def may(session, tool):
    """Whether the client gives leave for a tool."""
    global asked
    asked += 1
    options = [{"optionId": "yes", "name": "Allow", "kind": "allow_once"},
               {"optionId": "no", "name": "Reject", "kind": "reject_once"}]
    send({"id": asked, "method": "session/request_permission",
          "params": {"sessionId": session, "toolCall": tool, "options": options}})
    while True:
        message = receive()
        if message.get("id") == asked and "method" not in message:
            return message.get("result", {}).get("outcome", {}).get("optionId") == "yes"


def ask(prompt):
    """The model's answer, a JSON object, and the tokens that it took."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": prompt}]}
    request = urllib.request.Request(os.environ["MODEL_URL"] + "/chat/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
        reply = json.load(response)
    return json.loads(reply["choices"][0]["message"]["content"]), reply["usage"]


def work(session, prompt):
    answer, usage = ask(prompt)
    diffs = []
    for name, text in sorted(answer["files"].items()):
        path = os.path.join(cwd, name)
        tool = {"toolCallId": name, "title": f"Write {name}", "kind": "edit", "locations": [{"path": path}]}
        update(session, sessionUpdate="tool_call", status="pending", **tool)
        if not may(session, tool):
            update(session, sessionUpdate="tool_call_update", toolCallId=name, status="failed")
            continue
        with open(path, encoding="utf-8") as file:
            before = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        update(session, sessionUpdate="tool_call_update", toolCallId=name, status="completed")
        diffs += difflib.unified_diff(before.splitlines(), text.splitlines(), name, name, lineterm="")
    said = answer["said"] + "\n\n```diff\n" + "\n".join(diffs) + "\n```\n"
    update(session, sessionUpdate="agent_message_chunk", content={"type": "text", "text": said})
    return {"inputTokens": usage["prompt_tokens"], "outputTokens": usage["completion_tokens"]}


def main():
    global cwd
    while True:
        message = receive()
        method, params = message.get("method"), message.get("params", {})
        if "id" not in message:
            continue
        if method == "initialize":
            result = {"protocolVersion": 1, "agentCapabilities": {"loadSession": False}, "authMethods": []}
        elif method == "session/new":
            cwd = params["cwd"]
            option = {"id": "model", "name": "Model", "category": "model", "type": "select",
                      "currentValue": MODEL, "options": [{"value": MODEL, "name": MODEL}]}
            result = {"sessionId": "s1", "configOptions": [option]}
        elif method == "session/prompt":
            text = "".join(part.get("text", "") for part in params["prompt"])
            result = {"stopReason": "end_turn", "usage": work(params["sessionId"], text)}
        else:
            send({"id": message["id"], "error": {"code": -32601, "message": f"there is no {method}"}})
            continue
        send({"id": message["id"], "result": result})


main()

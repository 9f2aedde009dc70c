#!/usr/bin/env python3
"""An OpenAI-compatible server that judges, well or badly, by the name of the model that it is asked for.

Usage: judge_server.py PORT_FILE

It writes its port into PORT_FILE. GET /stats tells which questions it has answered and how often.
"""

import collections
import hashlib
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "Bearer sk-the-secret-of-tests"
LISTED = [
    "right", "steady", "busy", "busy-always", "broken-once", "broken", "slow", "slow-once", "cut", "cut-once", "nonsense",
    "nonsense-once", "other-schema", "first", "locked", "plain", "old", "fenced", "long",
]

lock = threading.Lock()
seen = collections.Counter()
answered = collections.Counter()
requests = collections.Counter()


def part(question, name):
    match = re.search(rf"\[{name}\]\n(.*?)\n\[End of {name[0].lower()}{name[1:]}\]", question, re.S)
    return match.group(1) if match else ""


def letters(text):
    return sum(text.count(letter) for letter in "aeiou")


def right(question):
    """A score by the number of vowels, or the answer that has more of them."""
    if "[Answer A]" in question:
        first, second = letters(part(question, "Answer A")), letters(part(question, "Answer B"))
        return {"winner": "A" if first > second else "B" if first < second else "tie"}
    return {"score": letters(part(question, "Answer")) % 10 + 1}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, value, headers=(), cut=False):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) + (100 if cut else 0)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)
        if cut:
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)

    def error(self, status, message, headers=()):
        self.reply(status, {"error": {"message": message}}, headers)

    def do_GET(self):
        if self.path == "/stats":
            with lock:
                self.reply(200, {
                    "requests": sum(requests.values()) - requests["probes"], "models": dict(requests), "questions": len(answered),
                    "repeated": sum(count > 1 for count in answered.values()),
                })
        elif self.path == "/v1/models":
            self.reply(200, {"object": "list", "data": [{"id": name} for name in LISTED]})
        else:
            self.error(404, f"no such place: {self.path}")

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            return self.error(404, f"no such place: {self.path}")
        model, question = asked["model"], asked["messages"][-1]["content"]
        key = (model, hashlib.sha256(question.encode()).hexdigest())
        is_probe = question == "Say yes."
        with lock:
            requests["probes" if is_probe else model] += 1
            seen[key] += 1
            again = seen[key] > 1
        if model not in LISTED and model != "hidden":
            return self.error(404, f"The model `{model}` does not exist")
        if model == "locked" and self.headers["Authorization"] != KEY:
            return self.error(401, f"wrong key {self.headers['Authorization']}")
        if model == "busy-always" or model == "busy" and not again:
            return self.error(429, "too many\nrequests", [("Retry-After", "1")])
        if model == "broken" or model == "broken-once" and not again:
            return self.error(500, "the card is full")
        if model == "plain" and "response_format" in asked:
            return self.error(400, "response_format is not supported")
        if model == "old" and "max_tokens" in asked:
            return self.error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if model == "slow" and not is_probe or model == "slow-once" and not again:
            time.sleep(3)
        if model == "steady":
            time.sleep(0.05)
        answer = json.dumps(right(question))
        if model == "nonsense" or model == "nonsense-once" and not again:
            answer = "Both are lovely, I cannot choose."
        elif model == "other-schema":
            answer = '{"rating": {"score": 5}}'
        elif model == "first":
            answer = '{"winner": "A"}'
        elif model == "fenced":
            answer = f'<think>{{"score": 1}} or {{"winner": "B"}}?</think>\nHere you are:\n```json\n{answer}\n```\nGood luck {{}}!'
        value = {"choices": [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}]}
        if model == "long":
            value["choices"][0] = {"message": {"content": None}, "finish_reason": "length"}
        is_cut = model == "cut" or model == "cut-once" and not again
        if not is_cut and not is_probe:
            with lock:
                answered[key] += 1
        try:
            self.reply(200, value, cut=is_cut)
        except OSError:
            pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(server.server_address[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()

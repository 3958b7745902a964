"""A real HTTP server that serves chat completions, well and badly; and the table of what we do.

``python tests/carruntime/chat_server.py`` prints the table that stands in ``docs/generation.md``.
The name of the model that is asked for says how the server behaves.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from carruntime.generate.endpoint import Endpoint, Patience
from carruntime.generate.errors import ModelError
from carruntime.generate.messages import Answer, Request

KEY = "sk-test-0123456789abcdef"
TEXT = "```python\ndef reward(obs):\n    return 1.0\n```\n"
REQUEST = Request("reward", "You write programs.", "Write one.")


def completion(model: str, text: str | None = TEXT, **changes: Any) -> dict[str, Any]:
    """Give the body of a good answer, or of one that is changed."""
    message = {"role": "assistant", "content": text, "refusal": changes.pop("refusal", None)}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": changes.pop("answered_by", model),
        "choices": [
            {"index": 0, "message": message, "finish_reason": changes.pop("finish", "stop")}
        ],
        "usage": {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150},
        **changes,
    }


class ChatServer(ThreadingHTTPServer):
    """Remembers what it was asked, for the tests to look at."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base's
        pass

    def do_POST(self) -> None:
        data = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name = data["model"]
        self.server.asked[name] += 1
        self.server.bodies.append(data)
        self.server.keys.add(self.headers.get("authorization", ""))
        getattr(self, f"serve_{name.replace('-', '_')}")(name, self.server.asked[name])

    def give(self, status: int, body: Any, **headers: str) -> None:
        packed = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        headers.setdefault("content_type", "application/json")
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("content-length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed)

    def serve_normal(self, name: str, _: int) -> None:
        self.give(200, completion(name))

    def serve_slow(self, name: str, count: int) -> None:
        if count == 1:
            self.server.stopping.wait(6)
        self.give(200, completion(name))

    def serve_dripping(self, name: str, _: int) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "100000")
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b" ")
            self.wfile.flush()
            if self.server.stopping.wait(0.1):
                return

    def serve_busy(self, name: str, count: int) -> None:
        if count == 1:
            self.give(429, {"error": {"message": "slow down"}}, retry_after="7")
        else:
            self.give(200, completion(name))

    def serve_busy_for_long(self, name: str, _: int) -> None:
        self.give(429, {"error": {"message": "come back later"}}, retry_after="86400")

    def serve_broken_twice(self, name: str, count: int) -> None:
        if count < 3:
            self.give(500, {"error": {"message": "internal"}})
        else:
            self.give(200, completion(name))

    def serve_broken(self, name: str, _: int) -> None:
        self.give(500, {"error": {"message": "internal"}})

    def serve_cut(self, name: str, count: int) -> None:
        packed = json.dumps(completion(name)).encode()
        if count > 1:
            self.give(200, packed)
            return
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed[:60])
        self.wfile.flush()
        # With no time to linger, closing resets the connection.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def serve_truncated_json(self, name: str, count: int) -> None:
        packed = json.dumps(completion(name)).encode()
        self.give(200, packed if count > 1 else packed[: len(packed) // 2])

    def serve_huge(self, name: str, _: int) -> None:
        self.give(200, completion(name, "x" * 10_000_000))

    def serve_refusal(self, name: str, _: int) -> None:
        self.give(200, completion(name, None, refusal="I cannot help with that."))

    def serve_filtered(self, name: str, _: int) -> None:
        self.give(200, completion(name, "", finish="content_filter"))

    def serve_empty(self, name: str, _: int) -> None:
        self.give(200, completion(name, ""))

    def serve_length(self, name: str, _: int) -> None:
        self.give(200, completion(name, TEXT[:30], finish="length"))

    def serve_html(self, name: str, _: int) -> None:
        self.give(200, b"<!doctype html><title>Sign in</title>", content_type="text/html")

    def serve_renamed(self, name: str, _: int) -> None:
        self.give(200, completion(name, answered_by="other-model-2026"))

    def serve_no_choices(self, name: str, _: int) -> None:
        self.give(200, {"object": "list", "data": []})

    def serve_wrong_key(self, name: str, _: int) -> None:
        self.give(401, {"error": {"message": f"Incorrect API key provided: {KEY}."}})

    def serve_unknown_model(self, name: str, _: int) -> None:
        self.give(404, {"error": {"message": "model not found"}})

    def serve_echo_key(self, name: str, _: int) -> None:
        self.give(200, completion(name, f"your key is {KEY}"))


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """Serve for the time of a test."""
    server = ChatServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass(frozen=True)
class Outcome:
    """What came of asking once.

    Attributes:
        attempts: Requests that the server saw.
        waited: Pauses between them, seconds.
    """

    answer: Answer | None
    error: str
    attempts: int
    waited: list[float]


def endpoint(server: ChatServer, model: str, waited: list[float], **options: Any) -> Endpoint:
    """Make an endpoint that does not really wait."""
    patience = Patience(timeout_s=options.pop("timeout_s", 20.0), attempts=3, pause_s=1.0)
    return Endpoint(
        model,
        base_url=server.url,
        environment={"CARRUNTIME_API_KEY": KEY},
        patience=patience,
        sleep=waited.append,
        **options,
    )


def ask(server: ChatServer, model: str, **options: Any) -> Outcome:
    """Ask one question of the server."""
    waited: list[float] = []
    kept: list[Answer] = []
    error = ""
    try:
        endpoint(server, model, waited, **options).ask(
            [REQUEST], lambda request, answer: kept.append(answer)
        )
    except ModelError as raised:
        error = str(raised).replace(server.url, "URL")
    return Outcome(kept[0] if kept else None, error, server.asked[model], waited)


FAULTS = (
    ("normal", "a good answer"),
    ("slow", "no answer within the time-out, then a good one"),
    ("dripping", "a byte every tenth of a second, without end"),
    ("busy", "429 with `Retry-After: 7`, then a good answer"),
    ("busy-for-long", "429 with `Retry-After: 86400`"),
    ("broken-twice", "500 twice, then a good answer"),
    ("broken", "500 every time"),
    ("cut", "the connection is reset in the middle of the answer, then a good one"),
    ("truncated-json", "half of the JSON with a right length, then a good answer"),
    ("huge", "an answer of 10 MB"),
    ("refusal", "a refusal"),
    ("filtered", "`content_filter` and no text"),
    ("empty", "an empty answer"),
    ("length", "cut by the model's own limit"),
    ("html", "a sign-in page with status 200"),
    ("renamed", "answered under another model's name"),
    ("no-choices", "JSON that is no completion"),
    ("wrong-key", "401 with the key in its message"),
    ("unknown-model", "404"),
)
_IMPATIENT = {"slow": 2.0, "dripping": 0.6}


def ask_all(server: ChatServer) -> dict[str, Outcome]:
    """Meet every fault once."""
    return {name: ask(server, name, timeout_s=_IMPATIENT.get(name, 20.0)) for name, _ in FAULTS}


def fault_table(outcomes: dict[str, Outcome]) -> str:
    """Give the table for the documentation."""
    lines = ["| the server gives | attempts | what comes of it |", "| --- | --- | --- |"]
    for name, words in FAULTS:
        found = outcomes[name]
        if found.answer is not None:
            answer = found.answer
            ends = {"stop": "an answer", "length": "an answer that is cut off"}
            came = ends.get(answer.finish, f"an answer that is a {answer.finish}")
            if not answer.text:
                came = "an empty answer" if answer.finish == "stop" else came
            if any(wait >= 2.5 for wait in found.waited):
                came += f", after a pause of {max(found.waited):.0f} s"
            if answer.notes:
                came += f"; noted: {answer.notes[0]}"
        else:
            came = f"error: {found.error}"
        lines.append(f"| {words} | {found.attempts} | {came.replace('|', '/')} |")
    return "\n".join(lines)


if __name__ == "__main__":
    began = time.monotonic()
    with chat_server() as running:
        sys.stdout.write(fault_table(ask_all(running)) + "\n")
    sys.stderr.write(f"{time.monotonic() - began:.1f} s\n")

"""Ask a model behind an OpenAI-compatible endpoint, through the ``openai`` package.

The package builds and sends the request; waiting, trying again and reading are done here, because
they have to end. An answer is read piece by piece against a deadline and a cap, whatever the server
does, and only then parsed. What may pass is tried again with growing pauses, and where the server
says how long to wait (``Retry-After``), that long. What cannot get better is told at once.

The key comes from the environment and goes nowhere else: every text that leaves this module, an
error's or an answer's, is searched for it first.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from carruntime.errors import OptionError
from carruntime.generate.errors import ModelError
from carruntime.generate.messages import Answer, Finish, Keep, Request
from sandbox.diagnostics import escape

if TYPE_CHECKING:
    import openai

__all__ = ["BASE_URL_VARIABLES", "KEY_VARIABLES", "Endpoint", "Patience"]

KEY_VARIABLES: Final = ("CARRUNTIME_API_KEY", "OPENAI_API_KEY")
BASE_URL_VARIABLES: Final = ("CARRUNTIME_BASE_URL", "OPENAI_BASE_URL")
_MAX_BYTES: Final = 4 * 1024 * 1024
_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_FINISHES: Final[Mapping[str, Finish]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "refusal",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what.

    Attributes:
        timeout_s: For one attempt, from sending to the last byte.
        attempts: At most so many for one answer.
        pause_s: Before the second attempt; doubled before each further one.
        longest_pause_s: No pause is longer; a server that asks for more is given up.
    """

    timeout_s: float = 180.0
    attempts: int = 5
    pause_s: float = 1.0
    longest_pause_s: float = 120.0

    def __post_init__(self) -> None:
        if not (self.timeout_s > 0 and self.attempts >= 1 and self.longest_pause_s >= self.pause_s):
            raise OptionError(
                f"patience {self}: want a time-out above 0, at least 1 attempt, and a longest pause "
                "of at least the first"
            )


class _AgainError(Exception):
    """An attempt failed and another may not: why, and how long the server wants us to wait."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s


class _FinalError(Exception):
    """An attempt failed, and every other would."""


class Endpoint:
    """A model behind an OpenAI-compatible endpoint.

    Args:
        model: Its name there.
        base_url: Where; from the environment if left out, else the package's own default.
        temperature: Left to the endpoint if None.
        max_tokens: Most tokens of an answer; left to the endpoint if None.
        parallel: Requests under way at once.
        patience: How long to wait for what.
        environment: Where the key is looked for.
        sleep: Waits so many seconds; for tests.

    Raises:
        OptionError: If the package or the key is missing, or the address cannot be used.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        parallel: int = 4,
        patience: Patience | None = None,
        environment: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        environment = os.environ if environment is None else environment
        key = next((environment[name] for name in KEY_VARIABLES if environment.get(name)), None)
        if key is None:
            raise OptionError(
                f"model {model!r}: no key in the environment; set {KEY_VARIABLES[0]} (or "
                f"{KEY_VARIABLES[1]}) to the endpoint's key, or to anything where it wants none. It is "
                "taken from there only, and never written anywhere"
            )
        base_url = base_url or next(
            (environment[name] for name in BASE_URL_VARIABLES if environment.get(name)), None
        )
        if base_url is not None:
            _must_be_address(base_url)
        if parallel < 1:
            raise OptionError(f"model {model!r}: {parallel} requests at once; want at least 1")
        self.name = model
        self.patience = patience or Patience()
        self._key = key
        self._parallel = parallel
        self._sleep = sleep
        self._options: dict[str, Any] = {}
        if temperature is not None:
            self._options["temperature"] = temperature
        if max_tokens is not None:
            self._options["max_tokens"] = max_tokens
        self._client = _client(key, base_url, self.patience)

    @property
    def settings(self) -> dict[str, Any]:
        """How it is asked, without address and key."""
        return {"kind": "endpoint", "model": self.name, **self._options}

    def ask(self, requests: Sequence[Request], keep: Keep) -> None:
        """Ask some at once; see `Model.ask`.

        Raises:
            ModelError: If one has no answer after all attempts. The others have been kept.
        """
        waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()
        done: queue.SimpleQueue[tuple[Request, Answer | BaseException]] = queue.SimpleQueue()
        for request in requests:
            waiting.put(request)
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                try:
                    request = waiting.get_nowait()
                except queue.Empty:
                    return
                try:
                    done.put((request, self._patiently(request, stop)))
                except BaseException as error:
                    stop.set()  # what fails for one after all attempts fails for the next
                    done.put((request, error))

        # Daemons, because an interrupted run must not wait for a server.
        workers = [
            threading.Thread(target=work, name=f"ask-{number}", daemon=True)
            for number in range(min(self._parallel, len(requests)))
        ]
        for worker in workers:
            worker.start()
        try:
            failed = self._gather(len(requests), workers, done, keep)
        finally:
            stop.set()
        if failed is not None:
            raise failed

    def _gather(
        self,
        count: int,
        workers: list[threading.Thread],
        done: queue.SimpleQueue[tuple[Request, Answer | BaseException]],
        keep: Keep,
    ) -> BaseException | None:
        """Hand on what arrives until all is there or nobody works any more."""
        failed: BaseException | None = None
        while count:
            working = any(worker.is_alive() for worker in workers)
            try:
                request, result = done.get(timeout=0.2)
            except queue.Empty:
                if not working:
                    break
                continue
            count -= 1
            if isinstance(result, BaseException):
                failed = failed or result
            else:
                keep(request, result)
        return failed

    def _patiently(self, request: Request, stop: threading.Event) -> Answer:
        pause = self.patience.pause_s
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return self._once(request)
            except _AgainError as error:
                reason = error.reason
                wait = error.wait_s
            except _FinalError as error:
                raise ModelError(self._told(request, str(error)), attempt) from None
            if attempt == self.patience.attempts or stop.is_set():
                break
            if wait is not None and wait > self.patience.longest_pause_s:
                reason += f"; it asks to wait {wait:.0f} s, and the longest pause is"
                reason += f" {self.patience.longest_pause_s:.0f} s"
                break
            # Spread a little, so that parallel requests do not come back all at once.
            spread = pause * random.uniform(0.8, 1.2)  # noqa: S311
            self._sleep(min(self.patience.longest_pause_s, spread if wait is None else wait))
            pause *= 2
        raise ModelError(self._told(request, reason), attempt)

    def _told(self, request: Request, reason: str) -> str:
        return f"{escape(self.name, 100)} did not answer {request.purpose}: {self._clean(reason)}"

    def _once(self, request: Request) -> Answer:
        """Make one attempt."""
        import openai

        deadline = time.monotonic() + self.patience.timeout_s
        try:
            with self._client.chat.completions.with_streaming_response.create(
                model=self.name, messages=_messages(request), **self._options
            ) as response:
                kind = response.headers.get("content-type", "")
                data = self._read(response, deadline)
        except openai.APIStatusError as error:
            raise self._status(error) from None
        except openai.APITimeoutError:
            raise _AgainError(f"no answer within {self.patience.timeout_s:g} s") from None
        except openai.APIConnectionError as error:
            raise _AgainError(f"the connection failed: {_cause(error)}") from None
        except openai.OpenAIError as error:
            raise _FinalError(f"{type(error).__name__}: {error}") from None
        except (_AgainError, _FinalError):
            raise
        except Exception as error:
            if "Timeout" in type(error).__name__:
                raise _AgainError(f"no whole answer within {self.patience.timeout_s:g} s") from None
            # Whatever the transport raises while a body is read; named, for its kinds are many.
            raise _AgainError(f"the connection was cut: {type(error).__name__}: {error}") from None
        return self._parse(data, kind)

    def _read(self, response: Any, deadline: float) -> bytes:
        # As they arrive: collected into larger pieces, slow bytes would outwit the deadline.
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > _MAX_BYTES:
                raise _FinalError(
                    f"its answer has more than {_MAX_BYTES:,} bytes, and a program has at most 65,536; "
                    "set --max-tokens, or take another model"
                )
            if time.monotonic() > deadline:
                raise _AgainError(f"no whole answer within {self.patience.timeout_s:g} s")
            parts.append(part)
        return b"".join(parts)

    def _parse(self, data: bytes, kind: str) -> Answer:
        start = self._clean(data[:80].decode("utf-8", "replace"))
        if "json" not in kind.lower():
            raise _FinalError(
                f"it answers with content type {escape(kind, 60) or 'none'}, not JSON ({start!r}); is "
                f"the base URL that of the API, ending in /v1?"
            )
        try:
            read = json.loads(data)
        except (ValueError, RecursionError):
            raise _AgainError(f"its JSON is cut off or damaged after {len(data):,} bytes") from None
        try:
            choice = read["choices"][0]
            text, refusal = choice["message"].get("content"), choice["message"].get("refusal")
            if isinstance(text, list):  # some servers send parts
                text = "".join(str(part.get("text", "")) for part in text)
        except (KeyError, IndexError, TypeError, AttributeError):
            choice, text, refusal = {}, 0, None
        if not isinstance(text, str | None) or not isinstance(refusal, str | None):
            raise _FinalError(
                f"its answer is no chat completion: no choices[0].message.content ({start!r})"
            )
        finish: Finish = _FINISHES.get(str(choice.get("finish_reason")), "unknown")
        if refusal:
            text, finish = refusal, "refusal"
        answered_by = read.get("model")
        answered_by = self._clean(answered_by[:200]) if isinstance(answered_by, str) else ""
        notes: tuple[str, ...] = ()
        if answered_by and answered_by != self.name:
            notes = (f"asked {self.name}, answered by {answered_by}",)
        usage = read.get("usage")
        return Answer(
            text=self._clean_text(text or ""),
            finish=finish,
            model=answered_by or self.name,
            origin="endpoint",
            prompt_tokens=_tokens(usage, "prompt_tokens"),
            completion_tokens=_tokens(usage, "completion_tokens"),
            notes=notes,
        )

    def _status(self, error: openai.APIStatusError) -> Exception:
        """Say what a status means, and whether to try again."""
        code = error.status_code
        try:
            told = error.response.read()[:400].decode("utf-8", "replace")
        except Exception:
            told = ""
        told = f"status {code}" + (f": {self._clean(told)}" if told else "")
        if code in _AGAIN:
            return _AgainError(told, _retry_after(error.response.headers))
        if code in (401, 403):
            return _FinalError(f"{told}; is {' or '.join(KEY_VARIABLES)} the key of this endpoint?")
        if code == 404:
            return _FinalError(f"{told}; is there such a model, and does the base URL end in /v1?")
        return _FinalError(told)

    def _clean(self, text: str) -> str:
        return escape(self._clean_text(" ".join(text.split())), 400)

    def _clean_text(self, text: str) -> str:
        return text.replace(self._key, "[key]") if len(self._key) >= 6 else text


def _client(key: str, base_url: str | None, patience: Patience) -> openai.OpenAI:
    try:
        import openai
    except ImportError as error:
        raise OptionError(
            f"--model needs the package {error.name}, which is not installed: "
            "pip install 'carruntime[generate]'; --exchange DIR and --recordings need nothing"
        ) from error
    wait = openai.Timeout(patience.timeout_s, connect=min(20.0, patience.timeout_s))
    return openai.OpenAI(api_key=key, base_url=base_url, timeout=wait, max_retries=0)


def _messages(request: Request) -> Any:
    content: list[dict[str, Any]] = []
    for picture in request.pictures:
        packed = base64.b64encode(picture.data).decode("ascii")
        url = {"url": f"data:image/png;base64,{packed}"}
        content += [
            {"type": "text", "text": f"{picture.role}.png:"},
            {"type": "image_url", "image_url": url},
        ]
    content.append({"type": "text", "text": request.text})
    plain = request.text if not request.pictures else content
    return [{"role": "system", "content": request.system}, {"role": "user", "content": plain}]


def _must_be_address(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        parts, good = None, False
    if not good or parts is None:
        raise OptionError(
            f"base URL {escape(base_url, 100)!r}: want an address such as http://localhost:8000/v1"
        )
    if parts.username or parts.password or parts.query:
        raise OptionError(
            "base URL: it holds a user, a password or a query; secrets belong into "
            f"{KEY_VARIABLES[0]}, and the address is the part before them"
        )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    told = headers.get("retry-after-ms")
    if told is not None:
        try:
            return max(0.0, float(told) / 1000)
        except ValueError:
            pass
    told = headers.get("retry-after")
    if told is None:
        return None
    try:
        wait = float(told)
    except ValueError:
        try:
            wait = parsedate_to_datetime(told).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return max(0.0, wait) if wait - wait == 0.0 else None


def _tokens(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if type(value) is int and 0 <= value < 10**9 else 0


def _cause(error: BaseException) -> str:
    inner: BaseException = error
    while inner.__cause__ is not None:
        inner = inner.__cause__
    return f"{type(inner).__name__}: {inner}" if str(inner) else type(inner).__name__

"""What is asked of a model and what comes back, as data; and what a model is to us.

A request is complete in itself: it needs nothing that was said before, so that it can be answered
in a new chat, by another model, or a year later from a recording. Its digest is over all that a
model sees (and the number of the sample, where several answers to one text are wanted) and over
nothing else, so that an answer belongs to its question whoever gave it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal, Protocol, TypeAlias

from carruntime.generate.pictures import Picture

__all__ = ["MAX_ANSWER_CHARS", "Answer", "Finish", "Keep", "Model", "Origin", "Request", "Usage"]

Finish = Literal["stop", "length", "refusal", "unknown"]
"""Why an answer ends: it was complete, it was cut, the model would not, or nobody said."""

Origin = Literal["endpoint", "exchange", "authored"]
"""Who answered: an endpoint, whoever sat behind an exchange folder, or the authors of carruntime."""

MAX_ANSWER_CHARS: Final = 512 * 1024
"""A program has at most 64 KiB; what is longer than this is no answer to what was asked."""


@dataclass(frozen=True)
class Request:
    """One question.

    Attributes:
        purpose: What it is for, a word of ours that can stand in a file name.
        system: The standing instructions.
        text: The question, in Markdown.
        pictures: Shown with it.
        sample: 0 for the first answer wanted to this text, 1 for the second ...
    """

    purpose: str
    system: str
    text: str
    pictures: tuple[Picture, ...] = ()
    sample: int = 0

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex over all that a model sees, and the number of the sample."""
        seen = {
            "format": "carruntime-request/1",
            "system": self.system,
            "text": self.text,
            "pictures": [[item.role, item.digest] for item in self.pictures],
            "sample": self.sample,
        }
        packed = json.dumps(seen, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(packed.encode("ascii")).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data; of pictures only what identifies them."""
        return {
            "digest": self.digest,
            "purpose": self.purpose,
            "sample": self.sample,
            "system": self.system,
            "text": self.text,
            "pictures": [item.to_json() for item in self.pictures],
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        text: The answer as it came, with line feeds as line ends.
        finish: Why it ends.
        model: The name under which it was given, as the answerer says; empty where nobody did.
        origin: Who answered.
        prompt_tokens: As counted by the endpoint; 0 where it does not count.
        completion_tokens: The same for the answer.
        notes: What was odd about how it came.
    """

    text: str
    finish: Finish = "unknown"
    model: str = ""
    origin: Origin = "exchange"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the text in hex."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    def capped(self) -> Answer:
        """Cut what is longer than any program, and say so."""
        if len(self.text) <= MAX_ANSWER_CHARS:
            return self
        note = f"cut at {MAX_ANSWER_CHARS:,} of {len(self.text):,} characters"
        return replace(
            self, text=self.text[:MAX_ANSWER_CHARS], finish="length", notes=(*self.notes, note)
        )

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "text": self.text,
            "digest": self.digest,
            "finish": self.finish,
            "model": self.model,
            "origin": self.origin,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "notes": list(self.notes),
        }


@dataclass(slots=True)
class Usage:
    """What a run has used so far.

    Attributes:
        requests: Answers that were asked for and came.
        replayed: Answers that were taken from recordings and cost nothing.
        prompt_tokens: As counted by the endpoint.
        completion_tokens: The same.
        prices: Price of a million prompt tokens and a million completion tokens, in whatever
            currency; None where nobody said.
    """

    requests: int = 0
    replayed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prices: tuple[float, float] | None = None

    def add(self, answer: Answer) -> None:
        """Count an answer."""
        self.requests += 1
        self.prompt_tokens += answer.prompt_tokens
        self.completion_tokens += answer.completion_tokens

    @property
    def cost(self) -> float | None:
        """What the tokens cost; None where the prices are not known."""
        if self.prices is None:
            return None
        prompt, completion = self.prices
        return (self.prompt_tokens * prompt + self.completion_tokens * completion) / 1e6

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "requests": self.requests,
            "replayed": self.replayed,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost": self.cost,
        }


Keep: TypeAlias = Callable[[Request, Answer], None]
"""Takes each answer as soon as it is there, so that an interruption loses none."""


class Model(Protocol):
    """Whoever answers."""

    @property
    def name(self) -> str:
        """Name for people and bundles."""

    @property
    def settings(self) -> dict[str, Any]:
        """How it is asked, as plain data without secrets."""

    def ask(self, requests: Sequence[Request], keep: Keep) -> None:
        """Get an answer to every request, and hand each to ``keep`` as soon as it is there.

        Raises:
            GenerateError: If some request has no answer; the others have been kept.
        """

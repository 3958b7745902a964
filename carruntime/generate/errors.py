"""What can go wrong between us and a model, told apart by what a user does about it."""

from __future__ import annotations

from collections.abc import Sequence

from carruntime.errors import CarruntimeError, OptionError

__all__ = [
    "BundleError",
    "ExchangeError",
    "GenerateError",
    "ModelError",
    "NotRecordedError",
    "PictureError",
    "WaitingForAnswersError",
]


class GenerateError(CarruntimeError):
    """Base of the errors of generation."""


class PictureError(GenerateError, OptionError):
    """A picture cannot be shown to a model; the message says which, why and what is wanted."""


class ModelError(GenerateError):
    """A model's endpoint gave no answer that can be used, after all attempts.

    Attributes:
        reason: What happened last, without secrets.
        attempts: How often it was tried.
    """

    def __init__(self, reason: str, attempts: int = 1) -> None:
        super().__init__(reason, attempts)
        self.reason = reason
        self.attempts = attempts

    def __str__(self) -> str:
        tried = "" if self.attempts == 1 else f" (tried {self.attempts} times)"
        return f"{self.reason}{tried}"


class NotRecordedError(GenerateError):
    """A request has no recorded answer; a replay is exact or it is none."""


class ExchangeError(GenerateError):
    """A file of an exchange cannot be taken: which, why, and what to do."""


class WaitingForAnswersError(GenerateError):
    """Requests lie in an exchange folder and have no answers yet; no fault, but a place to stop.

    Attributes:
        folder: The exchange folder.
        waiting: Names of the request files without an answer.
        answered: How many of this round have one.
    """

    def __init__(self, folder: str, waiting: Sequence[str], answered: int) -> None:
        super().__init__(folder, tuple(waiting), answered)
        self.folder = folder
        self.waiting = tuple(waiting)
        self.answered = answered

    def __str__(self) -> str:
        total = len(self.waiting) + self.answered
        lines = [f"{len(self.waiting)} of {total} requests wait for an answer in {self.folder}:"]
        lines += [f"  {name}.md  ->  {name}.answer.md" for name in self.waiting]
        lines += [
            "For each: give the text of the .md file and the pictures it names to a model, paste the",
            "model's whole answer into the .answer.md file beside it, below the line, and run the",
            "same command again. What is answered already is kept.",
        ]
        return "\n".join(lines)


class BundleError(GenerateError, OptionError):
    """A file is no bundle that can be used: which part, and why."""

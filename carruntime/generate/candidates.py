"""Candidates: every answer that was meant to be a program, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from carruntime.generate.judging import Judge, Judged
from carruntime.generate.messages import Answer, Request
from carruntime.generate.questions import Questions
from carruntime.generate.reading import SAID, Ending, read_program
from carruntime.generate.recordings import Recorded

__all__ = ["Candidate", "Part", "Rounds", "best_of"]

_NOTHING: Final = (-1.0, 0.0, 0.0, 0.0)


@dataclass(slots=True)
class Candidate:
    """One answer that was meant to be a program.

    Attributes:
        id: ``"c1"``, ``"c2"`` ... in the order in which they came.
        part: What it is a program for: ``"subtask-2"``, ``"tasks"``, ``"reward"``, ``"script"``,
            ``"whole"``.
        round: 1 for the first answers.
        request: Digest of the request.
        parents: Ids of the candidates that it was mended, bred or put together from.
        ending: What the answer turned out to be.
        notes: What was left out or repaired when it was read.
        source: What the model wrote.
        program: What was judged: the source, or the source with the programs it stands beside.
        tree: Digest of the source's tree, where it is Python.
        duplicate_of: Id of the earlier candidate that is the same program, or None.
        judged: What is known about it; None for a duplicate and where there is no program.
        trained: What a training run came to, where there was one.
    """

    id: str
    part: str
    round: int
    request: str
    parents: tuple[str, ...] = ()
    ending: Ending = Ending.PROGRAM
    notes: tuple[str, ...] = ()
    source: str = ""
    program: str = ""
    tree: str = ""
    duplicate_of: str | None = None
    judged: Judged | None = None
    trained: dict[str, Any] | None = None

    @property
    def score(self) -> tuple[float, ...]:
        """What candidates are ordered by."""
        return _NOTHING if self.judged is None else self.judged.score

    @property
    def end(self) -> str:
        """What became of it, in a word or two."""
        if self.duplicate_of is not None:
            return f"same as {self.duplicate_of}"
        if self.judged is None:
            return self.ending.value.replace("_", " ")
        return self.judged.end

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "id": self.id,
            "part": self.part,
            "round": self.round,
            "request": self.request,
            "parents": list(self.parents),
            "ending": self.ending.value,
            "notes": list(self.notes),
            "source": self.source,
            "program": self.program,
            "tree": self.tree,
            "duplicate_of": self.duplicate_of,
            "judged": None if self.judged is None else self.judged.to_json(),
            "trained": self.trained,
        }


@dataclass(slots=True, kw_only=True)
class Part:
    """One program that is wanted.

    Attributes:
        name: See `Candidate.part`; also the purpose of its requests.
        question: The text of the first request.
        judge: From a source to what was judged and what is known about it.
        own: Names that stand beside it, whose imports are cut.
        beside: Ids of the candidates that stand beside it in one file.
        candidates: What came so far.
        samples: Requests so far: each gets a number of its own, so that a question that happens
            to be asked twice gets two answers.
    """

    name: str
    question: str
    judge: Callable[[str], tuple[str, Judged]]
    own: frozenset[str] = frozenset()
    beside: tuple[str, ...] = ()
    candidates: list[Candidate] = field(default_factory=list)
    samples: int = 0

    @property
    def best(self) -> Candidate | None:
        """The best so far; among equals the first."""
        return best_of(self.candidates)

    @property
    def done(self) -> bool:
        """Whether nothing is left that the model could mend."""
        best = self.best
        return best is not None and best.judged is not None and not best.judged.mendable


class Rounds:
    """Asks for programs in rounds until they are good or the rounds are used up.

    Args:
        questions: Makes the texts.
        recorded: Answers them.
        judge: Reads trees, for duplicates.
        tell: Takes each candidate when it has been judged.
        may_go_on: Called before each round; raises where a budget is used up.
    """

    def __init__(
        self,
        questions: Questions,
        recorded: Recorded,
        judge: Judge,
        tell: Callable[[Candidate], None],
        may_go_on: Callable[[], None],
    ) -> None:
        self.questions = questions
        self.recorded = recorded
        self.judge = judge
        self.tell = tell
        self.may_go_on = may_go_on
        self.candidates: list[Candidate] = []

    def run(self, parts: Sequence[Part], *, rounds: int, width: int) -> None:
        """Go on with some parts, side by side.

        Args:
            parts: Asked for in one go in each round, so that a person can answer a round at once.
            rounds: At most so many; each mends the best of those before it.
            width: Candidates of a part in each round.
        """
        for number in range(1, rounds + 1):
            waiting = [part for part in parts if not part.done]
            if not waiting:
                return
            self.may_go_on()
            asked: list[tuple[Part, Request, Candidate | None]] = []
            for part in waiting:
                text, parent = self._text(part)
                for _ in range(width):
                    request = self.questions.request(part.name, text, part.samples)
                    asked.append((part, request, parent))
                    part.samples += 1
            answers = self.recorded.ask([request for _, request, _ in asked])
            for (part, request, parent), answer in zip(asked, answers, strict=True):
                self.take(part, request, answer, round_=number, parent=parent)

    def take(
        self, part: Part, request: Request, answer: Answer, *, round_: int, parent: Candidate | None
    ) -> Candidate:
        """Read, judge and keep one answer."""
        read = read_program(answer, part.own)
        made = Candidate(
            id=f"c{len(self.candidates) + 1}",
            part=part.name,
            round=round_,
            request=request.digest,
            parents=part.beside if parent is None else (parent.id,),
            ending=read.ending,
            notes=read.notes,
            source=read.source,
        )
        if read.ending is Ending.PROGRAM:
            normal = self.judge.normal(read.source)
            made.tree = "" if normal is None else normal.digest
            same = next(
                (item for item in part.candidates if made.tree and item.tree == made.tree), None
            )
            if same is not None:
                made.duplicate_of = same.id
            else:
                made.program, made.judged = part.judge(read.source)
        self.candidates.append(made)
        part.candidates.append(made)
        self.tell(made)
        return made

    def _text(self, part: Part) -> tuple[str, Candidate | None]:
        """Give the text of the next request, and what it mends."""
        if not part.candidates:
            return part.question, None
        best = part.best
        if best is None or best.judged is None:
            # Nobody gave a program: say what came instead, and ask again.
            last = part.candidates[-1]
            return self.questions.mend(part.question, "", f"{SAID[last.ending]}."), last
        return self.questions.mend(part.question, best.source, best.judged.feedback), best


def best_of(candidates: Sequence[Candidate]) -> Candidate | None:
    """Give the best candidate that was judged; among equals the first."""
    judged = [item for item in candidates if item.judged is not None]
    return max(judged, key=lambda item: item.score, default=None)

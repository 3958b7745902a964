"""A whole run: pictures, a description, sub-tasks, their programs, the reward, a bundle.

The stages follow Code as Reward (Venuto et al., ICML 2024, arXiv:2402.04764): a model says what
the task is, divides it, and writes a program for each part; programs are judged on expert and
random trajectories, and what is wrong goes back to the model. Its prompts are not published; these
are our own.

Each sub-task is written and mended alone, which keeps questions small and lets all of them be
answered side by side. The programs are then put into one file and judged together, and mended
together if need be. A dense reward is asked for last, beside sub-tasks that hold by then, so that
what counts as solved is settled before anything is paid for the way there.

Nothing of a run's state is kept but the answers: every step follows from them, so a run that was
interrupted is begun again and comes to the same place without asking anything twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from carruntime.errors import OptionError
from carruntime.generate.bundle import Bundle, make_bundle, versions
from carruntime.generate.candidates import Candidate, Part, Rounds
from carruntime.generate.errors import GenerateError
from carruntime.generate.joining import clashes, join
from carruntime.generate.judging import Judge, Judged
from carruntime.generate.messages import Answer, Usage
from carruntime.generate.pictures import Picture
from carruntime.generate.prompts import VERSION, templates_digest
from carruntime.generate.questions import STYLES, Questions, Style
from carruntime.generate.reading import MAX_SUBTASKS, SubTask, read_subtasks, read_text
from carruntime.generate.recordings import Recorded
from carruntime.generate.schema import Described
from sandbox.plan import Normal

__all__ = ["Generation", "Settings", "Tell"]

Tell = Callable[[str], None]
_TRIES: Final = 3
"""Times that a description or a list is asked for before a run is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run is asked for.

    Attributes:
        style: The form of the program: ``"function"`` or ``"class"`` (sub-tasks and a dense reward
            of that form), ``"tasks"`` (sub-tasks that pay when they are completed), ``"paper"`` (an
            image script).
        candidates: Answers to each question for a program, in each round.
        rounds: Rounds for each stage; every round after the first mends.
        most_subtasks: At most so many are asked for.
        task: The task in words; asked for from the pictures if empty.
        budget_tokens: No round is begun once so many tokens are used; no end if None.
    """

    style: Style = "function"
    candidates: int = 1
    rounds: int = 3
    most_subtasks: int = 5
    task: str = ""
    budget_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise OptionError(f"style={self.style!r}: want one of {', '.join(STYLES)}")
        if self.candidates < 1 or self.rounds < 1:
            raise OptionError(
                f"candidates={self.candidates}, rounds={self.rounds}: want at least 1 of each"
            )
        if not 2 <= self.most_subtasks <= MAX_SUBTASKS:
            raise OptionError(f"most_subtasks={self.most_subtasks}: want 2 to {MAX_SUBTASKS}")


class Generation:
    """One run.

    Args:
        settings: What is wanted.
        described: The environment in words.
        pictures: The initial and the goal picture.
        judge: Judges programs, with the trajectories.
        recorded: Answers questions.
        tell: Takes lines for a person.
        frame: Height and width of the frames that a script gets.
    """

    def __init__(
        self,
        settings: Settings,
        described: Described,
        pictures: Sequence[Picture],
        judge: Judge,
        recorded: Recorded,
        *,
        tell: Tell = lambda text: None,  # noqa: ARG005
        frame: tuple[int, int] = (0, 0),
    ) -> None:
        self.settings = settings
        self.described = described
        self.judge = judge
        self.recorded = recorded
        self.tell = tell
        self.questions = Questions(
            described=described,
            pictures=tuple(pictures),
            style=settings.style,
            expert=judge.counts[0],
            random=judge.counts[1],
            frame=frame,
        )
        self.rounds = Rounds(
            self.questions, self.recorded, judge, self._tell_candidate, self.may_go_on
        )
        self.task = settings.task
        self.subtasks: tuple[SubTask, ...] = ()

    def run(self) -> Bundle:
        """Go through all stages.

        Returns:
            The bundle, with the best program by verdict, accepted or not.

        Raises:
            GenerateError: If a question has no answer, or no answer is a description or a list.
        """
        self.understand()
        self.tell("sub-tasks: " + ", ".join(item.name for item in self.subtasks))
        finals: list[Candidate] = []
        if self.settings.style == "paper":
            finals += self._best_of(self._script())
        else:
            tasks = self._tasks()
            finals += tasks
            if tasks and self.settings.style in ("function", "class"):
                finals += self._reward(tasks[0])
        return self.bundle(self.choose(finals))

    def understand(self) -> None:
        """Get the task in words and its sub-tasks."""
        if not self.task:
            self.task = self._until("task", self.questions.task(), read_text)
        most = self.settings.most_subtasks
        question = self.questions.subtasks(self.task, most)
        self.subtasks = self._until(
            "subtasks", question, lambda answer: read_subtasks(answer)[:most]
        )

    def _until(self, purpose: str, question: str, read: Callable[[Answer], Any]) -> Any:
        """Ask until an answer holds what was asked for."""
        for sample in range(_TRIES):
            (answer,) = self.recorded.ask([self.questions.request(purpose, question, sample)])
            found = read(answer)
            if found:
                return found
        raise GenerateError(
            f"{purpose}: {_TRIES} answers hold nothing of what was asked for; the last has "
            f"{len(answer.text):,} characters and ends with {answer.finish!r}. Look at it among the "
            "recordings; say the task with --task, or take another model"
        )

    def _tasks(self) -> list[Candidate]:
        """Get the programs of all sub-tasks and put them together."""
        settings = self.settings
        last = self.subtasks[-1]
        parts = [
            Part(
                name=f"subtask-{item.number}",
                question=self.questions.subtask(self.task, self.subtasks, item),
                judge=_alone(self.judge, part=item is not last),
                own=frozenset(one.function for one in self.subtasks),
            )
            for item in self.subtasks
        ]
        self.rounds.run(parts, rounds=settings.rounds, width=settings.candidates)
        best = [part.best for part in parts]
        whole = Part(
            name="tasks",
            question=self.questions.whole(self.task, self.subtasks, pays=False),
            judge=_alone(self.judge),
        )
        if all(item is not None for item in best):
            self._put_together(whole, [item for item in best if item is not None])
        if not whole.done:
            # Whoever mends it sees all of it, and what it did as a whole.
            self.rounds.run([whole], rounds=settings.rounds, width=settings.candidates)
        return self._best_of(whole)

    def _put_together(self, whole: Part, best: Sequence[Candidate]) -> None:
        """Make one candidate of the best programs of all sub-tasks."""
        source = join(
            [
                (f"Sub-task {item.number}: {item.name}", candidate.source)
                for item, candidate in zip(self.subtasks, best, strict=True)
            ]
        )
        trees = {item.part: self._normal(item.source) for item in best}
        clash = clashes(trees)
        made = Candidate(
            id=f"c{len(self.rounds.candidates) + 1}",
            part=whole.name,
            round=max(item.round for item in best),
            request=best[-1].request,
            parents=tuple(item.id for item in best),
            notes=("put together",),
            source=source,
            program=source,
            tree=self._normal(source).digest,
        )
        made.judged = _clashing(clash) if clash else self.judge.judge(source)
        self.rounds.candidates.append(made)
        whole.candidates.append(made)
        self._tell_candidate(made)

    def _reward(self, tasks: Candidate) -> list[Candidate]:
        """Get the dense reward beside the sub-tasks."""
        standing = self._normal(tasks.program)

        def judge(source: str) -> tuple[str, Judged]:
            above = join([("Sub-tasks", tasks.program)])
            program = f"{above}\n{join([('Reward', source)])}"
            clash = clashes({"the sub-tasks": standing, "the reward": self._normal(source)})
            if clash:
                return program, _clashing(clash)
            judged = self.judge.judge(program)
            # The heading and an empty line are ours.
            first = above.count("\n") + 4
            told = f"(Lines are counted in the whole file; your program begins with line {first}.)"
            return program, replace(judged, feedback=f"{told}\n\n{judged.feedback}")

        part = Part(
            name="reward",
            question=self.questions.reward(self.task, tasks.program),
            judge=judge,
            own=frozenset(name for name, _ in standing.names),
            beside=(tasks.id,),
        )
        self.rounds.run([part], rounds=self.settings.rounds, width=self.settings.candidates)
        return self._best_of(part)

    def _script(self) -> Part:
        last = self.subtasks[-1].name
        part = Part(
            name="script",
            question=self.questions.script(self.task, self.subtasks),
            judge=_alone(self.judge, success=last),
        )
        self.rounds.run([part], rounds=self.settings.rounds, width=self.settings.candidates)
        return part

    def _best_of(self, part: Part) -> list[Candidate]:
        return [part.best] if part.best is not None else []

    def choose(self, finals: Sequence[Candidate]) -> Candidate | None:
        """Give the best of what can stand alone: by its end, and then the later stage."""
        return max(
            enumerate(finals),
            key=lambda item: (item[1].score[0], item[0]),
            default=(0, None),
        )[1]

    def bundle(self, chosen: Candidate | None) -> Bundle:
        """Put all that is known into a bundle."""
        judged = None if chosen is None else chosen.judged
        model = self.recorded.model
        asked = self.recorded.asked.values()
        answers = [answer for _, answer in asked]
        # Of the answers and not of this run, so that a repetition makes the same bundle.
        used = Usage(prices=self.recorded.usage.prices)
        for answer in answers:
            used.add(answer)
        return make_bundle(
            {
                "source": "" if chosen is None else chosen.program,
                "env_id": self.described.env_id,
                "style": self.settings.style,
                "end": "no program" if judged is None else judged.end,
                "chosen": None if chosen is None else chosen.id,
                "task": self.task,
                "subtasks": [asdict(item) for item in self.subtasks],
                "pictures": [item.to_json() for item in self.questions.pictures],
                "prompts": {"version": VERSION, "templates": templates_digest()},
                "model": {
                    "name": model.name,
                    "settings": model.settings,
                    "answered_by": sorted({answer.model for answer in answers if answer.model}),
                    "origins": sorted({answer.origin for answer in answers}),
                },
                "usage": used.to_json(),
                "versions": versions(),
                "settings": {
                    **asdict(self.settings),
                    "expert_episodes": self.judge.counts[0],
                    "random_episodes": self.judge.counts[1],
                    "horizon": self.judge.random.horizon,
                    "threshold": self.judge.threshold,
                },
                "candidates": [item.to_json() for item in self.rounds.candidates],
                "exchanges": [
                    {"request": request.to_json(), "answer": answer.to_json()}
                    for request, answer in asked
                ],
                "verdict": None if judged is None else judged.verdict,
                "findings": [] if judged is None else list(judged.findings),
            }
        )

    def _normal(self, source: str) -> Normal:
        return self.judge.normal(source) or Normal("")

    def _tell_candidate(self, made: Candidate) -> None:
        parent = f", from {', '.join(made.parents)}" if made.parents else ""
        notes = f" ({'; '.join(made.notes)})" if made.notes else ""
        self.tell(f"  {made.id:<4} {made.part:<10} round {made.round}: {made.end}{parent}{notes}")

    def may_go_on(self) -> None:
        """Refuse to begin a round beyond the budget."""
        used = self.recorded.usage
        budget = self.settings.budget_tokens
        total = used.prompt_tokens + used.completion_tokens
        if budget is not None and total >= budget:
            raise GenerateError(
                f"the budget of {budget:,} tokens is used up ({total:,} so far); what was answered is "
                "recorded: raise --budget and run the same command again"
            )


def _alone(
    judge: Judge, *, part: bool = False, success: str | None = None
) -> Callable[[str], tuple[str, Judged]]:
    """Judge a source as it is."""
    return lambda source: (source, judge.judge(source, part=part, success=success))


def _clashing(clash: dict[str, list[str]]) -> Judged:
    """Refuse programs that cannot stand in one file."""
    lines = [
        f"- `{name}` is defined differently in {' and in '.join(users)}"
        for name, users in clash.items()
    ]
    told = "\n".join(
        [
            "These programs stand in one file, and there the later definition of a name replaces the",
            "earlier one. These names are defined in more than one way:",
            "",
            *lines,
            "",
            "Give each a name of its own.",
        ]
    )
    return Judged("refused", (), None, told, mendable=True)

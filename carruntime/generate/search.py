"""Search: generations of whole programs, each bred from what the one before it came to.

As reward-search papers do it: a model writes several programs, each is checked and verified, and
the best go back to it with what every part of them paid, to be bettered. What decides here is the
verdict first; where a short training run is asked for, its success counts next. Half of what is
asked for in a later generation is bred from the best, half mends or varies the next ones.

A search can be stopped at any time and begun again with the same arguments: answers, training runs
and verdicts are found in its folder, and the rest goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from carruntime.errors import LoadError, OptionError, RewardError
from carruntime.generate.bundle import Bundle
from carruntime.generate.candidates import Candidate, Part
from carruntime.generate.errors import GenerateError
from carruntime.generate.files import make_folder, read_json, to_text, write_whole
from carruntime.generate.judging import Judged, statistics
from carruntime.generate.loop import Generation
from carruntime.generate.runner import run_key

if TYPE_CHECKING:
    from carruntime.generate.messages import Request
    from carruntime.generate.runner import Workshop

__all__ = ["Search", "SearchSettings", "Trainer", "rank"]

Trainer = Callable[[str, Path], dict[str, Any]]
"""From a program and a folder to what a training run came to, with ``success`` from 0 to 1."""
_PART: Final = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """What is searched for.

    Attributes:
        generations: How many.
        width: Candidates of each.
        survivors: Best candidates that the next generation is bred from.
        trained: Best accepted candidates of each generation that are trained on, with a trainer.
    """

    generations: int = 3
    width: int = 4
    survivors: int = 2
    trained: int = 1

    def __post_init__(self) -> None:
        for name in ("generations", "width", "survivors"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name}={getattr(self, name)}: want at least 1")


def rank(candidate: Candidate) -> tuple[float, ...]:
    """Give what candidates of a search are ordered by: the greater the better."""
    first, *rest = candidate.score
    trained = -1.0
    if candidate.trained is not None and candidate.trained.get("success") is not None:
        trained = float(candidate.trained["success"])
    return (first, trained, *rest)


class Search:
    """One search.

    Args:
        generation: Questions, judge, answers.
        settings: What is searched for.
        folder: Where verdicts and training runs are kept.
        trainer: Trains on a program; nothing is trained if None.
    """

    def __init__(
        self,
        generation: Generation,
        settings: SearchSettings,
        folder: Path,
        *,
        trainer: Trainer | None = None,
    ) -> None:
        if generation.settings.style == "paper":
            raise OptionError("search: image scripts are not searched for; want another style")
        self.run_ = generation
        self.settings = settings
        self.folder = folder
        self.trainer = trainer
        self.part: Part | None = None

    @property
    def candidates(self) -> list[Candidate]:
        """All candidates so far, the best first."""
        return sorted(self.run_.rounds.candidates, key=rank, reverse=True)

    def run(self, after: Callable[[int], None] = lambda number: None) -> Bundle:  # noqa: ARG005
        """Search.

        Args:
            after: Called with the number of each generation that is done.

        Returns:
            The bundle of the best.
        """
        run = self.run_
        if not run.subtasks:
            run.understand()
        pays = run.settings.style != "tasks"
        part = Part(
            name=_PART,
            question=run.questions.whole(run.task, run.subtasks, pays=pays),
            judge=self._judge,
        )
        self.part = part
        for number in range(1, self.settings.generations + 1):
            run.may_go_on()
            asked = self._questions(part, number)
            answers = run.recorded.ask([request for request, _ in asked])
            made = [
                run.rounds.take(part, request, answer, round_=number, parent=parent)
                for (request, parent), answer in zip(asked, answers, strict=True)
            ]
            self._train(made)
            after(number)
        best = self.candidates[0] if self.candidates else None
        return run.bundle(best if best is not None and best.judged is not None else None)

    def _questions(self, part: Part, number: int) -> list[tuple[Request, Candidate | None]]:
        """Give the questions of a generation, and what each is bred from."""
        survivors = [item for item in self.candidates if item.judged is not None]
        survivors = survivors[: self.settings.survivors]
        asked: list[tuple[Request, Candidate | None]] = []
        for index in range(self.settings.width):
            parent = None
            if number > 1 and survivors:
                # The best gets every second question, the others share the rest.
                place = 0 if index % 2 == 0 else (1 + index // 2) % len(survivors)
                parent = survivors[place]
            text = part.question if parent is None else self._reflect(part.question, parent)
            asked.append((self.run_.questions.request(_PART, text, part.samples), parent))
            part.samples += 1
        return asked

    def _reflect(self, question: str, parent: Candidate) -> str:
        judged = parent.judged
        if judged is None or judged.verdict is None:
            told = "" if judged is None else judged.feedback
            return self.run_.questions.mend(question, parent.source, told)
        return self.run_.questions.reflect(
            question,
            parent.source,
            statistics=statistics(judged),
            findings=judged.feedback,
            training=_trained_words(parent.trained),
        )

    def _judge(self, source: str) -> tuple[str, Judged]:
        """Judge a program, or take the verdict that was kept for it."""
        judge = self.run_.judge
        facts = (*judge.counts, judge.random.horizon, judge.threshold)
        key = run_key("judged/1", source, self.run_.described.env_id, *facts)
        path = self.folder / "judged" / f"{key}.json"
        kept = _kept(path)
        if kept is not None:
            try:
                return source, Judged.from_json(kept)
            except (KeyError, TypeError, ValueError):
                pass  # of another version: it is worked out anew
        judged = judge.judge(source)
        make_folder(path.parent, "verdicts")
        write_whole(path, to_text(judged.to_json()), "a verdict")
        return source, judged

    def _train(self, made: Sequence[Candidate]) -> None:
        if self.trainer is None:
            return
        accepted = [item for item in made if item.judged is not None and item.judged.accepted]
        for item in sorted(accepted, key=rank, reverse=True)[: self.settings.trained]:
            key = run_key("trained/1", item.program, self.run_.described.env_id)
            folder = self.folder / "trained" / key
            result = _kept(folder / "search.json")
            if result is None:
                make_folder(folder, "training runs")
                self.run_.tell(f"  {item.id:<4} training")
                result = self.trainer(item.program, folder)
                write_whole(folder / "search.json", to_text(result), "a training run's end")
            item.trained = result
            self.run_.tell(f"  {item.id:<4} trained: {_trained_words(result)}")


def trainer_for(workshop: Workshop, steps: int, seed: int = 0) -> Trainer:
    """Make a trainer of `carruntime.training`.

    Args:
        workshop: The environment, and how programs are loaded.
        steps: Transitions of a run.
        seed: Of the run.

    Raises:
        OptionError: If the extra is not installed.
    """
    try:
        from carruntime.training.run import train_seed
        from carruntime.training.settings import Settings
    except ImportError as error:
        raise OptionError(
            f"--train needs {error.name}, which is not installed: pip install 'carruntime[train]'; "
            "without --train candidates are ordered by their verdicts"
        ) from error
    from carruntime.loading import load

    settings = Settings(env_id=workshop.described.env_id, total_steps=steps, eval_every=steps)
    require = workshop.judge.require

    def train(source: str, folder: Path) -> dict[str, Any]:
        try:
            program = load(source, workshop.env, require=require, **workshop.judge.options)
            try:
                run = train_seed(settings, seed, folder, program=program, resume=True)
            finally:
                program.close()
        except (RewardError, LoadError) as error:
            return {"steps": steps, "success": None, "failed": str(error)[:400]}
        last = run.points[-1]
        return {
            "steps": last.steps,
            "success": _known(last.eval_success),
            "return": _known(last.eval_return),
            "solved_at": run.solved_at,
        }

    return train


def _known(value: float) -> float | None:
    return float(value) if value - value == 0.0 else None


def _trained_words(trained: dict[str, Any] | None) -> str:
    if trained is None:
        return ""
    if trained.get("failed"):
        return f"An agent was trained on it, and it failed on the way: {trained['failed']}"
    success = trained.get("success")
    if success is None:
        return f"An agent was trained on it for {trained.get('steps'):,} steps."
    return (
        f"An agent that was trained on it for {trained.get('steps'):,} steps solves "
        f"{success:.0%} of its episodes."
    )


def _kept(path: Path) -> dict[str, Any] | None:
    """Give what is kept in a file; what is not there or damaged is worked out anew."""
    try:
        data = read_json(path.read_bytes(), str(path))
    except (OSError, GenerateError):
        return None
    return data if isinstance(data, dict) else None

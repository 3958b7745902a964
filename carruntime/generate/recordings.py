"""Recorded exchanges: every answer beside its question, found again by the question's digest.

A recording is one JSON file, named by the digest of its request. `Recorded` stands before a model:
what is recorded is taken from there and costs nothing, everything else is asked and recorded in
the moment it arrives. That is what makes an interrupted run go on where it was, and a finished
run repeat itself exactly without any model. `Replay` is the model that knows nothing else.

A recording is data from outside: its size is capped, and its digests must fit, so that an answer
cannot be given to another question, nor be changed without notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final, get_args

from carruntime.generate.errors import GenerateError, NotRecordedError
from carruntime.generate.files import make_folder, read_json, to_text, write_whole
from carruntime.generate.messages import Answer, Finish, Keep, Model, Origin, Request, Usage
from carruntime.generate.prompts import templates_digest

__all__ = ["Recorded", "Recordings", "Replay", "shipped"]

FORMAT: Final = "carruntime-recording/1"
_MAX_FILE_BYTES: Final = 8 * 1024 * 1024


class Recordings:
    """A folder of recordings.

    Args:
        folder: Where they are, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, request: Request) -> Answer | None:
        """Give the answer to a request, or None.

        Raises:
            GenerateError: If there is one and it is damaged.
        """
        path = self._path(request.digest)
        try:
            with path.open("rb") as stream:
                data = stream.read(_MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise GenerateError(
                f"recording {path}: cannot be read: {error.strerror or error}; want a readable file"
            ) from error
        if len(data) > _MAX_FILE_BYTES:
            raise GenerateError(
                f"recording {path}: more than {_MAX_FILE_BYTES:,} bytes; no answer of ours is so long"
            )
        return _answer_in(data, request, path)

    def keep(self, request: Request, answer: Answer) -> None:
        """Record an answer; one that is there already is replaced.

        Raises:
            GenerateError: If it cannot be written.
        """
        make_folder(self.folder, "recordings")
        data = {
            "format": FORMAT,
            "templates": templates_digest(),
            "request": request.to_json(),
            "answer": answer.to_json(),
        }
        write_whole(self._path(request.digest), to_text(data), f"the answer to {request.purpose}")

    def purposes(self) -> Counter[str]:
        """Count what there is, by purpose; for messages."""
        return Counter(
            str(data.get("request", {}).get("purpose", "?"))[:40] for data in self._every()
        )

    def templates(self) -> set[str]:
        """Give the digests of the prompts that the recordings were made with."""
        return {str(data.get("templates"))[:64] for data in self._every()}

    def _every(self) -> Iterator[dict[str, Any]]:
        for path in sorted(self.folder.glob("*.json"))[:1000]:
            try:
                data = read_json(path.read_bytes()[: _MAX_FILE_BYTES + 1], str(path))
            except (OSError, GenerateError):
                continue
            if isinstance(data, dict) and isinstance(data.get("request"), dict):
                yield data

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.json"


class Recorded:
    """A model whose answers are recorded, and that is only asked what is not.

    Args:
        model: Who answers what is not recorded.
        recordings: Where answers are looked for and kept.
    """

    def __init__(self, model: Model, recordings: Recordings) -> None:
        self.model = model
        self.recordings = recordings
        self.usage = Usage()
        self.asked: dict[str, tuple[Request, Answer]] = {}
        """Every request of this run with its answer, by digest, in order."""

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Get an answer to every request, in order.

        Raises:
            GenerateError: If some request has no answer; the others are recorded.
        """
        found: dict[str, Answer] = {}
        missing: dict[str, Request] = {}
        for request in requests:
            answer = self.recordings.find(request)
            if answer is not None:
                self.usage.replayed += request.digest not in found
                found[request.digest] = answer
            else:
                missing[request.digest] = request

        def keep(request: Request, answer: Answer) -> None:
            answer = answer.capped()
            if isinstance(self.model, Replay):
                self.usage.replayed += 1
            else:
                self.usage.add(answer)
            self.recordings.keep(request, answer)
            found[request.digest] = answer

        if missing:
            self.model.ask(list(missing.values()), keep)
        for request in requests:
            self.asked[request.digest] = (request, found[request.digest])
        return [found[request.digest] for request in requests]


class Replay:
    """A model that gives recorded answers and nothing else; needs no network.

    Args:
        sources: Folders of recordings, the first that knows an answer gives it.
        name: For people.
    """

    def __init__(self, sources: Iterable[Recordings], name: str = "recordings") -> None:
        self._sources = tuple(sources)
        self.name = name

    @property
    def settings(self) -> dict[str, Any]:
        """Nothing can be set."""
        return {"kind": "recordings"}

    def ask(self, requests: Sequence[Request], keep: Keep) -> None:
        """Give what is recorded; see `Model.ask`.

        Raises:
            NotRecordedError: If something is not.
        """
        missing = []
        for request in requests:
            for source in self._sources:
                answer = source.find(request)
                if answer is not None:
                    keep(request, answer)
                    break
            else:
                missing.append(request)
        if missing:
            raise NotRecordedError(self._missing(missing))

    def _missing(self, missing: list[Request]) -> str:
        folders = ", ".join(str(source.folder) for source in self._sources)
        asked = ", ".join(f"{item.purpose} ({item.digest[:12]})" for item in missing)
        counts: Counter[str] = sum((source.purposes() for source in self._sources), Counter())
        have = ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "nothing"
        made_with: set[str] = set().union(*(source.templates() for source in self._sources))
        why = (
            "they were made with other prompts: take the version of carruntime they were made with"
            if made_with and templates_digest() not in made_with
            else "an answer is found only if environment, pictures, task, style, candidates and "
            "dialect are all as they were when it was recorded"
        )
        return (
            f"no recorded answer in {folders} for: {asked}. There is: {have}; {why}. To ask a model, "
            "use --model NAME or --exchange DIR"
        )


def shipped() -> Recordings:
    """Give the recordings that come with the package; their origin is ``authored``."""
    place = resources.files("carruntime.generate") / "recordings"
    if not isinstance(place, Path):
        raise GenerateError("the shipped recordings lie in an archive; unpack the package")
    return Recordings(place)


def _answer_in(data: bytes, request: Request, path: Path) -> Answer:
    read = read_json(data, f"recording {path}")
    try:
        asked, given = read["request"], read["answer"]
        _must_belong(read["format"], asked, request)
        answer = Answer(
            text=_typed(given, "text", str),
            finish=_one_of(given["finish"], Finish),
            model=_typed(given, "model", str)[:200],
            origin=_one_of(given["origin"], Origin),
            prompt_tokens=_typed(given, "prompt_tokens", int),
            completion_tokens=_typed(given, "completion_tokens", int),
            notes=tuple(str(note)[:400] for note in given["notes"][:20]),
        )
        _must_be(given["digest"], answer.digest, "the answer's digest")
    except (KeyError, TypeError, ValueError) as error:
        raise GenerateError(
            f"recording {path}: damaged: {error}; take the file as it was written, or remove it to "
            "have the question asked again"
        ) from None
    return answer.capped()


def _must_belong(format_: Any, asked: Any, request: Request) -> None:
    _must_be(format_, FORMAT, "its format")
    _must_be(asked["digest"], request.digest, "the digest of its request")
    _must_be(asked["system"], request.system, "the text of its request")
    _must_be(asked["text"], request.text, "the text of its request")
    _must_be(asked["sample"], request.sample, "the sample of its request")


def _must_be(value: Any, wanted: Any, name: str) -> None:
    if value != wanted:
        raise ValueError(f"{name} is not what its name says")


def _typed(data: dict[str, Any], name: str, kind: type) -> Any:
    value = data[name]
    if type(value) is not kind:
        raise TypeError(f"{name} is a {type(value).__name__}, want {kind.__name__}")
    return value


def _one_of(value: Any, kind: Any) -> Any:
    if value not in get_args(kind):
        raise ValueError(f"{str(value)[:40]!r} is none of {', '.join(get_args(kind))}")
    return value

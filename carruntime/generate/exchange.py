"""Ask by files: for a model behind a chat window, and for machines without a network.

A round of questions is written into a folder at once: for each a Markdown file, the pictures it
names, and a prepared file for the answer. The run stops then, and goes on when the answers are
there. File names are made of a counter, a word of ours and a digest, never of a model's text.

An answer file is whatever an editor or a chat window made of it: with or without a byte order
mark, with any line ends, in UTF-8, UTF-16 or an old one-byte encoding. The head that was prepared
may be there or not; where it is, its digest must be that of the question, so that two answers
cannot be mixed up. A file with nothing below its head is not answered yet. Nothing at all is
recorded as an answer only where somebody writes ``(empty)``.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from carruntime.generate.errors import ExchangeError, WaitingForAnswersError
from carruntime.generate.files import make_folder, write_whole
from carruntime.generate.messages import MAX_ANSWER_CHARS, Answer, Keep, Request

__all__ = ["Exchange"]

_MAX_BYTES: Final = 4 * MAX_ANSWER_CHARS
_HEAD: Final = re.compile(r"\A\s*<!-- carruntime answer\b(.*?)-->[ \t]*\n?", re.DOTALL)
_RULE: Final = "<!-- paste the whole answer below this line -->"
_EMPTY: Final = "(empty)"
_ENDINGS: Final = (".answer.md", ".answer.txt", ".answer.md.txt", ".answer")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_README: Final = """\
# Questions for a model

Each `NN-what-digest.md` here is one question, complete in itself. For each of them:

1. Give a model (a new chat is best) the text of the file and the pictures that it names.
2. Paste the model's whole answer, as it is, into `NN-what-digest.answer.md`, below the line. If the
   model answered with nothing, write `(empty)`; if it refused, paste the refusal.
3. Run the same command again. Answered questions are never asked again; some may be left open, and
   answered later.

Which model it was can be written behind `model:` at the top of the answer; it is kept with the
answer. Nothing else in the files needs to be changed.
"""


class Exchange:
    """A folder of questions and answers.

    Args:
        folder: Where; made if it is not there.
        answered_by: Name of the model, for answers that do not say it themselves.
    """

    def __init__(self, folder: Path, *, answered_by: str = "") -> None:
        self.folder = folder
        self.answered_by = answered_by

    @property
    def name(self) -> str:
        """Who answers, as far as is known."""
        return self.answered_by or "file exchange"

    @property
    def settings(self) -> dict[str, Any]:
        """Nothing but the kind: where the folder is concerns nobody else."""
        return {"kind": "exchange", "answered_by": self.answered_by}

    def ask(self, requests: Sequence[Request], keep: Keep) -> None:
        """Take the answers that are there; see `Model.ask`.

        Raises:
            WaitingForAnswersError: If some are not; their questions lie in the folder then.
            ExchangeError: If a file of an answer cannot be used. The others have been taken.
        """
        make_folder(self.folder, "--exchange")
        waiting: list[str] = []
        wrong: list[str] = []
        answered = 0
        for request in requests:
            stem = self._stem(request)
            try:
                answer = self._answer(request, stem)
            except ExchangeError as error:
                wrong.append(str(error))
                continue
            if answer is None:
                self._put(request, stem)
                waiting.append(stem)
            else:
                keep(request, answer)
                answered += 1
        if wrong:
            raise ExchangeError("\n".join(wrong))
        if waiting:
            raise WaitingForAnswersError(str(self.folder), waiting, answered)

    def _stem(self, request: Request) -> str:
        """Give the name of a request's files: that which it has, or the next."""
        tail = f"-{request.purpose}-{request.digest[:10]}"
        numbers = [0]
        for path in sorted(self.folder.glob("[0-9]*-*.md")):
            number, _, rest = path.name.partition("-")
            if f"-{rest}" == f"{tail}.md":
                return f"{number}{tail}"
            if number.isdecimal():
                numbers.append(int(number))
        return f"{max(numbers) + 1:02}{tail}"

    def _put(self, request: Request, stem: str) -> None:
        """Write a question, its pictures and the place for its answer."""
        if not (self.folder / "README.md").exists():
            write_whole(self.folder / "README.md", _README, "the instructions")
        names = []
        for picture in request.pictures:
            name = f"{picture.role}-{picture.digest[:10]}.png"
            names.append(name)
            if not (self.folder / name).exists():
                write_whole(self.folder / name, picture.data, "a picture")
        head = [f"<!-- carruntime request {request.digest} -->"]
        if names:
            head.append(f"<!-- attach these pictures, in this order: {', '.join(names)} -->")
        shown = [f"![{name}]({name})" for name in names]
        text = "\n\n".join(["\n".join(head), request.system.strip(), *shown, request.text.strip()])
        place = self.folder / f"{stem}{_ENDINGS[0]}"
        if not place.exists():
            prepared = f"<!-- carruntime answer\nto: {request.digest}\nmodel: {self.answered_by}\n-->\n{_RULE}\n"
            write_whole(place, prepared, "the place for an answer")
        # Last, for its name is what says that the question was put.
        write_whole(self.folder / f"{stem}.md", text + "\n", "a question")

    def _answer(self, request: Request, stem: str) -> Answer | None:
        """Read an answer, None where there is none yet."""
        found: list[tuple[Path, str, str, tuple[str, ...]]] = []
        for ending in _ENDINGS:
            path = self.folder / f"{stem}{ending}"
            if path.exists():
                text, notes = _read(path)
                model, body = self._headless(path, text, request)
                if body.strip():
                    found.append((path, model, body, notes))
        if not found:
            return None
        if len({body.strip() for _, _, body, _ in found}) > 1:
            names = " and ".join(path.name for path, *_ in found)
            raise ExchangeError(f"{self.folder}: {names} both answer {stem}.md; keep one of them")
        _, model, body, notes = found[0]
        if body.strip().lower() == _EMPTY:
            body = ""
        return Answer(
            text=body.strip("\n") + "\n" if body else "",
            model=(model or self.answered_by)[:200],
            origin="exchange",
            notes=notes,
        )

    def _headless(self, path: Path, text: str, request: Request) -> tuple[str, str]:
        """Give the model's name and what stands below the head."""
        model = ""
        head = _HEAD.match(text)
        if head is not None:
            fields = dict(re.findall(r"^(\w+):[ \t]*(.*?)[ \t]*$", head[1], re.MULTILINE))
            to = fields.get("to", "")
            if to and to != request.digest:
                raise ExchangeError(
                    f"{path}: this is the answer to question {to[:10]}, and stands beside question "
                    f"{request.digest[:10]}: move it to the file that has {to[:10]} in its name, or "
                    "remove the head of the file if it does belong here"
                )
            model = "".join(char for char in fields.get("model", "") if char.isprintable())
            text = text[head.end() :]
        text = text.lstrip("\n")
        return model, text.removeprefix(_RULE)


def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    """Read a text file as a person's tools may have left it."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ExchangeError(
            f"{path}: cannot be read: {error.strerror or error}; want a readable text file"
        ) from error
    if len(data) > _MAX_BYTES:
        raise ExchangeError(
            f"{path}: more than {_MAX_BYTES:,} bytes; want the model's answer alone"
        )
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    if not encoding:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-8"
    notes: tuple[str, ...] = () if encoding.startswith("utf-8") else (f"was {encoding}",)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise ExchangeError(
                f"{path}: begins like {encoding} and is not; save it as UTF-8"
            ) from None
        if b"\0" in data:
            raise ExchangeError(f"{path}: no text; paste the model's answer as text") from None
        # Every byte means something in it, so a wrong guess shows in a comment, not in a crash.
        text = data.decode("cp1252", "replace")
        notes = ("was no UTF-8, read as Windows-1252",)
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes

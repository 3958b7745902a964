"""Questions and answers as files, as people and their editors leave them."""

from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np
import pytest
from scripted import GOOD, workshop

from carruntime.generate.errors import ExchangeError, WaitingForAnswersError
from carruntime.generate.exchange import Exchange
from carruntime.generate.loop import Settings
from carruntime.generate.messages import Answer, Request
from carruntime.generate.pictures import from_frame
from carruntime.generate.runner import generate

PICTURE = from_frame("initial", np.zeros((4, 4, 3), np.uint8))
REQUESTS = [
    Request("subtask-1", "You write programs.", "Write the first.", (PICTURE,)),
    Request("subtask-2", "You write programs.", "Write the second.", (PICTURE,)),
]
ANSWER = "```python\ndef reward(obs):\n    return 1.0  # ünï\n```\n"


def ask(folder: Path, requests: list[Request] = REQUESTS) -> dict[str, Answer]:
    kept: dict[str, Answer] = {}
    Exchange(folder).ask(requests, lambda request, answer: kept.update({request.purpose: answer}))
    return kept


def put(folder: Path, requests: list[Request] = REQUESTS) -> list[Path]:
    """Have the questions written; give the places for the answers."""
    with pytest.raises(WaitingForAnswersError) as waiting:
        ask(folder, requests)
    return [folder / f"{name}.answer.md" for name in waiting.value.waiting]


def test_a_round_of_questions_is_put_at_once_with_all_that_is_needed(tmp_path: Path) -> None:
    first, second = put(tmp_path)
    assert first.name.startswith("01-subtask-1-")
    assert second.name.startswith("02-subtask-2-")
    question = (tmp_path / first.name.replace(".answer", "")).read_text(encoding="utf-8")
    assert REQUESTS[0].digest in question
    assert "You write programs." in question
    assert "Write the first." in question
    (picture,) = tmp_path.glob("*.png")
    assert f"![{picture.name}]({picture.name})" in question
    assert picture.read_bytes() == PICTURE.data
    assert (tmp_path / "README.md").exists()


def test_nothing_changes_while_there_is_no_answer(tmp_path: Path) -> None:
    put(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    put(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "data",
    [
        ANSWER.encode(),
        ANSWER.encode("utf-8-sig"),
        ANSWER.encode("utf-16"),
        codecs.BOM_UTF16_BE + ANSWER.encode("utf-16-be"),
        ANSWER.encode("utf-16-le"),
        ANSWER.encode("cp1252"),
        ANSWER.replace("\n", "\r\n").encode(),
        ANSWER.replace("\n", "\r").encode(),
        b"\n\n" + ANSWER.encode() + b"\n\n",
    ],
    ids=["utf8", "bom", "utf16", "utf16be", "no bom", "cp1252", "crlf", "cr", "blank"],
)
def test_an_answer_is_read_however_it_was_saved(tmp_path: Path, data: bytes) -> None:
    for path in put(tmp_path):
        path.write_bytes(data)
    assert {answer.text for answer in ask(tmp_path).values()} == {ANSWER}


def test_the_prepared_head_is_kept_or_not_as_one_likes(tmp_path: Path) -> None:
    first, second = put(tmp_path)
    head = first.read_text(encoding="utf-8").replace("model: ", "model: some-model 2")
    first.write_text(head + ANSWER, encoding="utf-8")
    second.write_text(ANSWER, encoding="utf-8")
    found = ask(tmp_path)
    assert found["subtask-1"].text == found["subtask-2"].text == ANSWER
    assert found["subtask-1"].model == "some-model 2"
    assert found["subtask-1"].origin == "exchange"


def test_what_is_answered_is_taken_and_the_rest_is_waited_for(tmp_path: Path) -> None:
    first, second = put(tmp_path)
    first.write_text(ANSWER, encoding="utf-8")
    kept: list[str] = []
    with pytest.raises(WaitingForAnswersError) as waiting:
        Exchange(tmp_path).ask(REQUESTS, lambda request, answer: kept.append(request.purpose))
    assert kept == ["subtask-1"]
    assert waiting.value.answered == 1
    assert second.name.removesuffix(".answer.md") in str(waiting.value)
    assert "run the\nsame command again" in str(waiting.value)


def test_a_head_with_nothing_below_is_no_answer_and_empty_is_one(tmp_path: Path) -> None:
    first, second = put(tmp_path)
    first.write_text(first.read_text(encoding="utf-8") + "\n \n", encoding="utf-8")
    second.write_text(second.read_text(encoding="utf-8") + "(empty)\n", encoding="utf-8")
    kept: dict[str, str] = {}
    with pytest.raises(WaitingForAnswersError):
        Exchange(tmp_path).ask(
            REQUESTS, lambda request, answer: kept.update({request.purpose: answer.text})
        )
    assert kept == {"subtask-2": ""}


def test_an_answer_in_the_wrong_file_is_told_with_the_right_place(tmp_path: Path) -> None:
    first, second = put(tmp_path)
    head = second.read_text(encoding="utf-8")
    first.write_text(head + ANSWER, encoding="utf-8")
    second.write_text(head + ANSWER, encoding="utf-8")
    kept: list[str] = []
    with pytest.raises(ExchangeError, match="move it to the file") as raised:
        Exchange(tmp_path).ask(REQUESTS, lambda request, answer: kept.append(request.purpose))
    assert REQUESTS[1].digest[:10] in str(raised.value)
    assert kept == ["subtask-2"]


def test_two_different_answers_to_one_question_are_not_chosen_from(tmp_path: Path) -> None:
    first, second = put(tmp_path)
    first.write_text(ANSWER, encoding="utf-8")
    second.write_text(ANSWER, encoding="utf-8")
    first.with_name(first.name.replace(".answer.md", ".answer.txt")).write_text("Other")
    with pytest.raises(ExchangeError, match="keep one of them"):
        ask(tmp_path)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\xff\x00b", "no text"),
        (b"x" * 3_000_000, "more than"),
        (b"\xff\xfea", "save it as UTF-8"),
    ],
)
def test_what_is_no_text_is_told(tmp_path: Path, data: bytes, text: str) -> None:
    first, _ = put(tmp_path)
    first.write_bytes(data)
    with pytest.raises(ExchangeError, match=text):
        ask(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match="cannot be made"):
        ask(tmp_path / "file" / "exchange")


def test_a_whole_run_goes_by_hand_round_by_round(tmp_path: Path) -> None:
    folder, rounds = tmp_path / "exchange", 0
    while True:
        try:
            bundle = generate(
                workshop(), Exchange(folder), Settings(style="tasks"), tmp_path / "run"
            )
            break
        except WaitingForAnswersError as waiting:
            rounds += 1
            for name in waiting.waiting:
                purpose = name.split("-", 1)[1].rsplit("-", 1)[0]
                path = folder / f"{name}.answer.md"
                path.write_text(
                    path.read_text(encoding="utf-8").replace("model: ", "model: by hand")
                    + GOOD[purpose],
                    encoding="utf-8",
                )
    assert (bundle.end, rounds) == ("accepted", 3)
    assert bundle.origins == ("exchange",)
    assert bundle.data["model"]["answered_by"] == ["by hand"]

"""The real client of the openai package against a real server that misbehaves in every known way."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("openai")

from chat_server import (
    FAULTS,
    KEY,
    REQUEST,
    TEXT,
    ChatServer,
    Outcome,
    ask,
    ask_all,
    chat_server,
    fault_table,
)
from chat_server import endpoint as endpoint_of

from carruntime.errors import OptionError
from carruntime.generate.endpoint import Endpoint, Patience
from carruntime.generate.errors import ModelError
from carruntime.generate.messages import Answer, Request, Usage
from carruntime.generate.pictures import from_frame
from carruntime.generate.recordings import Recorded, Recordings

DOCS = Path(__file__).parents[2] / "docs" / "generation.md"


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(server: ChatServer) -> dict[str, Outcome]:
    return ask_all(server)


def test_every_fault_ends_as_the_documentation_says(outcomes: dict[str, Outcome]) -> None:
    assert fault_table(outcomes) in DOCS.read_text(encoding="utf-8")


def test_a_good_answer_is_taken_as_it_is(outcomes: dict[str, Outcome]) -> None:
    answer = outcomes["normal"].answer
    assert answer is not None
    assert (answer.text, answer.finish, answer.model) == (TEXT, "stop", "normal")
    assert (answer.prompt_tokens, answer.completion_tokens) == (120, 30)


def test_what_may_pass_is_tried_again_and_what_may_not_is_told_at_once(
    outcomes: dict[str, Outcome],
) -> None:
    assert {
        name: outcomes[name].attempts for name, _ in FAULTS if outcomes[name].attempts == 1
    } == dict.fromkeys(
        (
            *("normal", "busy-for-long", "huge", "refusal", "filtered", "empty", "length"),
            *("html", "renamed", "no-choices", "wrong-key", "unknown-model"),
        ),
        1,
    )
    assert outcomes["busy"].waited == [7.0]
    first, second = outcomes["broken-twice"].waited
    assert 0.8 <= first <= 1.2
    assert 1.6 <= second <= 2.4


def test_the_key_is_sent_and_shows_nowhere(
    server: ChatServer, outcomes: dict[str, Outcome], tmp_path: Path
) -> None:
    assert server.keys == {f"Bearer {KEY}"}
    assert not any(KEY in found.error for found in outcomes.values())
    model = endpoint_of(server, "echo-key", [])
    recorded = Recorded(model, Recordings(tmp_path))
    (answer,) = recorded.ask([REQUEST])
    assert answer.text == "your key is [key]"
    assert KEY not in str(model.settings)
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.rglob("*.json"))


def test_pictures_go_with_their_names(server: ChatServer) -> None:
    import numpy as np

    picture = from_frame("initial", np.zeros((4, 5, 3), np.uint8))
    request = Request("task", "System.", "What is it?", (picture,))
    endpoint_of(server, "normal", []).ask([request], lambda request, answer: None)
    system, user = server.bodies[-1]["messages"]
    assert system == {"role": "system", "content": "System."}
    assert [part["type"] for part in user["content"]] == ["text", "image_url", "text"]
    assert user["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


def test_requests_are_answered_side_by_side_and_what_came_before_a_failure_is_kept(
    server: ChatServer, tmp_path: Path
) -> None:
    requests = [Request("reward", "System.", f"Question {number}") for number in range(6)]
    recorded = Recorded(endpoint_of(server, "normal", [], parallel=3), Recordings(tmp_path))
    assert len(recorded.ask(requests)) == 6
    assert recorded.usage.requests == 6
    before = server.asked["normal"]
    again = Recorded(endpoint_of(server, "broken", []), Recordings(tmp_path))
    assert len(again.ask(requests)) == 6
    assert again.usage.replayed == 6
    with pytest.raises(ModelError, match="tried 3 times"):
        again.ask([*requests, Request("reward", "System.", "One more")])
    assert server.asked["normal"] == before


def test_costs_are_of_the_tokens_that_were_counted() -> None:
    usage = Usage(prices=(2.0, 10.0))
    usage.add(Answer("x", prompt_tokens=500_000, completion_tokens=100_000))
    assert usage.cost == pytest.approx(2.0)
    assert Usage().cost is None


def test_no_thread_waits_for_a_server_after_an_interrupt(server: ChatServer) -> None:
    model = endpoint_of(server, "slow", [], timeout_s=30.0)
    server.asked["slow"] = 0

    def stop(request: Request, answer: Answer) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.ask([REQUEST, Request("reward", "System.", "Another")], stop)
    assert all(one.daemon for one in threading.enumerate() if one.name.startswith("ask-"))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"environment": {}}, "no key in the environment; set CARRUNTIME_API_KEY"),
        ({"environment": {"OPENAI_API_KEY": ""}}, "no key in the environment"),
        ({"base_url": "localhost:8000"}, "want an address such as"),
        ({"base_url": "http://me:secret@localhost/v1"}, "secrets belong into"),
        ({"parallel": 0}, "want at least 1"),
    ],
)
def test_wrong_settings_are_told_before_anything_is_asked(
    options: dict[str, object], text: str
) -> None:
    given: dict[str, object] = {"environment": {"OPENAI_API_KEY": KEY}, **options}
    with pytest.raises(OptionError, match=text) as raised:
        Endpoint("any", **given)  # type: ignore[arg-type]
    assert "secret@" not in str(raised.value)
    assert KEY not in str(raised.value)


def test_patience_has_an_end() -> None:
    with pytest.raises(OptionError, match="at least 1 attempt"):
        Patience(attempts=0)


def test_an_unreachable_server_is_named_as_such() -> None:
    waited: list[float] = []
    model = Endpoint(
        "any",
        base_url="http://127.0.0.1:9/v1",
        environment={"OPENAI_API_KEY": KEY},
        patience=Patience(timeout_s=5.0, attempts=2),
        sleep=waited.append,
    )
    with pytest.raises(ModelError, match=re.escape("the connection failed")):
        model.ask([REQUEST], lambda request, answer: None)
    assert len(waited) == 1


def test_asking_once_is_enough_where_the_answer_is_good(server: ChatServer) -> None:
    before = server.asked["normal"]
    assert ask(server, "normal").attempts == before + 1

"""Generations of candidates, taken up again where they were left, on a page that is safe to open."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from scripted import GOOD, REACH_GOAL, REWARD, TAKE_KEY, Scripted, fenced, workshop

from carruntime.errors import OptionError
from carruntime.generate.bundle import Bundle
from carruntime.generate.leaderboard import page, table
from carruntime.generate.loop import Settings
from carruntime.generate.runner import open_run
from carruntime.generate.search import Search, SearchSettings, trainer_for

TASKS = f"{TAKE_KEY}\n\n{REACH_GOAL}\n\n"
CONSTANT = fenced(
    f"{TASKS}def reward(obs, action, next_obs):\n    return 0.0, {{'nothing': 0.0}}\n"
)
EVIL = fenced(
    f"{TASKS}# <script>alert(1)</script> \x1b[31m\ndef reward(obs, action, next_obs):\n"
    "    return 1.0, {'<img src=x onerror=alert(1)>': 1.0}\n"
)


def search(
    tmp_path: Path, answers: list[str], trainer: Any = None, **wanted: Any
) -> tuple[Bundle, Search, Scripted]:
    model = Scripted({"whole": answers})
    room = workshop()
    recorded = open_run(tmp_path, model, {"what": "search"})
    generation = room.generation(Settings(), recorded, lambda text: None)
    made = Search(generation, SearchSettings(**wanted), tmp_path, trainer=trainer)
    return made.run(), made, model


def test_later_generations_are_bred_from_the_best_with_their_statistics(tmp_path: Path) -> None:
    answers = ["No.", CONSTANT, GOOD["whole"], EVIL]
    bundle, found, model = search(tmp_path, answers, generations=2, width=2, survivors=1)
    assert bundle.end == "accepted"
    best = found.candidates[0]
    assert (best.round, best.parents) == (2, ("c2",))
    text = model.texts("whole")[2]
    assert "| `nothing` | 0, 0, 0 | 0% of steps | 0 |" in text
    assert "The best program so far" in text
    assert [item.id for item in found.candidates][-1] == "c1"


def test_a_search_goes_on_where_it_was_and_trains_nothing_twice(tmp_path: Path) -> None:
    trained: list[Path] = []

    def trainer(source: str, folder: Path) -> dict[str, Any]:
        assert "def reward" in source
        trained.append(folder)
        return {"steps": 1000, "success": 0.75}

    answers = [GOOD["whole"], CONSTANT]
    first, one, model = search(tmp_path, answers, trainer, generations=1, width=2)
    again, other, silent = search(tmp_path, answers, trainer, generations=1, width=2)
    assert len(trained) == 1
    assert not silent.asked
    assert [item.to_json() for item in one.candidates] == [
        item.to_json() for item in other.candidates
    ]
    assert first.data == again.data
    assert one.candidates[0].trained == {"steps": 1000, "success": 0.75}
    further, _, model = search(tmp_path, answers, trainer, generations=2, width=2)
    assert "solves 75% of its episodes" in model.texts("whole")[0]
    assert len(further.data["candidates"]) == 4


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def test_the_page_holds_no_markup_of_a_model(tmp_path: Path) -> None:
    _, found, _ = search(tmp_path, [EVIL], generations=1, width=1)
    text = page(found.candidates, title="<b>", facts={"task": "</dd><script>x</script>"})
    seen = _Page()
    seen.feed(text)
    assert seen.tags.isdisjoint({"script", "img", "b", "iframe", "object", "link"})
    assert not any(name.startswith("on") for name in seen.attributes)
    assert "&lt;script&gt;alert(1)" in text
    assert "\x1b" not in text
    assert "default-src 'none'" in text
    assert not re.search(r"https?://", text)


def test_the_table_has_a_line_for_each_candidate(tmp_path: Path) -> None:
    _, found, _ = search(tmp_path, ["No.", GOOD["whole"]], generations=1, width=2)
    lines = table(found.candidates).split("\n")
    assert lines[0].split()[:5] == ["rank", "id", "generation", "from", "end"]
    assert lines[1].split()[:7] == ["1", "c2", "1", "-", "accepted", "36/36", "0/100"]
    assert "no program" in lines[2]


def test_image_scripts_are_not_searched_for(tmp_path: Path) -> None:
    room = workshop()
    recorded = open_run(tmp_path, Scripted({}), {"what": "search"})
    with pytest.raises(OptionError, match="frames=True"):
        room.generation(Settings(style="paper"), recorded, lambda text: None)
    with pytest.raises(OptionError, match="generations=0"):
        SearchSettings(generations=0)


def test_the_reward_of_the_good_answer_is_the_one_that_was_written(tmp_path: Path) -> None:
    bundle, _, _ = search(tmp_path, [GOOD["whole"]], generations=1, width=1)
    assert REWARD.strip() in bundle.source


def test_the_trainer_of_a_search_trains(tmp_path: Path) -> None:
    pytest.importorskip("stable_baselines3")
    with workshop() as room:
        result = trainer_for(room, 2048)(f"{TASKS}{REWARD}", tmp_path / "run")
    assert result["steps"] >= 2048
    assert 0.0 <= result["success"] <= 1.0

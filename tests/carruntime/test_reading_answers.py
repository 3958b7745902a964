"""Answers as models give them, and what is read from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carruntime.generate.messages import Answer
from carruntime.generate.reading import Ending, read_program, read_subtasks, read_text

REWARD = "def reward(obs):\n    return 1.0\n"
HELPER = "def helper(x):\n    return x\n"


def read(text: str, finish: str = "stop", own: tuple[str, ...] = ()) -> tuple[str, str]:
    found = read_program(Answer(text, finish=finish), own)  # type: ignore[arg-type]
    return found.ending.value, found.source


@pytest.mark.parametrize(
    "text",
    [
        f"```python\n{REWARD}```",
        f"```py\n{REWARD}```\n",
        f"```\n{REWARD}```",
        f"~~~python\n{REWARD}~~~",
        f"````python\n{REWARD}````",
        f"Here it is:\n\n```python\n{REWARD}```\nIt pays 1.",
        f"1. First:\n   ```python\n   {REWARD.strip().replace(chr(10), chr(10) + '   ')}\n   ```",
        f"```python\r\n{REWARD.replace(chr(10), chr(13) + chr(10))}```",
        f"\ufeff```python\n{REWARD}```",
        REWARD,
        f"Sure! This pays one.\n\n{REWARD}\nThat is all it does.",
        f"```python\n{REWARD}",
        f'```python\n{REWARD}\n\nif __name__ == "__main__":\n    print(reward(None))\n```',
        f"```python\n{REWARD}```\nFor example:\n```python\nprint(reward(None))\n```",
        f"```python\n{REWARD}```\n```bash\npip install numpy\n```",
        f"```python\nassert reward(None) == 1.0\n{REWARD}```",
        f"```python\nimport pytest\n\ndef test_reward():\n    assert reward(None) == 1\n\n{REWARD}```",
        f"```python\ndef test_reward():\n    assert reward(None)\n```\n```python\n{REWARD}```",
        f"```python\n{REWARD.replace('1.0', '0.5')}```\nBetter:\n```python\n{REWARD}```",
        f"```python\nfrom carruntime import reward_program\n{REWARD}```",
        f"```python\nfrom contract import obs, action, next_obs\n{REWARD}```",
        f"```json\n{{}}\n```\n```python\n{REWARD}```",
    ],
)
def test_the_program_is_found(text: str) -> None:
    ending, source = read(text)
    assert ending == "program"
    assert source.strip() == REWARD.strip()


@pytest.mark.parametrize(
    "text",
    [
        f"```python\n{HELPER}\n\n{REWARD}```",
        f"```python\n{HELPER}```\nand\n```python\n{REWARD}```",
        f"{HELPER}\n{REWARD}",
        f"First a helper.\n\n{HELPER}\nThen the reward itself, which uses it.\n\n{REWARD}",
        f"```python\n{REWARD}```\nwith this helper:\n```python\n{HELPER}```",
    ],
)
def test_no_helper_is_lost(text: str) -> None:
    ending, source = read(text)
    assert ending == "program"
    assert HELPER.strip() in source
    assert REWARD.strip() in source


def test_a_helper_that_is_called_like_a_test_is_no_test() -> None:
    program = "def test_free(x):\n    return x\n\n\ndef reward(obs):\n    return test_free(1)\n"
    assert read(f"```python\n{program}```") == ("program", program)


def test_constants_and_imports_in_a_block_of_their_own_are_kept() -> None:
    _, source = read(f"```python\nimport numpy as np\nKEY = 5\n```\n```python\n{REWARD}```")
    assert source.startswith("import numpy as np\nKEY = 5\n")


def test_imports_of_functions_that_stand_beside_it_are_cut() -> None:
    text = f"```python\nfrom tasks import task_1_open\nimport numpy as np\n{REWARD}```"
    _, source = read(text, own=("task_1_open",))
    assert source == f"import numpy as np\n{REWARD}"
    _, kept = read(text)
    assert "from tasks import" in kept, "what is not known is for the checker to refuse"


@pytest.mark.parametrize(
    ("text", "finish", "ending"),
    [
        ("", "stop", "empty"),
        (" \n\n", "stop", "empty"),
        ("I cannot help with that.", "refusal", "refused"),
        ("I'm sorry, but I can't write that.", "stop", "refused"),
        ("The reward should be high near the goal.", "stop", "no_program"),
        ("```python\n```", "stop", "no_program"),
        ("```cpp\ndouble reward(Obs o) { return 1.0; }\n```", "stop", "wrong_language"),
        ("```javascript\nfunction reward(obs) { return 1; }\n```", "stop", "wrong_language"),
        ("```\nfunction reward(obs) {\n  return 1;\n}\n```", "stop", "wrong_language"),
        ("function reward(obs) {\n  return 1;\n}", "stop", "wrong_language"),
        (f"```python\n{REWARD}    x = (1 +", "length", "truncated"),
    ],
)
def test_what_is_no_program_is_an_outcome(text: str, finish: str, ending: str) -> None:
    assert read(text, finish)[0] == ending


def test_an_answer_that_was_cut_after_its_program_is_whole() -> None:
    assert read(f"```python\n{REWARD}```\nThis program is", "length") == ("program", REWARD)


@given(st.text(alphabet=st.sampled_from("`~ \n\tdefclass()=:#'\"abc1.I{}\r\ufeff"), max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    found = read_program(Answer(text))
    assert isinstance(found.ending, Ending)
    assert bool(found.source) == (found.ending is Ending.PROGRAM)
    read_subtasks(Answer(text))
    read_text(Answer(text))


@given(st.lists(st.sampled_from([REWARD, HELPER, "X = 1\n", "import math\n"]), min_size=1))
def test_a_fenced_program_comes_back_as_it_was(parts: list[str]) -> None:
    program = "\n".join([*parts, REWARD])
    assert read(f"Text.\n\n```python\n{program}```\n") == ("program", program)


def test_a_long_answer_is_read_in_the_time_of_a_short_one() -> None:
    text = "```python\n" + "x" * 100_000 + "\n" + "# a\n" * 20_000 + REWARD
    assert read_program(Answer(text)).ending is Ending.PROGRAM


def test_subtasks_become_names_that_functions_can_have() -> None:
    text = (
        "Here are the sub-tasks:\n"
        "1. **Pick up key**: the agent carries the key\n"
        "2. `open-door`: the door is open\n"
        "3) reach_goal - it stands on the goal\n"
    )
    assert [item.function for item in read_subtasks(Answer(text))] == [
        "task_1_pick_up_key",
        "task_2_open_door",
        "task_3_reach_goal",
    ]


def test_the_last_list_counts_and_names_are_told_apart() -> None:
    text = "1. a: x\n2. b: y\n\nBetter:\n1. c: x\n2. c: y\n"
    assert [item.name for item in read_subtasks(Answer(text))] == ["c", "c_2"]
    assert read_subtasks(Answer("No list here.")) == ()


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "\x1b[31mred", "x" * 200, "été"])
def test_a_name_of_a_sub_task_is_nothing_but_a_name(name: str) -> None:
    for item in read_subtasks(Answer(f"1. {name}: it is done\n2. goal: it is done\n")):
        assert item.name.isidentifier()
        assert item.name.isascii()
        assert len(item.name) <= 42

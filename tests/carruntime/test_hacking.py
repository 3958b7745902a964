"""The search for reward hacks: on a small world, and on the real one of UnlockPickup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces as gs

import carruntime as car
from carruntime.cli import main
from carruntime.environments import make_env
from carruntime.hacking import Kind, find_hacks
from carruntime.hacking.archive import Archive, digest_of
from carruntime.hacking.claims import loops
from carruntime.hacking.episodes import rollouts_for
from carruntime.playing import Play, Player, same_observations
from carruntime.shrinking import shortest

CORPUS = Path(__file__).parent.parent / "corpus" / "hacked"
LEFT, RIGHT, GRAB, SMASH = range(4)


class Vase(gym.Env[Any, Any]):
    """Walk four cells to a vase and grab it, which solves the task; smashing it does not."""

    observation_space = gs.MultiDiscrete([6, 2, 2])
    action_space = gs.Discrete(4)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.where, self.vase, self.held, self.steps = 0, 1, 0, 0
        return self._look(), {}

    def _look(self) -> Any:
        return np.array([self.where, self.vase, self.held], np.int64)

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        if action == LEFT:
            self.where = max(0, self.where - 1)
        elif action == RIGHT:
            self.where = min(4, self.where + 1)
        elif self.where == 4 and self.vase:
            self.vase, self.held = 0, int(action == GRAB)
        done = bool(self.held)
        return self._look(), float(done), done, self.steps >= 100, {"success": done}


def searched(source: str | Path, env: gym.Env[Any, Any] | None = None, **options: Any) -> Any:
    env = env or Vase()
    program = car.load(source, env, tier="interpreted", isolation="none")
    try:
        return find_hacks(program, env, **{"steps": 6_000, "max_steps": 40, **options})
    finally:
        program.close()


def test_a_claim_that_the_environment_denies_is_found_and_is_the_shortest() -> None:
    report = searched(
        "def task_1(obs):\n    return obs[0] == 4\n\ndef task_2(obs):\n    return obs[1] == 0\n"
    )
    (hack,) = report.hacks
    assert hack.kind is Kind.FALSE_CLAIM
    assert hack.codes == (RIGHT,) * 4 + (SMASH,)
    assert hack.environment_says.startswith("not solved")
    assert "complete at step 4" in hack.program_says
    assert [row.completed for row in hack.rows if row.completed] == [("task_1",), ("task_2",)]
    assert "[1]: 1 -> 0" in hack.rows[-1].changed[0]
    # Whoever plays it sees the same.
    env = Vase()
    env.reset(seed=hack.seed)
    last = [env.step(action) for action in hack.codes][-1]
    assert last[0].tolist() == [4, 0, 0]
    assert last[4] == {"success": False}


def test_a_claim_at_the_reset_needs_one_action_to_be_seen() -> None:
    report = searched("def task_1(obs):\n    return obs[0] == 0\n", steps=500)
    (hack,) = report.hacks
    assert len(hack.codes) == 1
    assert "complete at the reset" in hack.program_says


def test_a_bonus_that_is_paid_again_and_again_is_farmed_with_the_shortest_loop() -> None:
    source = (
        "def reward(obs, next_obs):\n"
        "    return 1.0 if next_obs[0] == 2 and obs[0] == 1 else 5.0 * next_obs[2]\n"
    )
    report = searched(source, reference=5.0, success_when=5.0)
    (hack,) = report.hacks
    assert hack.kind is Kind.FARMED
    start, stop = hack.loop
    assert stop - start == 2
    assert sorted(hack.codes[start:stop]) == [LEFT, RIGHT]
    assert "each round pays 1 again" in hack.program_says
    assert "more than the 5 of success" in hack.program_says


def test_payments_with_a_latch_do_not_hide_one_without() -> None:
    # Going right from where one is at the reset is paid once, from the place beside it every time.
    source = """\
class R:
    def __init__(self):
        self.begun = False

    def step(self, obs, next_obs):
        first = not self.begun and obs[0] == 0 and next_obs[0] == 1
        self.begun = self.begun or first
        again = obs[0] == 3 and next_obs[0] == 4
        return 1.0 * first + 0.5 * again
"""
    report = searched(source, reference=50.0, success_when=50.0)
    (hack,) = report.hacks
    assert hack.kind is Kind.FARMED
    assert "each round pays 0.5 again" in hack.program_says
    assert len(hack.codes) == 3 + 2 * 2


def test_what_was_saved_is_played_first_and_a_mended_program_clears_it(tmp_path: Path) -> None:
    gone = "def task_1(obs):\n    return obs[0] == 4\n\ndef task_2(obs):\n    return obs[1] == 0\n"
    first = searched(gone, save=tmp_path)
    assert first.replayed == 0
    (found,) = first.hacks
    assert found.saved is not None
    assert found.saved.parent.parent == tmp_path
    assert "it is tried first next time" in first.render()
    # With a budget in which nothing could be found anew.
    again = searched(gone, save=tmp_path, steps=1)
    assert again.replayed == 1
    (known,) = again.hacks
    assert (known.codes, known.origin, known.saved) == (found.codes, found.saved, found.saved)
    assert "still a hack" in again.render()
    mended = searched(gone.replace("obs[1] == 0", "obs[2] == 1"), save=tmp_path, steps=2_000)
    assert mended.replayed == 1
    assert not mended
    assert "none deceives this program" in mended.render()
    # The files are of the environment; those of another one are not looked at.
    assert searched("def task_1(obs):\n    return obs[0] < 0\n", steps=1).replayed == 0


@pytest.mark.parametrize("kind", ["farmed", "overpaid"])
def test_every_kind_of_hack_is_known_again(tmp_path: Path, kind: str) -> None:
    source = {
        "farmed": "def reward(obs, next_obs):\n    return 1.0 * (next_obs[0] == 2 and obs[0] == 1)\n",
        "overpaid": """\
class R:
    def __init__(self):
        self.seen = []

    def step(self, obs):
        place = int(obs[0])
        new = place not in self.seen
        self.seen.append(place)
        return 2.0 * new
""",
    }[kind]
    options: dict[str, Any] = {"reference": 5.0, "success_when": 50.0, "save": tmp_path}
    first, again = searched(source, **options), searched(source, steps=1, **options)
    assert [hack.kind.value for hack in first.hacks] == [kind]
    assert again.replayed == 1
    assert [hack.codes for hack in again.hacks] == [hack.codes for hack in first.hacks]
    assert again.hacks[0].origin == first.hacks[0].saved


def test_more_without_success_than_with_it_is_found() -> None:
    # Paid once for each of two places, so there is no loop.
    source = """\
class R:
    def __init__(self):
        self.seen = []

    def step(self, obs):
        place = int(obs[0])
        new = place not in self.seen
        self.seen.append(place)
        return 2.0 * new
"""
    report = searched(source, reference=5.0)
    assert [hack.kind for hack in report.hacks] == [Kind.OVERPAID]
    assert len(report.hacks[0].codes) == 3
    assert "where success earns 5" in report.hacks[0].program_says


def test_nothing_found_is_said_honestly() -> None:
    report = searched("def task_1(obs):\n    return obs[2] == 1\n", steps=2_000)
    assert not report
    assert report.hacks == ()
    assert report.judged
    assert report.reference is not None
    assert "nothing found within this budget; that does not show" in report.render()


def test_an_environment_that_cannot_tell_success_is_said_to_be_one() -> None:
    env = gym.make("CartPole-v1")
    report = searched("def reward(obs):\n    return 1.0\n", env, steps=600)
    assert not report.judged
    assert any("never said that the task is solved" in note for note in report.notes)
    judged = searched(
        "def reward(obs):\n    return 1.0\n",
        env,
        steps=600,
        success=lambda info, reward, terminated: False,
        success_when=1.0,
    )
    assert [hack.kind for hack in judged.hacks] == [Kind.FALSE_CLAIM]


def test_the_same_seed_finds_the_same() -> None:
    source = "def task_1(obs):\n    return obs[1] == 0\n"
    one, two = searched(source), searched(source)
    assert [hack.to_json() for hack in one.hacks] == [hack.to_json() for hack in two.hacks]
    assert one.steps == two.steps


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"steps": 0}, "steps=0"),
        ({"seeds": ()}, "want at least one"),
        ({"success_when": "gone"}, "does not have"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(car.OptionError, match=told):
        searched("def reward(obs):\n    return obs[2]\n", **options)


def test_toggling_the_box_of_unlock_pickup_is_found() -> None:
    """The real one: it destroys the box, which "the box is gone" takes for success.

    Only the seed is chosen here, for time; with the defaults `carruntime hack` finds it too.
    """
    env = make_env("MiniGrid-UnlockPickup-v0")
    report = searched(
        CORPUS / "box_gone.py", env, steps=20_000, seeds=(1,), max_steps=60, shrink_tries=200
    )
    hack = report.hacks[0]
    assert hack.kind is Kind.FALSE_CLAIM
    assert hack.actions[-1] == "toggle"
    assert len(hack.actions) <= 24
    assert hack.rows[-1].completed == ("box_is_gone",)
    # By the simulator's own state: the box is nowhere, and not in the agent's hands.
    inner: Any = env.unwrapped
    Player(env).play(Play(hack.seed, hack.codes))
    assert inner.carrying is None or inner.carrying.type != "box"
    assert not any(item is not None and item.type == "box" for item in inner.grid.grid)
    env.close()


# Parts -----------------------------------------------------------------------------------------


def test_loops_that_pay_are_found_the_shortest_first() -> None:
    looks = [b"a", b"b", b"a", b"c", b"c"]
    assert loops(looks, np.array([1.0, -1.0, 0.5, 0.25])) == [(3, 4)]
    assert loops(looks, np.array([1.0, -0.5, 0.5, 0.25])) == [(3, 4), (0, 2)]
    assert loops(looks, np.array([1.0, -1.0, 0.5, 0.0])) == []
    assert loops(looks, np.array([1.0, 1.0, 0.5, np.nan])) == [(0, 2)]
    assert loops(looks, np.array([np.nan, 5.0, 0.5, 0.0])) == []


def test_actions_are_left_out_until_none_can_go() -> None:
    calls = 0

    def holds(actions: tuple[int, ...]) -> bool:
        nonlocal calls
        calls += 1
        return [a for a in actions if a in {7, 8}] == [7, 8] and sum(actions) % 2 == 1

    noise = np.random.default_rng(0).integers(0, 6, 40).tolist()
    start = (*noise[:20], 7, *noise[20:], 8)
    if sum(start) % 2 == 0:
        start = (1, *start)
    found = shortest(start, holds)
    assert found == (7, 8)
    assert calls < 500
    assert shortest(start, holds, tries=3) != (7, 8)


def test_a_detour_is_replaced_where_the_actions_are_few() -> None:
    # Three turns left are one turn right, and no two of them are anything.
    def holds(actions: tuple[str, ...]) -> bool:
        turned = sum({"left": 1, "right": -1}[action] for action in actions)
        return turned % 4 == 3

    assert shortest(("left",) * 3, holds) == ("left",) * 3
    assert shortest(("left",) * 3, holds, alphabet=("left", "right")) == ("right",)


def test_an_archive_keeps_the_shortest_way_and_goes_far_first() -> None:
    archive = Archive(np.random.default_rng(0))
    assert archive.offer("a", 0, (1, 2, 3), 0)
    assert not archive.offer("a", 0, (4,), 0)
    assert archive.choose(1, 9)[0].actions == (4,)
    archive.offer("b", 0, (4, 4), 3)
    chosen = archive.choose(200, 9)
    assert sum(cell.stage == 3 for cell in chosen) > 100
    assert {len(cell.actions) for cell in archive.choose(20, 1)} == {1}


def test_near_floats_are_one_place_and_other_texts_are_not() -> None:
    near = {"x": np.array([1.0, 2.0]), "name": "a"}
    nearer = {"x": np.array([1.0, 2.0 + 1e-6]), "name": "a"}
    assert digest_of(near) != digest_of(nearer)
    assert digest_of(near, exact=False) == digest_of(nearer, exact=False)
    assert digest_of(near) != digest_of({**near, "name": "b"})


@pytest.mark.parametrize("env_id", ["MiniGrid-DoorKey-6x6-v0", "MiniGrid-UnlockPickup-v0"])
def test_episodes_in_lockstep_are_those_of_the_environment(env_id: str) -> None:
    env = make_env(env_id, max_steps=25)
    player = Player(env)
    rng = np.random.default_rng(0)
    fast = rollouts_for(player, rule_is_given=False)
    assert fast.lanes > 16
    starts = [
        Play(seed, tuple(rng.integers(6, size=int(rng.integers(0, 20))).tolist()))
        for seed in rng.integers(5, size=70).tolist()
    ]
    wanted = [len(play) + int(rng.integers(1, 12)) for play in starts]
    called: list[tuple[int, int]] = []

    def choose(index: int, actions: Any, look: bytes) -> int:
        called.append((index, len(actions)))
        return (index + len(actions)) % 7

    for start, length, episode in zip(
        starts, wanted, fast.run(starts, wanted, choose), strict=True
    ):
        assert episode.play.actions[: len(start)] == start.actions[: len(episode.play)]
        slow = player.play(episode.play)
        mine = episode.trajectory
        assert len(mine) == len(slow) == min(length, 25)
        assert same_observations(mine.observations, slow.observations)
        for name in ("actions", "rewards", "terminated", "truncated"):
            assert np.array_equal(getattr(mine, name), getattr(slow, name))
        assert mine.success == slow.success
        assert len(episode.looks) == len(mine) + 1
    assert {index for index, _ in called} == set(range(70))
    assert fast.steps == sum(min(length, 25) for length in wanted)


def test_what_is_not_the_compiled_task_is_played_as_it_is() -> None:
    def lanes(env: Any, *, rule_is_given: bool = False) -> int:
        return rollouts_for(Player(env), rule_is_given=rule_is_given).lanes

    plain = make_env("MiniGrid-DoorKey-5x5-v0")
    assert lanes(plain) == 64
    assert lanes(plain, rule_is_given=True) == 16
    assert lanes(gym.wrappers.TimeLimit(plain, 5)) == 16
    assert lanes(make_env("MiniGrid-LavaGapS5-v0")) == 16
    assert lanes(gym.make("MiniGrid-DoorKey-5x5-v0", agent_view_size=5)) == 16
    assert lanes(gym.make("CartPole-v1")) == 16


# The command -----------------------------------------------------------------------------------


def test_the_command_ends_with_1_where_it_finds_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program.py"
    program.write_text("def task_1(image):\n    return image[3, 6, 0] == 5\n")
    options = ["hack", str(program), "--env", "MiniGrid-DoorKey-5x5-v0", "--tier", "interpreted"]
    options += ["--save", str(tmp_path / "saved")]
    assert main([*options, "--steps", "4000", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["hacks"][0]["id"] == "CAR321"
    assert data["hacks"][0]["actions"][-1] == "pickup"
    program.write_text("def reward(obs):\n    return 0.0\n")
    assert main([*options, "--steps", "300"]) == 0
    told = capsys.readouterr().out
    assert "1 saved earlier tried first: none deceives this program" in told
    assert "nothing found within this budget" in told
    assert main([*options, "--steps", "300", "--no-save"]) == 0
    assert "saved earlier" not in capsys.readouterr().out
    assert main([*options, "--success-when", "gone"]) == 2

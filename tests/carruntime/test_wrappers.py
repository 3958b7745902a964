"""The wrappers against loops written by hand, in every autoreset mode."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import plain_tier
import pytest
from gymnasium import spaces as gs
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit
from numpy.typing import NDArray

import carruntime as car
import sandbox.passes
from carruntime.wrappers import CodeRewardVectorWrapper, CodeRewardWrapper
from sandbox.outcome import Outcome

N = 3
MODES = list(AutoresetMode)


class Walk(gym.Env[dict[str, Any], Any]):
    """A walk whose numbers never repeat; every fifth action on average ends it, one way or other."""

    observation_space = gs.Dict(
        {
            "place": gs.Box(-1e6, 1e6, (2,), np.float64),
            "name": gs.Text(12, min_length=0, charset="epr0123456789-"),
            "side": gs.Discrete(2),
        }
    )
    action_space = gs.Discrete(5)

    def __init__(self, *, one_array: bool = False) -> None:
        self.episode = 0
        self._array = np.zeros(2)
        self._one_array = one_array

    def _look(self) -> dict[str, Any]:
        self._array[:] = (self.where, self.where**2)
        return {
            "place": self._array if self._one_array else self._array.copy(),
            "name": f"ep-{self.episode}",
            "side": int(self.where > 0),
        }

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        super().reset(seed=seed)
        self.episode += 1
        self.where = float(self.np_random.normal())
        return self._look(), {"battery": np.float64(100.0 + self.where)}

    def step(self, action: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        self.where += float(self.np_random.normal()) + int(action)
        end = self.np_random.random()
        info = {"battery": np.float64(self.where)}
        return self._look(), 0.25 * int(action), bool(end < 0.15), bool(end > 0.9), info


CLASS = """# components: n
class R:
    def reset(self, obs):
        self.n = 0
        self.first = float(obs["place"][0])
        self.name = obs["name"]

    def step(self, obs, action, next_obs, terminated, truncated):
        self.n += 1
        same = 1.0 if next_obs["name"] == self.name and obs["name"] == self.name else -1000.0
        flags = 10.0 * terminated + 20.0 * truncated
        value = same + flags + action * 100.0 + self.n * 0.5
        value += float(next_obs["place"][0]) + 3.0 * float(obs["place"][0]) + 7.0 * self.first
        return value, {"n": self.n}
"""
TASKS = """
def task_1(place):
    return bool(place[0] > 2.0)

def task_2(initial_obs, obs):
    return bool(obs["place"][0] - initial_obs["place"][0] > 4.0)

def task_3(place):
    return bool(place[0] > 1e5)
"""
STATE = "def reward(place):\n    return float(place[0])\n"


class Reference:
    """What the class pays, called by hand."""

    def __init__(self, source: str = CLASS) -> None:
        scope: dict[str, Any] = {}
        exec(source, scope)  # noqa: S102 - the tests' own text
        self.make = scope["R"]

    def begin(self, obs: dict[str, Any]) -> None:
        self.it = self.make()
        self.it.reset(obs)

    def step(self, *given: Any) -> float:
        value, _ = self.it.step(*given)
        return float(value)


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.passes, "build", plain_tier.build, raising=False)


def frozen(obs: dict[str, Any]) -> dict[str, Any]:
    return {"place": obs["place"].copy(), "name": obs["name"], "side": obs["side"]}


def vector(
    autoreset: AutoresetMode, program: str, *, copy: bool = True, **options: Any
) -> CodeRewardVectorWrapper:
    venv = SyncVectorEnv([Walk] * N, autoreset_mode=autoreset, copy=copy)
    return CodeRewardVectorWrapper(venv, program, isolation="none", **options)


def by_hand(
    mode: AutoresetMode, actions: NDArray[np.int64], seed: int
) -> Iterator[tuple[list[float], list[int]]]:
    """Step single environments as the mode says and pay each transition by hand."""
    envs = [Walk() for _ in range(N)]
    payers = [Reference() for _ in range(N)]
    seen = [frozen(env.reset(seed=seed + i)[0]) for i, env in enumerate(envs)]
    for payer, obs in zip(payers, seen, strict=True):
        payer.begin(obs)
    over = [False] * N
    for row in actions:
        rewards, outcomes = [], []
        for i, env in enumerate(envs):
            if mode is AutoresetMode.NEXT_STEP and over[i]:
                seen[i] = frozen(env.reset()[0])
                payers[i].begin(seen[i])
                over[i] = False
                rewards.append(0.0)
                outcomes.append(int(Outcome.SKIPPED))
                continue
            obs, _, terminated, truncated, _ = env.step(row[i])
            after = frozen(obs)
            rewards.append(payers[i].step(seen[i], int(row[i]), after, terminated, truncated))
            outcomes.append(int(Outcome.OK))
            seen[i] = after
            over[i] = terminated or truncated
            if over[i] and mode is not AutoresetMode.NEXT_STEP:
                seen[i] = frozen(env.reset()[0])
                payers[i].begin(seen[i])
        yield rewards, outcomes


@pytest.mark.parametrize("copy", [True, False], ids=["copy", "no-copy"])
@pytest.mark.parametrize("mode", MODES)
def test_every_transition_is_paid_as_in_a_loop_over_single_environments(
    mode: AutoresetMode, copy: bool
) -> None:
    actions = np.random.default_rng(5).integers(0, 5, (120, N))
    venv = vector(mode, CLASS, copy=copy)
    venv.reset(seed=11)
    ends = 0
    for row, (want, outcomes) in zip(actions, by_hand(mode, actions, 11), strict=True):
        _, reward, terminated, truncated, info = venv.step(row)
        assert reward.tolist() == pytest.approx(want, abs=1e-12)
        assert info["outcome"].tolist() == outcomes
        over = terminated | truncated
        ends += int(over.sum())
        if mode is AutoresetMode.DISABLED and over.any():
            venv.reset(options={"reset_mask": over})
    assert ends > 10
    assert set(venv.session.outcomes) <= {Outcome.OK, Outcome.SKIPPED}
    venv.close()


def test_an_environment_in_another_process_is_paid_the_same() -> None:
    actions = np.random.default_rng(5).integers(0, 5, (30, N))
    venv = CodeRewardVectorWrapper(AsyncVectorEnv([Walk] * N), CLASS, isolation="none")
    venv.reset(seed=11)
    for row, (want, _) in zip(actions, by_hand(AutoresetMode.NEXT_STEP, actions, 11), strict=True):
        assert venv.step(row)[1].tolist() == pytest.approx(want, abs=1e-12)
    venv.close()


def test_a_single_environment_is_paid_as_in_a_loop() -> None:
    # Some environments give the same array every time and write into it.
    env = CodeRewardWrapper(Walk(one_array=True), CLASS, isolation="none")
    other, payer = Walk(), Reference()
    for episode in range(5):
        obs, _ = env.reset(seed=episode)
        before = frozen(other.reset(seed=episode)[0])
        payer.begin(before)
        assert obs["name"] == before["name"]
        over = False
        while not over:
            action = int(other.np_random.bit_generator.state["state"]["state"] % 5)
            obs, reward, terminated, truncated, info = env.step(action)
            again, own, *flags, _ = other.step(action)
            after = frozen(again)
            assert reward == pytest.approx(payer.step(before, action, after, *flags))
            assert [terminated, truncated] == flags
            assert info["env_reward"] == own
            assert info["components"] == {"n": payer.it.n}
            assert info["outcome"] == Outcome.OK
            assert np.array_equal(obs["place"], after["place"])
            before, over = after, any(flags)
    env.close()


def test_the_environment_itself_is_handed_through_untouched() -> None:
    plain = SyncVectorEnv([Walk] * N)
    venv = vector(AutoresetMode.NEXT_STEP, STATE)
    assert venv.observation_space == plain.observation_space
    assert venv.action_space == plain.action_space
    assert venv.num_envs == N
    one, _ = plain.reset(seed=3)
    two, _ = venv.reset(seed=3)
    for _ in range(20):
        assert np.array_equal(one["place"], two["place"])
        assert one["name"] == two["name"]
        one, own, *flags, _ = plain.step(np.ones(N, int))
        two, _, *others, info = venv.step(np.ones(N, int))
        assert np.array_equal(flags, others)
        assert info["env_reward"].tolist() == own.tolist()
        assert info["_env_reward"].all()
    venv.close()


# Modes ---------------------------------------------------------------------------------------


def test_add_pays_both() -> None:
    venv = vector(AutoresetMode.SAME_STEP, CLASS, mode="add")
    same = vector(AutoresetMode.SAME_STEP, CLASS)
    venv.reset(seed=0)
    same.reset(seed=0)
    for _ in range(10):
        actions = np.array([1, 2, 4])
        reward = venv.step(actions)[1]
        _, alone, _, _, info = same.step(actions)
        assert reward.tolist() == pytest.approx((alone + info["env_reward"]).tolist())


@pytest.mark.parametrize("mode", MODES)
def test_milestones_pay_each_task_once_in_an_episode(mode: AutoresetMode) -> None:
    venv = vector(mode, TASKS, mode="milestones")
    obs, _ = venv.reset(seed=4)
    first = obs["place"][:, 0].copy()
    held = np.stack([first > 2.0, np.zeros(N, bool), np.zeros(N, bool)], axis=1)
    over = np.zeros(N, bool)
    for step in range(80):
        obs, reward, terminated, truncated, info = venv.step(np.full(N, step % 3))
        place = obs["place"][:, 0].copy()
        ended = terminated | truncated
        for i in range(N):
            if mode is AutoresetMode.NEXT_STEP and over[i]:
                assert reward[i] == 0.0
                first[i], held[i] = place[i], (place[i] > 2.0, False, False)
            else:
                last = place[i]
                if mode is AutoresetMode.SAME_STEP and ended[i]:
                    last = info["final_obs"][i]["place"][0]
                now = np.array([last > 2.0, last - first[i] > 4.0, False])
                assert reward[i] == pytest.approx((now & ~held[i]).sum() / 3)
                held[i] |= now
            assert info["completed"][i].tolist() == held[i].tolist()
            if mode is AutoresetMode.SAME_STEP and ended[i]:
                first[i], held[i] = place[i], (place[i] > 2.0, False, False)
        over = ended
        if mode is AutoresetMode.DISABLED and ended.any():
            obs, _ = venv.reset(options={"reset_mask": ended})
            for i in np.flatnonzero(ended).tolist():
                first[i] = obs["place"][i, 0]
                held[i] = (first[i] > 2.0, False, False)
    venv.close()


@pytest.mark.parametrize("source", [STATE, TASKS], ids=["function", "tasks"])
@pytest.mark.parametrize("mode", MODES)
def test_a_potential_sums_to_its_ends_over_an_episode(mode: AutoresetMode, source: str) -> None:
    """With γ = 1 the shaping of an episode is Φ(last) - Φ(first), and -Φ(first) if it terminated."""
    venv = vector(mode, source, mode="potential", gamma=1.0)
    obs, _ = venv.reset(seed=8)

    def phi(place: float, start: float, peak: float) -> float:
        if source == STATE:
            return place
        return (int(peak > 2.0) + int(peak - start > 4.0)) / 3

    start = obs["place"][:, 0].copy()
    peak, total, over, ends = start.copy(), np.zeros(N), np.zeros(N, bool), 0
    for step in range(100):
        obs, reward, terminated, truncated, info = venv.step(np.full(N, step % 4))
        ended = terminated | truncated
        for i in range(N):
            place = obs["place"][i, 0]
            if mode is AutoresetMode.NEXT_STEP and over[i]:
                assert reward[i] == 0.0
                start[i] = peak[i] = place
                total[i] = 0.0
                continue
            if mode is AutoresetMode.SAME_STEP and ended[i]:
                place = info["final_obs"][i]["place"][0]
            peak[i] = max(peak[i], place)
            total[i] += reward[i] - info["env_reward"][i]
            last = 0.0 if terminated[i] else phi(place, start[i], peak[i])
            assert total[i] == pytest.approx(last - phi(start[i], start[i], start[i]), abs=1e-9)
            if ended[i]:
                ends += 1
                if mode is AutoresetMode.SAME_STEP:
                    start[i] = peak[i] = obs["place"][i, 0]
                    total[i] = 0.0
        over = ended
        if mode is AutoresetMode.DISABLED and ended.any():
            obs, _ = venv.reset(options={"reset_mask": ended})
            for i in np.flatnonzero(ended).tolist():
                start[i] = peak[i] = obs["place"][i, 0]
                total[i] = 0.0
    assert ends > 10
    venv.close()


def test_a_single_environment_is_shaped_with_its_discount() -> None:
    env = CodeRewardWrapper(
        TimeLimit(Walk(), 3), STATE, mode="potential", gamma=0.9, isolation="none"
    )
    obs, _ = env.reset(seed=1)
    before = obs["place"][0]
    for _ in range(2):
        obs, reward, terminated, _, info = env.step(1)
        after = obs["place"][0]
        value = 0.0 if terminated else after
        assert reward == pytest.approx(info["env_reward"] + 0.9 * value - before)
        before = value


@pytest.mark.parametrize(
    ("source", "options", "told"),
    [
        (STATE, {"mode": "shaped"}, "want one of 'replace', 'add', 'milestones', 'potential'"),
        (STATE, {"mode": "milestones"}, "the program has none"),
        (STATE, {"mode": "potential"}, "needs the discount of the agent"),
        (STATE, {"mode": "potential", "gamma": 1.5}, "needs the discount of the agent"),
        (STATE, {"gamma": 0.9}, 'is used by mode="potential" only'),
        (CLASS, {"mode": "potential", "gamma": 0.9}, "keeps state"),
        (
            "def reward(place, action):\n    return place * action\n",
            {"mode": "potential", "gamma": 0.9},
            "reads action",
        ),
    ],
)
def test_modes_that_do_not_fit_are_refused(source: str, options: Any, told: str) -> None:
    with pytest.raises(car.OptionError, match=told):
        CodeRewardWrapper(Walk(), source, isolation="none", **options)


# Programs and spaces -------------------------------------------------------------------------


def test_a_loaded_program_serves_several_wrappers() -> None:
    program = car.load(CLASS, Walk(), isolation="none")
    one, two = CodeRewardWrapper(Walk(), program), CodeRewardWrapper(Walk(), program)
    one.reset(seed=0)
    two.reset(seed=0)
    assert one.step(1)[1] == two.step(1)[1]
    one.close()
    assert two.step(1)[4]["components"] == {"n": 2.0}
    two.close()


def test_a_program_for_other_spaces_is_refused_with_the_differences() -> None:
    program = car.load(
        "def reward(obs, action):\n    return obs[0] * action\n",
        spaces=(gs.Box(0, 1, (3,)), gs.Discrete(2)),
        isolation="none",
    )
    with pytest.raises(car.OptionError, match="loaded for other spaces than CartPoleEnv has") as e:
        CodeRewardWrapper(gym.make("CartPole-v1").unwrapped, program)
    assert "observation_space: want array float32 (3,), there is array float32 (4,)" in str(e.value)


def test_options_beside_a_loaded_program_are_refused() -> None:
    program = car.load(STATE, Walk(), isolation="none")
    with pytest.raises(car.OptionError, match="tier: given beside a program"):
        CodeRewardWrapper(Walk(), program, tier="interpreted")


def test_a_vector_environment_that_does_not_say_how_it_resets_is_asked() -> None:
    venv = SyncVectorEnv([Walk] * 2)
    del venv.metadata["autoreset_mode"]
    with pytest.raises(car.OptionError, match=r"autoreset_mode= one of AutoresetMode\.NEXT_STEP"):
        CodeRewardVectorWrapper(venv, STATE, isolation="none")
    told = CodeRewardVectorWrapper(venv, STATE, isolation="none", autoreset_mode="NextStep")
    assert told.autoreset_mode is AutoresetMode.NEXT_STEP


# Extras and failures -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_an_extra_comes_from_the_info_of_the_transition(mode: AutoresetMode) -> None:
    """The battery equals the place after the action, and 100 more at a reset."""
    source = "def reward(place, battery):\n    return float(battery - place[0])\n"
    venv = vector(mode, source, extra={"battery": gs.Box(-1e9, 1e9, (), np.float64)})
    venv.reset(seed=2)
    for _ in range(60):
        _, reward, terminated, truncated, _ = venv.step(np.ones(N, int))
        assert reward.tolist() == pytest.approx([0.0] * N, abs=1e-12)
        ended = terminated | truncated
        if mode is AutoresetMode.DISABLED and ended.any():
            venv.reset(options={"reset_mask": ended})
    venv.close()


class Quiet(Walk):
    """Says nothing about its battery at a reset."""

    def reset(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return super().reset(**options)[0], {}


@pytest.mark.parametrize("mode", MODES)
def test_an_extra_need_not_be_in_the_info_of_a_reset(mode: AutoresetMode) -> None:
    source = "def reward(place, battery):\n    return float(battery - place[0])\n"
    extra = {"battery": gs.Box(-1e9, 1e9, (), np.float64)}
    venv = CodeRewardVectorWrapper(
        SyncVectorEnv([Quiet], autoreset_mode=mode), source, isolation="none", extra=extra
    )
    venv.reset(seed=2)
    for _ in range(40):
        _, reward, terminated, truncated, _ = venv.step(np.ones(1, int))
        assert reward.tolist() == pytest.approx([0.0], abs=1e-12)
        ended = terminated | truncated
        if mode is AutoresetMode.DISABLED and ended.any():
            venv.reset(options={"reset_mask": ended})
    venv.close()


FAILS = CLASS.replace("        self.n += 1\n", "        self.n += 1\n        1 / (self.n - 2)\n")


@pytest.mark.parametrize("mode", MODES)
def test_a_failing_row_raises_and_the_episodes_go_on(mode: AutoresetMode) -> None:
    actions = np.random.default_rng(6).integers(0, 5, (60, N))
    venv = vector(mode, FAILS)
    venv.reset(seed=21)
    raised = 0
    for row, (want, _) in zip(actions, by_hand(mode, actions, 21), strict=True):
        try:
            reward = venv.step(row)[1]
        except car.RewardError as error:
            raised += 1
            reward = error.batch.reward
        good = ~np.isnan(reward)
        assert reward[good].tolist() == pytest.approx(np.array(want)[good].tolist())
        if mode is AutoresetMode.DISABLED and venv.env._autoreset_envs.any():  # type: ignore[attr-defined]
            venv.reset(options={"reset_mask": venv.env._autoreset_envs.copy()})  # type: ignore[attr-defined]
    assert raised > 3
    venv.close()


def test_a_failing_row_can_be_paid_a_number() -> None:
    env = CodeRewardWrapper(Walk(), FAILS, on_error=-3.0, isolation="none")
    env.reset(seed=2)
    env.step(0)
    _, reward, _, _, info = env.step(0)
    assert reward == -3.0
    assert info["outcome"] == Outcome.ERROR
    assert "components" in info


def test_a_component_cannot_stand_where_the_mask_of_another_one_is() -> None:
    """A `_near` beside `near` would say which rows have `near`; on its own it is a name."""
    spaces = (Walk.observation_space, Walk.action_space)
    both = (
        "# components: near _near\n"
        "def reward(next_obs):\n    return 1.0, {'near': 1.0, '_near': 0.0}\n"
    )
    with pytest.raises(car.LoadError, match="`_near` and another one `near`"):
        car.load(both, spaces=spaces, isolation="none")
    assert [item.rule for item in car.check(both, spaces=spaces, isolation="none").errors] == [
        "CAR122"
    ]
    alone = both.replace("'near': 1.0, ", "").replace("near _near", "_near")
    envs = CodeRewardVectorWrapper(SyncVectorEnv([Walk] * 2), alone, isolation="none")
    envs.reset(seed=1)
    parts = envs.step(np.zeros(2, np.int64))[4]["components"]
    assert sorted(parts) == ["__near", "_near"]
    assert parts["__near"].dtype == np.bool_
    envs.close()


def test_a_wrapper_that_failed_can_be_stepped_further() -> None:
    env = CodeRewardWrapper(Walk(), FAILS, isolation="none")
    env.reset(seed=2)
    env.step(0)
    with pytest.raises(car.RewardError):
        env.step(0)
    assert math.isfinite(env.step(0)[1])


def test_a_bad_row_does_not_poison_the_potential() -> None:
    source = "def reward(place):\n    return 1.0 / 0.0 if place[0] > 3.0 else 1.0\n"
    env = CodeRewardWrapper(
        Walk(), source, mode="potential", gamma=1.0, on_error="nan", isolation="none"
    )
    env.reset(seed=2)
    rewards = [env.step(4)[1], env.step(0)[1]]
    assert math.isnan(rewards[0])
    env.unwrapped.where = -50.0  # type: ignore[attr-defined]
    _, reward, terminated, _, info = env.step(0)
    assert not terminated
    assert reward == info["env_reward"]


# Real environments ---------------------------------------------------------------------------

DOORKEY = """
def task_1(image):
    return bool(image[3, 6, 0] == 5)

def task_2(image):
    return bool(((image[:, :, 0] == 4) & (image[:, :, 2] == 0)).any())

def reward(obs, action, next_obs, t):
    bonus = 1.0 if next_obs["image"][3, 6, 0] == 5 else 0.0
    turned = 0.5 if obs["direction"] != next_obs["direction"] else 0.0
    words = len(next_obs["mission"].split())
    return bonus + turned + 0.01 * t + 0.001 * action + words
"""


def make_doorkey() -> gym.Env[Any, Any]:
    import minigrid  # noqa: F401

    return gym.make("MiniGrid-DoorKey-5x5-v0", max_steps=15)


@pytest.mark.parametrize("isolation", ["none", "process"])
@pytest.mark.parametrize("mode", MODES)
def test_minigrid_is_paid_as_in_a_loop_over_single_environments(
    mode: AutoresetMode, isolation: str
) -> None:
    """In a process the real passes and tiers run; only this process has the plain ones."""
    venv = CodeRewardVectorWrapper(
        SyncVectorEnv([make_doorkey] * N, autoreset_mode=mode), DOORKEY, isolation=isolation
    )
    scope: dict[str, Any] = {}
    exec(DOORKEY, scope)  # noqa: S102 - the tests' own text
    envs = [make_doorkey() for _ in range(N)]
    seen = [env.reset(seed=40 + i)[0] for i, env in enumerate(envs)]
    held = np.array([[scope["task_1"](o["image"]), scope["task_2"](o["image"])] for o in seen])
    t, over = [0] * N, [False] * N
    venv.reset(seed=40)
    for row in np.random.default_rng(1).integers(0, 7, (100, N)):
        _, reward, terminated, truncated, info = venv.step(row)
        for i, env in enumerate(envs):
            if mode is AutoresetMode.NEXT_STEP and over[i]:
                seen[i], over[i], t[i] = env.reset()[0], False, 0
                held[i] = scope["task_1"](seen[i]["image"]), scope["task_2"](seen[i]["image"])
                assert reward[i] == 0.0
                continue
            after, own, ended, cut, _ = env.step(row[i])
            assert reward[i] == pytest.approx(
                scope["reward"](seen[i], int(row[i]), after, t[i]), abs=1e-12
            )
            assert info["env_reward"][i] == pytest.approx(own)
            held[i] |= scope["task_1"](after["image"]), scope["task_2"](after["image"])
            assert info["completed"][i].tolist() == held[i].tolist()
            seen[i], t[i], over[i] = after, t[i] + 1, ended or cut
            if over[i] and mode is not AutoresetMode.NEXT_STEP:
                seen[i], t[i] = env.reset()[0], 0
                held[i] = scope["task_1"](seen[i]["image"]), scope["task_2"](seen[i]["image"])
        ends = terminated | truncated
        if mode is AutoresetMode.DISABLED and ends.any():
            venv.reset(options={"reset_mask": ends})
    assert venv.session.outcomes[Outcome.OK] > 200
    venv.close()


def test_an_environment_can_be_made_again_from_its_spec() -> None:
    env = CodeRewardWrapper(
        gym.make("CartPole-v1"), "def reward(obs):\n    return 1.0\n", isolation="none"
    )
    assert env.spec is not None
    again = gym.make(env.spec)
    again.reset(seed=0)
    assert again.step(0)[1] == 1.0


def test_gymnasiums_own_checker_says_no_more_than_of_the_environment_itself() -> None:
    def said(env: gym.Env[Any, Any]) -> set[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            check_env(env, skip_render_check=True)
        return {str(item.message) for item in caught}

    plain = gym.make("CartPole-v1").unwrapped
    env = CodeRewardWrapper(plain, "def reward(obs):\n    return 1.0\n", isolation="none")
    more = said(env) - said(plain)
    assert len(more) <= 1
    assert all("is different from the unwrapped version" in text for text in more)
    env.close()


def test_a_wrapper_inside_each_sub_environment_runs_in_their_processes() -> None:
    program = car.load(CLASS.split("\n", 1)[1], Walk(), tier="interpreted")

    def make() -> gym.Env[Any, Any]:
        return CodeRewardWrapper(Walk(), program)

    actions = np.random.default_rng(5).integers(0, 5, (20, N))
    venv = AsyncVectorEnv([make] * N)
    venv.reset(seed=11)
    for row, (want, _) in zip(actions, by_hand(AutoresetMode.NEXT_STEP, actions, 11), strict=True):
        assert venv.step(row)[1].tolist() == pytest.approx(want, abs=1e-9)
    venv.close()
    program.close()

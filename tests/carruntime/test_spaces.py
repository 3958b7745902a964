"""Spaces become specs, and batches in Gymnasium's layout become columns, exactly."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces as gs
from gymnasium.vector.utils import concatenate, create_empty_array
from hypothesis import given
from hypothesis import strategies as st
from minigrid.core.mission import MissionSpace
from numpy.typing import NDArray

from carruntime.columns import (
    Pending,
    SlotWriter,
    Texts,
    commit,
    copy_batch,
    overlay,
    take,
)
from carruntime.errors import OptionError, SpaceError
from carruntime.spaces import mismatches, spaces_of, spec_of
from sandbox.schema import ArraySpec, DictSpec, Schema, Spec, TupleSpec

# Building blocks -----------------------------------------------------------------------------


def columns_for(spec: Spec, rows: int) -> dict[str, NDArray[Any]]:
    """Make the arrays that a guest would hand out, filled with what must be overwritten."""
    arrays: dict[str, NDArray[Any]] = {}
    for column in Schema((("obs", spec),)).columns():
        arrays[column.name] = np.full(
            (rows, *column.spec.shape), 1, dtype=np.dtype(column.spec.dtype)
        )
        if column.spec.kind == "text":
            arrays[f"{column.name}#len"] = np.full(rows, 7, np.int32)
    return arrays


def write(
    spec: Spec, batch: Any, rows: int, mask: NDArray[np.bool_] | None = None
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    arrays = columns_for(spec, rows)
    writer = SlotWriter("obs", spec, arrays)
    pending: Pending = []
    texts: Texts = []
    problems: list[str] = []
    writer.check(batch, mask, pending, texts, problems)
    if not problems:
        commit(pending, texts, mask)
    return arrays, problems


def read_back(
    spec: Spec, arrays: dict[str, NDArray[Any]], row: int, path: tuple[str | int, ...] = ()
) -> Any:
    """Give one row as a program gets it; plain code, independent of the writer."""
    if isinstance(spec, DictSpec):
        return {key: read_back(child, arrays, row, (*path, key)) for key, child in spec.fields}
    if isinstance(spec, TupleSpec):
        return tuple(
            read_back(child, arrays, row, (*path, index)) for index, child in enumerate(spec.items)
        )
    parts = [str(part).replace("%", "%25").replace("/", "%2F").replace("#", "%23") for part in path]
    name = "/".join(["obs", *parts])
    if spec.kind == "text":
        length = arrays[f"{name}#len"][row]
        slot = arrays[name][row]
        assert not slot[length:].any()
        return bytes(slot[:length]).decode()
    return arrays[name][row]


def batch_of(space: gym.Space[Any], samples: list[Any]) -> Any:
    """Put samples together as a vector environment does."""
    out: Any = create_empty_array(space, n=len(samples))
    return concatenate(space, samples, out)


def equal(got: Any, sample: Any) -> bool:
    if isinstance(sample, dict):
        return all(equal(got[key], sample[key]) for key in sample)
    if isinstance(sample, tuple):
        return all(equal(a, b) for a, b in zip(got, sample, strict=True))
    if isinstance(sample, str):
        return bool(got == sample)
    return np.array_equal(got, sample) and np.asarray(got).shape == np.asarray(sample).shape


_DTYPES = [np.float32, np.float64, np.uint8, np.int16, np.int64]
_LEAVES = st.one_of(
    st.builds(
        lambda shape, dtype: gs.Box(0, 100, shape=tuple(shape), dtype=dtype),
        st.lists(st.integers(0, 3), max_size=3),
        st.sampled_from(_DTYPES),
    ),
    st.builds(lambda n, start: gs.Discrete(n, start=start), st.integers(1, 9), st.integers(-5, 5)),
    st.builds(gs.MultiDiscrete, st.lists(st.integers(1, 5), min_size=1, max_size=3)),
    st.builds(gs.MultiBinary, st.integers(1, 4)),
    st.builds(lambda n: gs.Text(n, min_length=0, charset="aZ é世/#%"), st.integers(1, 20)),
)
SPACES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(
            st.sampled_from(["a", "b c", "x/y", "50%", "#len"]), inner, min_size=1, max_size=3
        ).map(gs.Dict),
        st.lists(inner, min_size=1, max_size=3).map(gs.Tuple),
    ),
    max_leaves=5,
)

# Spaces to specs -----------------------------------------------------------------------------


def test_a_discrete_is_a_python_int_from_its_start() -> None:
    assert spec_of(gs.Discrete(4, start=-1)) == ArraySpec(
        kind="int", dtype="int64", low=-1.0, high=2.0
    )


def test_a_box_keeps_shape_dtype_and_bounds() -> None:
    box = gs.Box(np.array([0, -3]), np.array([1, 2]), dtype=np.int16)
    assert spec_of(box) == ArraySpec(shape=(2,), dtype="int16", low=-3.0, high=2.0)


def test_multi_discrete_counts_from_its_start() -> None:
    spec = spec_of(gs.MultiDiscrete([3, 5], start=[1, 0]))
    assert spec == ArraySpec(shape=(2,), dtype="int64", low=0.0, high=4.0)


def test_minigrids_mission_is_text() -> None:
    space = MissionSpace(mission_func=lambda: "use the key")
    assert spec_of(space) == ArraySpec(
        kind="text", shape=(256,), dtype="uint8", low=0.0, high=255.0
    )


def test_a_space_of_str_without_a_dtype_is_text_and_its_generator_is_not_moved() -> None:
    class Words(gym.Space[str]):
        def sample(self, *_: Any, **__: Any) -> str:
            return str(self.np_random.integers(9))

    space = Words(seed=3)
    before = space.np_random.bit_generator.state
    spec = spec_of(space)
    assert isinstance(spec, ArraySpec)
    assert spec.kind == "text"
    assert space.np_random.bit_generator.state == before


def test_the_order_of_a_dict_is_that_of_the_space() -> None:
    spec = spec_of(gs.Dict([("z", gs.Discrete(2)), ("a", gs.Discrete(2))]))
    assert isinstance(spec, DictSpec)
    assert [key for key, _ in spec.fields] == ["z", "a"]


def test_all_unsupported_parts_are_named_with_their_path() -> None:
    space = gs.Dict(
        {
            "a": gs.Sequence(gs.Discrete(2)),
            "b": gs.Tuple((gs.Discrete(2), gs.Graph(gs.Discrete(2), None))),
            "c": gs.Box(0, 1, dtype=np.longdouble),
        }
    )
    with pytest.raises(SpaceError) as caught:
        spec_of(space, path="observation_space")
    problems = caught.value.problems
    assert problems[0].startswith("observation_space['a']: Sequence cannot be handed to a program")
    assert "Box, Discrete, MultiDiscrete, MultiBinary, Text" in problems[0]
    assert problems[1].startswith("observation_space['b'][1]: Graph")
    assert problems[2].startswith("observation_space['c']: dtype")


def test_keys_that_are_no_str_are_refused() -> None:
    with pytest.raises(SpaceError, match="key 3 of the Dict is no str"):
        spec_of(gs.Dict({3: gs.Discrete(2)}))  # type: ignore[dict-item]


def test_the_single_spaces_of_a_vector_environment_are_meant() -> None:
    venv = gym.make_vec("CartPole-v1", num_envs=3, vectorization_mode="sync")
    observation, action = spaces_of(venv)
    assert observation.shape == (4,)
    assert action == gs.Discrete(2)
    venv.close()


def test_the_id_of_an_environment_gives_its_spaces() -> None:
    observation, action = spaces_of("CartPole-v1")
    assert observation.shape == (4,)
    assert action == gs.Discrete(2)


def test_an_unknown_id_is_refused_with_the_nearest() -> None:
    with pytest.raises(OptionError, match="did you mean CartPole-v1"):
        spaces_of("CartPol-v1")


@pytest.mark.parametrize("env", [None, 3])
def test_what_has_no_spaces_is_refused(env: object) -> None:
    with pytest.raises(OptionError, match="pass an environment"):
        spaces_of(env)


def test_env_and_spaces_together_are_refused() -> None:
    pair = (gs.Discrete(2), gs.Discrete(2))
    with pytest.raises(OptionError, match="both given"):
        spaces_of(object(), pair)


# Batches to columns --------------------------------------------------------------------------


@given(SPACES, st.integers(1, 5), st.integers(0, 2**31))
def test_a_batch_as_gymnasium_makes_it_comes_back_row_by_row(
    space: gym.Space[Any], rows: int, seed: int
) -> None:
    space.seed(seed)
    samples = [space.sample() for _ in range(rows)]
    batch = batch_of(space, samples)
    spec = spec_of(space)
    arrays, problems = write(spec, batch, rows)
    assert problems == []
    for row, sample in enumerate(samples):
        assert equal(read_back(spec, arrays, row), sample)


@given(SPACES, st.integers(0, 2**31))
def test_one_environment_may_give_bare_values(space: gym.Space[Any], seed: int) -> None:
    space.seed(seed)
    sample = space.sample()
    spec = spec_of(space)
    arrays, problems = write(spec, sample, 1)
    assert problems == []
    assert equal(read_back(spec, arrays, 0), sample)


@given(SPACES, st.lists(st.booleans(), min_size=1, max_size=5), st.integers(0, 2**31))
def test_rows_outside_a_mask_are_not_written(
    space: gym.Space[Any], mask: list[bool], seed: int
) -> None:
    space.seed(seed)
    rows = np.array(mask)
    samples = [space.sample() for _ in mask]
    batch = batch_of(space, samples)
    spec = spec_of(space)
    fresh = columns_for(spec, len(mask))
    arrays, problems = write(spec, batch, len(mask), rows)
    assert problems == []
    for name, array in arrays.items():
        assert np.array_equal(array[~rows], fresh[name][~rows])
    for row in np.flatnonzero(rows).tolist():
        assert equal(read_back(spec, arrays, row), samples[row])


@given(SPACES, st.integers(2, 5), st.integers(0, 2**31))
def test_rows_can_be_taken_copied_and_laid_over(
    space: gym.Space[Any], rows: int, seed: int
) -> None:
    space.seed(seed)
    samples = [space.sample() for _ in range(rows)]
    other = space.sample()
    batch = batch_of(space, samples)
    spec = spec_of(space)
    laid = overlay(spec, batch, {1: other})
    turned = take(spec, copy_batch(spec, batch), np.arange(rows)[::-1])
    for row in range(rows):
        want = other if row == 1 else samples[row]
        assert equal(read_back(spec, write(spec, laid, rows)[0], row), want)
        assert equal(read_back(spec, write(spec, turned, rows)[0], rows - 1 - row), samples[row])
        assert equal(read_back(spec, write(spec, batch, rows)[0], row), samples[row])


def test_a_copied_batch_is_not_touched_by_later_writes_into_the_original() -> None:
    spec = DictSpec((("x", ArraySpec(shape=(2,))),))
    batch = {"x": np.zeros((3, 2))}
    kept = copy_batch(spec, batch)
    batch["x"][:] = 1.0
    assert not kept["x"].any()


# What does not fit ---------------------------------------------------------------------------


def test_all_wrong_inputs_are_named_at_once_and_nothing_is_written() -> None:
    spec = DictSpec(
        (
            ("image", ArraySpec(shape=(7, 7, 3), dtype="uint8")),
            ("speed", ArraySpec(dtype="float32")),
            ("mission", ArraySpec(kind="text", shape=(8,), dtype="uint8")),
            ("gone", ArraySpec()),
            ("fine", ArraySpec(dtype="bool")),
        )
    )
    batch = {
        "image": np.zeros((2, 7, 7, 4), np.uint8),
        "speed": np.zeros(2),
        "mission": ("short", "much too long"),
        "fine": np.zeros(2, bool),
    }
    arrays, problems = write(spec, batch, 2)
    assert problems == [
        "obs['image']: uint8 (2, 7, 7, 4); want uint8 (2, 7, 7, 3)",
        (
            "obs['speed']: float64 (2,); want float32 (2,), as the space says; nothing is cast "
            "silently: pass obs['speed'].astype(np.float32) or mend the environment "
            "(gymnasium.wrappers.DtypeObservation does it for observations)"
        ),
        "obs['gone']: not there, a dict with 'image', 'speed', 'mission', 'fine' was given",
        (
            "obs['mission'] of env 1: 13 bytes of UTF-8; a text slot holds 8 and texts are never "
            "cut: raise limits.text_bytes"
        ),
    ]
    assert arrays["obs/fine"].all()


def test_an_integer_that_widens_exactly_is_taken_for_a_discrete_only() -> None:
    discrete = ArraySpec(kind="int", dtype="int64")
    assert write(discrete, np.array([1, 2], np.int32), 2)[1] == []
    assert write(discrete, np.array([1, 2], np.uint8), 2)[1] == []
    assert write(discrete, np.array([1, 2], np.uint64), 2)[1] != []
    assert write(discrete, np.array([1.0, 2.0]), 2)[1] != []
    assert write(discrete, np.array([True, False]), 2)[1] != []
    assert write(ArraySpec(dtype="int64"), np.array([1, 2], np.int32), 2)[1] != []


@pytest.mark.parametrize("value", [None, "abc", [[1.0], [1.0, 2.0]], object(), {"a": 1}])
def test_what_is_no_array_is_named(value: Any) -> None:
    _, problems = write(ArraySpec(), value, 2)
    assert len(problems) == 1
    assert problems[0].startswith("obs: ")


def test_a_list_of_dicts_gets_a_hint() -> None:
    spec = DictSpec((("x", ArraySpec()),))
    _, problems = write(spec, [{"x": 1.0}, {"x": 2.0}], 2)
    assert "one dict of arrays, not one dict per environment" in problems[0]


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (("a",), "tuple of 1; want a tuple of 2 str"),
        (("a", 3), "of env 1: int; want str"),
        (("a", "\ud800"), "of env 1: '\\ud800' at 0 is no character of UTF-8"),
        (5, "int; want a tuple of 2 str"),
    ],
)
def test_texts_that_do_not_fit_are_named(texts: Any, told: str) -> None:
    _, problems = write(ArraySpec(kind="text", shape=(8,), dtype="uint8"), texts, 2)
    assert len(problems) == 1
    assert told in problems[0]


def test_a_text_of_exactly_the_slot_fits() -> None:
    spec = ArraySpec(kind="text", shape=(4,), dtype="uint8")
    arrays, problems = write(spec, ("éé", "abcd"), 2)
    assert problems == []
    assert [read_back(spec, arrays, row) for row in range(2)] == ["éé", "abcd"]


def test_a_shorter_text_leaves_nothing_of_the_longer_one() -> None:
    spec = ArraySpec(kind="text", shape=(8,), dtype="uint8")
    arrays = columns_for(spec, 1)
    writer = SlotWriter("obs", spec, arrays)
    for text in ("longest", "me", "", "me", "me"):
        pending: Pending = []
        texts: Texts = []
        problems: list[str] = []
        writer.check((text,), None, pending, texts, problems)
        commit(pending, texts)
        assert problems == []
        assert read_back(spec, arrays, 0) == text


def test_texts_of_rows_outside_the_mask_may_be_anything() -> None:
    spec = ArraySpec(kind="text", shape=(8,), dtype="uint8")
    arrays, problems = write(spec, ("ok", None), 2, np.array([True, False]))
    assert problems == []
    assert read_back(spec, arrays, 0) == "ok"


def test_a_refused_batch_does_not_change_which_texts_count_as_written() -> None:
    spec = DictSpec((("a", ArraySpec()), ("t", ArraySpec(kind="text", shape=(8,), dtype="uint8"))))
    arrays = columns_for(spec, 1)
    writer = SlotWriter("obs", spec, arrays)

    def once(batch: Any) -> list[str]:
        pending: Pending = []
        texts: Texts = []
        problems: list[str] = []
        writer.check(batch, None, pending, texts, problems)
        if not problems:
            commit(pending, texts)
        return problems

    assert once({"a": np.zeros(1), "t": ("one",)}) == []
    assert once({"a": np.zeros(1, np.int8), "t": ("two",)}) != []
    assert once({"a": np.zeros(1), "t": ("two",)}) == []
    assert read_back(spec, arrays, 0)["t"] == "two"


def test_mismatches_name_what_is_read_and_not_there() -> None:
    want = spec_of(gs.Dict({"a": gs.Discrete(2), "b": gs.Box(0, 1, (2,))}))
    have = spec_of(gs.Dict({"a": gs.Discrete(9), "b": gs.Box(0, 1, (3,)), "c": gs.Discrete(2)}))
    assert mismatches(want, want, "observation_space") == []
    assert mismatches(want, have, "observation_space") == [
        "observation_space['b']: want array float32 (2,), there is array float32 (3,)"
    ]
    assert mismatches(have, want, "o")[1:] == ["o['c']: missing"]

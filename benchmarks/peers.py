"""Other ways of computing the rewards of `benchmarks.workloads`, each fast in its own manner.

Every peer writes ``out`` (float64 ``[N]``) from the same columns and is compared with ours before
it is timed. Plain ``exec`` runs the program as it is; all others are rewritten by hand: Numba and C
as loops, NumPy and numexpr over the whole batch, JAX as a function of one observation that is
mapped over the batch and compiled. A peer that is not installed or has no way of saying a program
is left out, and the table says so. All of them run on one thread.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import Columns, Workload
from benchmarks.workloads_numba import KERNELS

__all__ = ["PEERS", "Peer", "Runnable", "c_library", "plain"]

Runnable: TypeAlias = Callable[[], object]
Peer: TypeAlias = Callable[[Workload, Columns, NDArray[np.float64]], "Runnable | None"]
"""Makes a call that computes the batch, or None where the peer cannot express the workload.

Raises ImportError (or OSError) where the peer is not installed.
"""


def plain(workload: Workload, columns: Columns, out: NDArray[np.float64]) -> Runnable:
    """Run the program once per observation with plain ``exec``."""
    space: dict[str, Any] = {}
    exec(compile(workload.source, workload.name, "exec"), space)
    if workload.state_bytes:
        instances = [space["PickAndPlace"]() for _ in out]
        functions = [item.step for item in instances]
    else:
        functions = [space["reward"]] * len(out)

    def run() -> None:
        for row, function in enumerate(functions):
            out[row] = function(*[column[row] for column in columns])

    return run


def numba_by_hand(workload: Workload, columns: Columns, out: NDArray[np.float64]) -> Runnable:
    """Run the kernel of `benchmarks.workloads_numba`."""
    kernel = KERNELS[workload.name]
    arrays = (*columns, *_state(workload, out), out)
    return lambda: kernel(*arrays)


def c_library() -> ctypes.CDLL:
    """Compile ``workloads.c`` with clang, as the `ziglang` package carries it.

    Raises:
        ImportError: If `ziglang` is not installed.
        OSError: If it does not compile.
    """
    ziglang = import_module("ziglang")
    source = Path(__file__).with_name("workloads.c")
    folder = Path(tempfile.mkdtemp(prefix="workloads-"))
    target = folder / "workloads.so"
    zig = Path(str(ziglang.__file__)).with_name("zig")
    options = ["-O3", "-march=native", "-shared", "-fPIC", "-lm", "-o", str(target)]
    made = subprocess.run(
        [str(zig), "cc", *options, str(source)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise OSError(f"workloads.c does not compile: {made.stderr[:400]}")
    return ctypes.CDLL(str(target))


_libraries: list[ctypes.CDLL] = []


def c_by_hand(workload: Workload, columns: Columns, out: NDArray[np.float64]) -> Runnable:
    """Call the function of ``workloads.c``."""
    if not _libraries:
        _libraries.append(c_library())
    name = workload.name.lower()
    for picture in ("w2np", "w2loop"):
        name = name.replace(picture, "w2_")
    function = getattr(_libraries[0], name.replace("loop", ""))
    arrays = (*columns, *_state(workload, out), out)
    values = [ctypes.c_void_p(array.ctypes.data) for array in arrays]

    def run(_: tuple[Any, ...] = arrays) -> None:
        function(*values, ctypes.c_int64(len(out)))

    return run


def _state(workload: Workload, out: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    return (np.zeros((len(out), 4)),) if workload.state_bytes else ()


def numpy_over_batch(
    workload: Workload, columns: Columns, out: NDArray[np.float64]
) -> Runnable | None:
    """Compute the whole batch with NumPy."""
    name = workload.name
    if name.startswith("W1"):
        return lambda: _grid_batch(columns[0], out, last=name == "W1")
    if name.startswith("W2"):
        return lambda: _picture_batch(columns[0], out)
    if name.startswith("W3"):
        observation, achieved, desired = columns
        return lambda: _arm_batch(observation, achieved, desired, out)
    if name == "W4":
        state = _State(len(out))
        achieved, desired = columns
        return lambda: state.step(achieved, desired, out)
    return None


def _grid_batch(image: NDArray[np.uint8], out: NDArray[np.float64], *, last: bool) -> None:
    kinds = image[..., 0].reshape(len(out), 49)

    def near(code: int) -> tuple[NDArray[np.bool_], NDArray[Any], NDArray[np.float64]]:
        mask = kinds == code
        place = 48 - mask[:, ::-1].argmax(1) if last else mask.argmax(1)
        return mask, place, 1 - (np.abs(place // 7 - 3) + np.abs(place % 7 - 6)) / 12

    mask, _, close = near(8)
    total = mask.any(1) * close
    mask, _, close = near(5)
    total += mask.any(1) * (0.1 * close)
    mask, place, close = near(4)
    shut = image[..., 2].reshape(len(out), 49)
    opened = shut[np.arange(len(out)), place] == 0 if last else (mask & (shut == 0)).any(1)
    out[:] = total + mask.any(1) * np.where(opened, 0.3, 0.05 * close)


def _picture_batch(image: NDArray[np.uint8], out: NDArray[np.float64]) -> None:
    mask = (image[..., 0] > 200) & (image[..., 1] < 80) & (image[..., 2] < 80)
    count = mask.sum((1, 2))
    side = image.shape[1]
    with np.errstate(all="ignore"):
        y = mask.sum(2) @ np.arange(side) / count / side
        x = mask.sum(1) @ np.arange(side) / count / side
    out[:] = np.where(count == 0, -1.0, 1 - np.sqrt((y - 0.5) ** 2 + (x - 0.5) ** 2))


def _arm_batch(
    observation: NDArray[np.float64],
    achieved: NDArray[np.float64],
    desired: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    dist = np.sqrt(((achieved - desired) ** 2).sum(1))
    reach = np.sqrt(((observation[:, :3] - achieved) ** 2).sum(1))
    speed = np.abs(observation[:, 3:6]).sum(1)
    lift = np.maximum(0.0, achieved[:, 2] - 0.02)
    out[:] = 0.3 * np.exp(-5.0 * reach) + np.exp(-10.0 * dist) + 0.5 * lift
    out += (dist < 0.05) - 0.01 * speed


class _State:
    """The columns that W4 keeps between steps."""

    def __init__(self, rows: int) -> None:
        self.started = False
        self.previous = np.zeros(rows)
        self.best = np.zeros(rows)
        self.picked = np.zeros(rows, np.bool_)

    def step(
        self, achieved: NDArray[np.float64], desired: NDArray[np.float64], out: NDArray[np.float64]
    ) -> None:
        dist = np.sqrt(((achieved - desired) ** 2).sum(1))
        if self.started:
            better = dist < self.best
            out[:] = 10.0 * (self.previous - dist) + 0.1 * better
            self.best = np.where(better, dist, self.best)
        else:
            self.started = True
            self.best = dist
            out[:] = 0.0
        lifted = (achieved[:, 2] > 0.05) & ~self.picked
        self.picked |= lifted
        out += lifted
        self.previous = dist


def numexpr_over_batch(
    workload: Workload, columns: Columns, out: NDArray[np.float64]
) -> Runnable | None:
    """Compute the whole batch with one numexpr expression."""
    if not workload.name.startswith("W3"):
        return None
    numexpr: Any = import_module("numexpr")
    numexpr.set_num_threads(1)
    observation, achieved, desired = columns
    names = {f"o{k}": observation[:, k] for k in range(6)}
    names |= {f"a{k}": achieved[:, k] for k in range(3)}
    names |= {f"g{k}": desired[:, k] for k in range(3)}
    dist = "sqrt((a0 - g0)**2 + (a1 - g1)**2 + (a2 - g2)**2)"
    reach = "sqrt((o0 - a0)**2 + (o1 - a1)**2 + (o2 - a2)**2)"
    text = (
        f"0.3 * exp(-5.0 * {reach}) + exp(-10.0 * {dist}) + 0.5 * where(a2 > 0.02, a2 - 0.02, 0)"
        f" + where({dist} < 0.05, 1.0, 0.0) - 0.01 * (abs(o3) + abs(o4) + abs(o5))"
    )
    return lambda: numexpr.evaluate(text, local_dict=names, out=out)


def jax_mapped(workload: Workload, columns: Columns, out: NDArray[np.float64]) -> Runnable | None:
    """Compile a function of one observation with JAX, mapped over the batch, on the CPU.

    The columns lie where JAX wants them before the clock starts, and the rewards stay there.
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault(
        "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    )
    if "jax" not in sys.modules:
        # The pool of threads is as large as the set of processors this process may use.
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(allowed)})
        fresh: Any = import_module("jax")
        fresh.config.update("jax_enable_x64", True)
        fresh.devices()
        os.sched_setaffinity(0, allowed)
    jax: Any = import_module("jax")
    row = _jax_row(workload.name)
    if row is None:
        return None
    mapped = jax.jit(jax.vmap(row))
    arrays = [jax.device_put(column) for column in columns]
    out[:] = np.asarray(mapped(*arrays))
    return lambda: mapped(*arrays).block_until_ready()


def _jax_row(name: str) -> Callable[..., Any] | None:
    jnp: Any = import_module("jax.numpy")

    def grid(image: Any) -> Any:
        kinds, shut, index = image[..., 0].reshape(49), image[..., 2].reshape(49), jnp.arange(49)

        def near(code: int) -> tuple[Any, Any, Any]:
            mask = kinds == code
            place = jnp.max(jnp.where(mask, index, -1)) if name == "W1" else jnp.argmax(mask)
            place = jnp.maximum(place, 0)
            close = 1 - (jnp.abs(place // 7 - 3) + jnp.abs(place % 7 - 6)) / 12
            return mask, place, close

        mask, _, close = near(8)
        total = jnp.where(mask.any(), close, 0.0)
        mask, _, close = near(5)
        total += jnp.where(mask.any(), 0.1 * close, 0.0)
        mask, place, close = near(4)
        seen = mask & (index == place) if name == "W1" else mask
        opened = (seen & (shut == 0)).any()
        return total + jnp.where(mask.any(), jnp.where(opened, 0.3, 0.05 * close), 0.0)

    def picture(image: Any) -> Any:
        mask = (image[..., 0] > 200) & (image[..., 1] < 80) & (image[..., 2] < 80)
        side = image.shape[0]
        count = mask.sum()
        some = jnp.maximum(count, 1)
        y = (mask.sum(1) * jnp.arange(side)).sum() / some / side
        x = (mask.sum(0) * jnp.arange(side)).sum() / some / side
        close = 1 - jnp.sqrt((y - 0.5) ** 2 + (x - 0.5) ** 2)
        return jnp.where(count == 0, -1.0, close)

    def arm(observation: Any, achieved: Any, desired: Any) -> Any:
        dist = jnp.sqrt(((achieved - desired) ** 2).sum())
        reach = jnp.sqrt(((observation[:3] - achieved) ** 2).sum())
        total = 0.3 * jnp.exp(-5.0 * reach) + jnp.exp(-10.0 * dist)
        total += 0.5 * jnp.maximum(0.0, achieved[2] - 0.02) + jnp.where(dist < 0.05, 1.0, 0.0)
        return total - 0.01 * jnp.abs(observation[3:6]).sum()

    for start, row in (("W1", grid), ("W2", picture), ("W3", arm)):
        if name.startswith(start):
            return row
    return None


PEERS: Final[dict[str, Peer]] = {
    "Numba by hand": numba_by_hand,
    "C by hand": c_by_hand,
    "NumPy over the batch": numpy_over_batch,
    "numexpr": numexpr_over_batch,
    "JAX jit(vmap)": jax_mapped,
}

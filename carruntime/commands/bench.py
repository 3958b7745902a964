"""``carruntime bench``: measure a program's observations per second."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from carruntime.commands.shared import (
    BAD,
    GOOD,
    add_command,
    counts,
    given_source,
    natural,
    open_env_for,
    print_json,
    print_wrapped,
    program_options,
    progress_option,
)

if TYPE_CHECKING:
    from carruntime.reward import RewardProgram

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to a parser."""
    bench = add_command(commands, "bench", _bench, "measure a program's observations per second")
    program_options(bench, tiers=False)
    bench.add_argument("--rows", type=counts, default=(1, 8, 64, 1024), help="1,8,64,1024")
    bench.add_argument("--seed", type=natural, default=0, help="seed of the sampled transitions")
    bench.add_argument(
        "--trust",
        action="store_true",
        help="also run it unprotected in this process, plain exec included",
    )
    progress_option(bench)


def _bench(options: argparse.Namespace) -> int:
    from carruntime.bench import measure, render, sample
    from carruntime.collection import collect
    from carruntime.loading import load
    from carruntime.progress import ProgressLine

    source = given_source(options)
    env, frame = open_env_for(source, options)
    try:
        transitions = sample(
            collect(env, "random", 16, options.seed, max_steps=64, frames=frame is not None)
        )

        def load_as(**wishes: Any) -> RewardProgram:
            if wishes.get("isolation") != "none":
                wishes["require"] = options.require
            return load(
                source,
                env,
                entry=options.entry,
                frame=frame,
                frame_order=options.frame_order,
                call_at_reset=options.call_at_reset,
                **wishes,
            )

        with ProgressLine("batch sizes", show=options.progress) as line:
            found = measure(load_as, transitions, options.rows, trust=options.trust, progress=line)
    finally:
        env.close()
    if options.json:
        print_json(
            [
                {
                    "way": item.way,
                    "rows": item.rows,
                    "observations_per_second": item.per_second,
                    "equal": item.equal,
                    "bad_rows": item.bad,
                }
                for item in found
            ]
        )
    else:
        print(render(found))
        if any(item.bad for item in found):
            print_wrapped(
                "a speed is worth little where rows end badly; carruntime run says how they ended "
                "and where in the program",
                "  ",
            )
        if not options.trust:
            print("plain exec and in-process ways are left out: they need --trust")
    # One way that pays nothing at any size is as bad as one that pays something else.
    ways = {item.way for item in found}
    dead = any(all(i.bad == i.rows for i in found if i.way == way) for way in ways)
    return BAD if dead or not all(item.equal for item in found) else GOOD

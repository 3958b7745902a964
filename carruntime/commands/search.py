"""``carruntime search``: generations of candidates, with a leaderboard."""

from __future__ import annotations

import argparse
from typing import Any

from carruntime.commands.generate import (
    STATUS,
    model_of,
    model_options,
    prices_of,
    print_waiting,
    run_options,
    save_end,
    settings_of,
    teller,
    workshop_of,
)
from carruntime.commands.shared import (
    BAD,
    GOOD,
    add_command,
    count,
    env_option,
    print_json,
)

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to a parser."""
    search = add_command(
        commands, "search", _search, "let a model better its programs over generations"
    )
    search.epilog = STATUS
    env_option(search, required=True)
    model_options(search)
    run_options(search)
    search.add_argument(
        "--style", default="function", choices=("function", "tasks", "class"), help="(function)"
    )
    search.add_argument("--generations", type=count, default=3, help="(default 3)")
    search.add_argument("--candidates", type=count, default=4, help="of each (default 4)")
    search.add_argument("--survivors", type=count, default=2, help="are bred from (default 2)")
    search.add_argument(
        "--train", type=count, metavar="STEPS", help="train on the best of each generation"
    )
    search.add_argument("--train-best", type=count, default=1, help="how many (default 1)")


def _search(options: argparse.Namespace) -> int:
    from carruntime.generate.errors import WaitingForAnswersError
    from carruntime.generate.files import write_whole
    from carruntime.generate.leaderboard import page, table
    from carruntime.generate.runner import open_run
    from carruntime.generate.search import Search, SearchSettings, trainer_for

    prices = prices_of(options)
    settings = settings_of(options)
    wanted = SearchSettings(
        generations=options.generations,
        width=options.candidates,
        survivors=options.survivors,
        trained=options.train_best,
    )
    model = model_of(options)

    tell = teller(options)
    with workshop_of(options) as workshop:
        trainer = None if options.train is None else trainer_for(workshop, options.train)
        recorded = open_run(options.out, model, {"what": "search", "env_id": options.env})
        recorded.usage.prices = prices
        generation = workshop.generation(settings, recorded, tell)
        search = Search(generation, wanted, options.out, trainer=trainer)

        def after(number: int) -> None:
            tell(f"generation {number}: best {search.candidates[0].id}")
            facts = {
                "environment": options.env,
                "asked": model.name,
                "origin": ", ".join(sorted({item.origin for _, item in recorded.asked.values()})),
                "generations": f"{number} of {options.generations}",
                "task": generation.task,
            }
            html = page(search.candidates, title=f"Programs for {options.env}", facts=facts)
            write_whole(options.out / "leaderboard.html", html, "the leaderboard")

        try:
            bundle = search.run(after)
        except WaitingForAnswersError as error:
            return print_waiting(options, error)
    path = save_end(options, bundle)
    if options.json:
        print_json(
            {
                "bundle": str(path),
                "end": bundle.end,
                "leaderboard": [item.to_json() for item in search.candidates],
            }
        )
    else:
        print(table(search.candidates))
        if "authored" in bundle.origins:
            print("origin: authored: these answers were written with carruntime, not by a model")
        print(f"leaderboard: {options.out / 'leaderboard.html'}")
        print(f"{bundle.end}: {path}")
    return GOOD if bundle.end == "accepted" else BAD

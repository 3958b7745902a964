"""An interpreted runner that is made when it is first needed.

A program whose machine code was kept from an earlier run needs the interpreted tier only for rows
that outgrow the kernel, and most have none. Making it takes longer than loading the code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.tiers.base import Failure, Inputs, Outputs, Tier

if TYPE_CHECKING:
    from sandbox.tiers.interpreted import InterpretedRunner

__all__ = ["LateRunner"]


class LateRunner:
    """Stands for an interpreted runner and remembers what it will have to be told."""

    def __init__(self, make: Callable[[], InterpretedRunner]) -> None:
        """Take what makes the runner; it runs the program's top level."""
        self._make = make
        self._made: InterpretedRunner | None = None
        self._components: tuple[str, ...] = ()
        self._bound: tuple[int, Inputs, Outputs] | None = None

    def _runner(self) -> InterpretedRunner:
        if self._made is None:
            made = self._make()
            made.use_components(self._components)
            if self._bound is not None:
                made.bind(*self._bound)
            self._made = made
        return self._made

    @property
    def tier(self) -> Tier:
        """Which tier this is."""
        return "interpreted"

    @property
    def component_names(self) -> tuple[str, ...]:
        """Names of the components."""
        return self._components

    @property
    def failures(self) -> list[Failure]:
        """Distinct failures so far."""
        return [] if self._made is None else self._made.failures

    def use_components(self, names: tuple[str, ...]) -> None:
        """Fix the components."""
        self._components = names
        if self._made is not None:
            self._made.use_components(names)

    def bind(self, num_rows: int, inputs: Inputs, outputs: Outputs) -> None:
        """Take the arrays of all later calls and forget every row's state."""
        self._bound = (num_rows, inputs, outputs)
        if self._made is not None:
            self._made.bind(num_rows, inputs, outputs)

    def reset(self) -> None:
        """Start a new episode on the pending rows."""
        self._runner().reset()

    def step(self) -> None:
        """Run the pending rows."""
        self._runner().step()

    def adopt(self, row: int, instance: object) -> None:
        """Let an instance be the state of a row."""
        self._runner().adopt(row, instance)

    def class_named(self, name: str) -> Any:
        """Give a class or function of the program's top level."""
        return self._runner().class_named(name)

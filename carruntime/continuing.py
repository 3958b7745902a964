"""Going on elsewhere: the state of a session as plain data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from numpy.typing import NDArray

from carruntime.errors import OptionError
from carruntime.running import Running

__all__ = ["Continuing"]

_STATE_VERSION: Final = 1
_KEPT: Final = ("t", "begun", "completed", "last")
"""Arrays of one entry for each environment."""
_WHOLE: Final = ("steps", "counts", "first", "frames", "history")
"""What else there is in a state."""


class Continuing(Running):
    """The part of `carruntime.session.RewardSession` that is stored and taken up again."""

    def state_dict(self) -> dict[str, Any]:
        """Give everything that another session needs to go on where this one stands.

        Of a class no object is stored, but what it has seen since its reset: the session must
        have been started with ``record_episodes=True``.

        Returns:
            Plain data: numbers, arrays, dicts and lists of these.

        Raises:
            OptionError: If the program is a class and its episodes were not recorded.
            SessionClosedError: If the session is closed.
        """
        self._open("state_dict")
        if self._stateful and self._history is None:
            raise OptionError(
                "RewardSession.state_dict: the program is a class, and what it saw was not kept; "
                "start the session with record_episodes=True"
            )
        return {
            "version": _STATE_VERSION,
            "digest": self.program.digest,
            "num_envs": self.num_envs,
            **{name: getattr(self, f"_{name}").copy() for name in _KEPT},
            "steps": self._steps,
            "counts": self._counts.state_dict(),
            "first": {
                name: column.copy()
                for name, column in self._columns.items()
                if name.split("/")[0].split("#")[0] == "initial_obs"
            },
            "frames": {} if self._frames is None else self._frames.state(),
            "history": [
                {"call": one.call, "rows": one.rows.copy(), "columns": dict(one.columns)}
                for one in self._history or ()
            ],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another session of the same program stood.

        A class sees again what its instances saw, which takes as long as the longest of the
        episodes that were running.

        Args:
            state: What `state_dict` gave.

        Raises:
            OptionError: If it is of another program, another number of environments or another
                release; nothing has changed then.
            SessionClosedError: If the session is closed.
        """
        guest = self._open("load_state_dict")
        if not isinstance(state, Mapping):
            raise OptionError(
                f"RewardSession.load_state_dict: state is a {type(state).__name__}; want what "
                "state_dict() gave"
            )
        mine = {"version": _STATE_VERSION, "digest": self.program.digest, "num_envs": self.num_envs}
        wrong = [
            f"{name} {state.get(name)!r} is not {value!r}"
            for name, value in mine.items()
            if state.get(name) != value
        ]
        missing = [name for name in (*_KEPT, *_WHOLE) if name not in state]
        if missing:
            wrong.append(f"{', '.join(sorted(missing))} missing")
        if self._stateful and self._history is None:
            wrong.append("this session was not started with record_episodes=True")
        if wrong:
            raise OptionError(
                f"RewardSession.load_state_dict: {'; '.join(wrong)}; want the state of a session "
                "of the same program with as many environments"
            )
        if self._history is not None:
            self._history.clear()
            for moment in state["history"]:
                self._show(moment["columns"])
                rows = moment["rows"]
                self._history.add(moment["call"], rows, self._columns)
                if moment["call"] == "reset":
                    self._unblock(rows)
                    self._mark(rows)
                    self._dispatch(guest.reset)
                    self._after_reset(guest, rows)
                else:
                    self._run(guest, rows)
        self._show(state["first"])
        if self._frames is not None:
            self._frames.load(state["frames"])
        for name in _KEPT:
            getattr(self, f"_{name}")[...] = state[name]
        self._steps = int(state["steps"])
        self._counts.load_state_dict(state["counts"])
        self._all_begun = bool(self._begun.all())
        self._settle()

    def _show(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Write columns as they are; writers must not believe to know what is in them."""
        for name, column in columns.items():
            self._columns[name][...] = column
        for writer in (*self._writers.values(), *self._first):
            writer.forget()

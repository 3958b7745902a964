"""What is called, on which inputs: the part of a program that the host decides.

The worker reads a source and gives its `Outline` (names, parameters and places, nothing that
runs). The host, which knows what the inputs mean, answers with a `Plan`. So the sandbox needs no
idea of rewards, and the host never reads the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sandbox.diagnostics import Span
from sandbox.schema import Schema, Spec

__all__ = [
    "Call",
    "ClassOutline",
    "Form",
    "FunctionOutline",
    "Normal",
    "Outline",
    "Param",
    "ParamOutline",
    "Plan",
]

Form = Literal["function", "tasks", "class", "tasks+function", "tasks+class"]


@dataclass(frozen=True, slots=True)
class ParamOutline:
    """One parameter as written. ``self`` is left out.

    Attributes:
        reads: The only keys that the program can read of the argument (none: it is never looked
            at); None where it can read anything.
        is_path: Whether it reaches `cv2.imread`, so that it stands for a picture.
    """

    name: str
    has_default: bool
    kind: Literal["plain", "keyword", "varargs", "varkw", "positional"]
    span: Span
    reads: tuple[str, ...] | None = None
    is_path: bool = False


@dataclass(frozen=True, slots=True)
class FunctionOutline:
    """One function or method as written."""

    name: str
    params: tuple[ParamOutline, ...]
    span: Span
    """Place of the name in the ``def`` line."""
    returns_dict: bool = False
    is_used: bool = False
    """Whether something else in the program names it, so that it is rather a helper."""


@dataclass(frozen=True, slots=True)
class ClassOutline:
    """One class with the methods that it has: its own, and those it inherits in the program.

    Attributes:
        required: Arguments of ``__init__`` (or dataclass fields) that have no default.
        is_data: Whether the class is an enum, a NamedTuple, an exception or another kind that
            is never an entry.
        bases: Classes of the program that it derives from, directly or not.
    """

    name: str
    methods: tuple[FunctionOutline, ...]
    required: tuple[str, ...]
    span: Span
    is_data: bool = False
    bases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outline:
    """The top level of a source.

    Attributes:
        tasks: Names in ``TASKS = [...]`` in order; None where there is no such list.
        tasks_span: Place of what is assigned to ``TASKS``, whether a list of names or not.
    """

    functions: tuple[FunctionOutline, ...]
    classes: tuple[ClassOutline, ...]
    tasks: tuple[str, ...] | None = None
    tasks_span: Span | None = None


@dataclass(frozen=True, slots=True)
class Normal:
    """What makes a source the program it is, as digests; see `sandbox.normal`.

    Attributes:
        digest: SHA-256 in hex over the tree without doc strings and annotations.
        names: Each name that the top level defines, with a digest of how it is defined.
    """

    digest: str
    names: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter and the input it is bound to.

    Attributes:
        name: Its name in the program.
        slot: Name of the input.
        path: Keys and positions below the slot.
        view: How a picture is handed over: as it is (empty), with its channels reversed, or as a
            token that `cv2.imread` reads.
    """

    name: str
    slot: str
    path: tuple[str | int, ...] = ()
    view: Literal["", "bgr", "token"] = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One function or method to call on a row; parameters are passed by position in order."""

    function: str
    params: tuple[Param, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All calls of one row.

    Attributes:
        schema: Only the slots that some call reads.
        reward: The paying top-level function, or None.
        tasks: Predicates in order; each is run even if another fails.
        class_name: The class with per-row state, or None. On reset a new instance is made
            without arguments and ``reset`` is called if given; ``step`` pays.
        step: Method of ``class_name`` (``self`` left out of the parameters).
        reset: Method of ``class_name`` run after construction, or None. Its parameters are bound
            to slots too (the first observation is slot ``initial_obs``).
        first: The paying method once more, run when an episode begins, after ``reset``, with what
            there is then; what it answers is dropped. None for programs that begin with a step.
    """

    schema: Schema
    reward: Call | None = None
    tasks: tuple[Call, ...] = ()
    class_name: str | None = None
    step: Call | None = None
    reset: Call | None = None
    first: Call | None = None

    @property
    def form(self) -> Form:
        """Which of the known forms this is."""
        if self.class_name is not None:
            return "tasks+class" if self.tasks else "class"
        if self.reward is not None:
            return "tasks+function" if self.tasks else "function"
        return "tasks"

    @property
    def stateful(self) -> bool:
        """Whether rows keep anything between steps."""
        return self.class_name is not None

    def spec(self, param: Param) -> Spec:
        """Give the tree or leaf that a parameter is bound to."""
        return self.schema.resolve(param.slot, param.path)

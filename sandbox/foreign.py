"""Programs written for another system: one finding that names the rewrite, not one for each line.

Reward-search systems hand their programs other things than this runtime does. Those after Eureka
take tensors of all environments at once and use ``torch``; those after Text2Reward are methods
that reach into the simulator through ``self``, and DrEureka's through ``self.env``. Judged line by
line such a program has dozens of findings, and none of them says what to do. This pass recognises
the two kinds by their names alone, makes one finding for each, and takes back those that only
repeat it. It never takes back all of what was said of a program: what replaces findings is an error
itself, so nothing gets in this way.
"""

# ruff: noqa: SIM905 - word lists read as words
from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sandbox.diagnostics import Finding, Span
from sandbox.dialect import BUILTINS, MODULES
from sandbox.parse import Places
from sandbox.rules import RULES
from sandbox.scopes import arguments_of
from sandbox.trees import walk

__all__ = ["FOREIGN", "in_place_of"]

FOREIGN: Final = frozenset({"SBX640", "SBX641"})
"""Rules of programs that have to be written anew."""

_TENSOR_MODULES: Final = frozenset("torch torch_utils isaacgym isaacgymenvs isaaclab omni".split())
_TENSOR_NAMES: Final = frozenset({"torch", "Tensor", "torch_utils"})
_HOSTS: Final = frozenset("env environment sim simulator physics".split())
_SHOWN: Final = 4
_MOST_READS: Final = 100

_REPEATS_TENSORS: Final = frozenset(
    f"SBX{number}" for number in (203, 213, 302, 303, 306, 307, 401, 402, 403, 404, 407, 628)
)
_REPEATS_HOST: Final = frozenset(f"SBX{number}" for number in (301, 302, 304, 309, 401, 402, 404))
_UNDEFINED: Final = frozenset({"SBX304", "SBX309"})

_AS_NUMPY: Final = {
    "norm": "np.linalg.norm",
    "clamp": "np.clip",
    "clip": "np.clip",
    "cat": "np.concatenate",
    "tensor": "np.array",
    "as_tensor": "np.asarray",
    "Tensor": "np.ndarray",
    "acos": "np.arccos",
    "asin": "np.arcsin",
    "atan": "np.arctan",
    "atan2": "np.arctan2",
    "pow": "np.power",
    "relu": "np.maximum(x, 0)",
    "sigmoid": "1 / (1 + np.exp(-x))",
    "bmm": "np.matmul",
}


def in_place_of(
    findings: Iterable[Finding], tree: ast.Module, places: Places
) -> tuple[Finding, ...]:
    """Put one finding in the place of those that a program for another system brings.

    Args:
        findings: What was said of the tree.
        tree: As parsed.
        places: Of its source.

    Returns:
        The findings as they are, or those left with the ones that stand for the others.
    """
    kept = tuple(findings)
    hosts = list(_hosts(tree, places))
    tensors = _tensors(tree, places, hosts)
    if tensors is not None:
        kept = (*(item for item in kept if not tensors.repeats(item)), tensors.finding)
    for host in hosts:
        if tensors is not None and host.is_within(tensors.regions):
            kept = tuple(item for item in kept if not host.repeats(item))
            continue
        # A parameter called `env` can be an observation; only what is refused shows what it is.
        if host.certain or any(host.repeats(item) for item in kept):
            kept = (*(item for item in kept if not host.repeats(item)), host.finding)
    return kept


@dataclass(frozen=True, slots=True)
class _Stands:
    """A finding and what it stands for.

    Attributes:
        finding: The one that is made.
        rules: Those that it can stand for.
        spans: Where they are; None for all of ``regions``.
        regions: First and last lines of functions.
        lines: Single lines, as those of imports.
        names: Undefined names that belong to it.
        certain: Whether it holds without anything to stand for.
        reads: What is read through a simulator.
    """

    finding: Finding
    rules: frozenset[str]
    spans: frozenset[Span] | None = None
    regions: tuple[tuple[int, int], ...] = ()
    lines: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()
    certain: bool = True
    reads: tuple[str, ...] = ()

    def is_within(self, regions: Iterable[tuple[int, int]]) -> bool:
        """Whether the finding is about one of some functions."""
        span = self.finding.span
        return span is not None and any(low <= span.line <= high for low, high in regions)

    def repeats(self, item: Finding) -> bool:
        """Whether a finding says again what this one says."""
        if item.span is None:
            return False
        if self.spans is not None:
            # What leads into the interpreter is said as it is, wherever it stands.
            return item.rule in self.rules and item.span in self.spans and "`__" not in item.message
        if item.rule in _UNDEFINED and "*" not in self.names:
            return any(f"`{name}`" in item.message for name in self.names)
        if item.rule not in self.rules and item.rule not in _UNDEFINED:
            return False
        line = item.span.line
        return line in self.lines or any(low <= line <= high for low, high in self.regions)


# --- tensors ------------------------------------------------------------------------------------


def _tensors(tree: ast.Module, places: Places, hosts: list[_Stands]) -> _Stands | None:
    """Recognise a program that works on tensors, by what it calls and how it is annotated."""
    bound, lines = _tensor_imports(tree)
    names = bound | _TENSOR_NAMES
    users: list[ast.FunctionDef] = []
    used: dict[str, None] = {}
    by_dim = False
    for node in walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        shown = list(_tensor_uses(node, names))
        if shown:
            users.append(node)
            used.update(dict.fromkeys(shown))
            by_dim = by_dim or any(
                isinstance(item, ast.keyword) and item.arg == "dim" for item in walk(node)
            )
    if not users:
        return None
    named = [node for node in users if "reward" in node.name.lower()]
    entry = (named or users)[-1]
    regions = tuple((_first_line(node), node.end_lineno or node.lineno) for node in users)
    read = dict.fromkeys(path for host in hosts if host.is_within(regions) for path in host.reads)
    return _Stands(
        RULES["SBX640"].finding(
            places.name_span(entry),
            name=entry.name,
            what=_some(used) + (f", and reads {_some(read)}" if read else ""),
            advice=_as_numpy(used, by_dim=by_dim),
        ),
        _REPEATS_TENSORS,
        regions=regions,
        lines=frozenset(lines),
        names=frozenset(names),
    )


def _first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(item.lineno for item in node.decorator_list)])


def _tensor_imports(tree: ast.Module) -> tuple[set[str], set[int]]:
    """Give the names that imports of tensor libraries bind, and the lines of these imports."""
    names: set[str] = set()
    lines: set[int] = set()
    for node in walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.split(".")[0]
                if root in _TENSOR_MODULES:
                    names.add(alias.asname or root)
                    lines.add(node.lineno)
        elif isinstance(node, ast.ImportFrom):
            root = (node.module or "").split(".")[0]
            if root in _TENSOR_MODULES:
                names.update(alias.asname or alias.name for alias in node.names)
                lines.add(node.lineno)
    return names, lines


def _tensor_uses(node: ast.FunctionDef, names: set[str]) -> Iterator[str]:
    """Give what a function uses of tensors as it is written, ``torch.norm``, in source order."""
    own = {arg.arg for arg in arguments_of(node.args)}
    bare = names - own - {"torch"}
    inner: set[ast.AST] = set()
    for item in walk(node):
        if isinstance(item, ast.Attribute) and item not in inner:
            chain = _chain(item)
            if chain and chain[0] in names and chain[0] not in own:
                part: ast.expr = item
                while isinstance(part, ast.Attribute):
                    part = part.value
                    inner.add(part)
                yield ".".join(chain)
        elif isinstance(item, ast.Name) and item.id in bare and item not in inner:
            yield item.id


def _as_numpy(used: Iterable[str], *, by_dim: bool) -> str:
    """Say what to write for the functions used, as far as NumPy has the same."""
    pairs: dict[str, str] = {}
    for path in used:
        name = path.rpartition(".")[2]
        known = _AS_NUMPY.get(name)
        if known is None and name in MODULES["numpy"]:
            known = f"np.{name}"
        if known is not None:
            pairs.setdefault(path, known)
    parts = [f"`{path}` is `{known}`" for path, known in list(pairs.items())[:6]]
    if by_dim:
        parts.append("`dim=` is `axis=` and mostly not needed")
    parts.append("return `total, {name: part}`")
    return ", ".join(parts)


# --- simulators ---------------------------------------------------------------------------------


def _hosts(tree: ast.Module, places: Places) -> Iterator[_Stands]:
    """Recognise functions that reach into a simulator, each by what it reads through it."""
    defined = frozenset(
        {item.name for item in tree.body if isinstance(item, ast.FunctionDef | ast.ClassDef)}
        | {item.id for item in walk(tree) if isinstance(item, ast.Name) and _is_store(item)}
        | {*BUILTINS}
    )
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        for item in inner:
            if isinstance(item, ast.FunctionDef):
                host = _Host(item, places, defined, method=item is not node)
                if host.reads:
                    yield host.stands()


class _Host:
    """What one function reads through an object that is the simulator."""

    def __init__(
        self, node: ast.FunctionDef, places: Places, defined: frozenset[str], *, method: bool
    ) -> None:
        self.node = node
        self.defined = defined
        self.places = places
        params = [arg.arg for arg in arguments_of(node.args)]
        own = params[0] if params and params[0] in ("self", "cls") else ""
        self.own = own if method else ""
        self.through: dict[str, str] = {name: name for name in params if name in _HOSTS}
        self.certain = bool(own) and not method
        if self.certain:
            self.through[own] = own
        self.reads: dict[str, None] = {}
        self.spans: set[Span] = set()
        self.parameter = ""
        for item in walk(node):
            self.note(item)

    def note(self, item: ast.AST) -> None:
        """Follow the simulator through names, and note what is read of it."""
        if isinstance(item, ast.Assign):
            if self.root(item.value):
                for target in item.targets:
                    if isinstance(target, ast.Name):
                        self.through.setdefault(target.id, self.root(item.value))
        elif isinstance(item, ast.For):
            if self.root(item.iter) and isinstance(item.target, ast.Name):
                self.through.setdefault(item.target.id, self.root(item.iter))
        elif isinstance(item, ast.Attribute):
            root = self.root(item.value)
            if root:
                self.spans.add(self.places.attribute(item))
                self.parameter = self.parameter or root
                self.note_read(".".join(_chain(item)), root)
        elif isinstance(item, ast.Call):
            given = [*item.args, *(keyword.value for keyword in item.keywords)]
            root = self.root(item.func)
            if root:
                self.spans.add(self.places.at(item))
                self.spans.update(self.places.at(keyword) for keyword in item.keywords)
            elif isinstance(item.func, ast.Name) and item.func.id not in self.defined:
                handed = [part.id for part in given if isinstance(part, ast.Name)]
                through = next((self.through[name] for name in handed if name in self.through), "")
                if through:
                    self.spans.add(self.places.at(item.func))
                    self.parameter = self.parameter or through
                    if len(self.reads) < _MOST_READS:
                        self.reads[f"{item.func.id}({through})"] = None

    def note_read(self, path: str, root: str) -> None:
        """Add a path such as ``self.robot.pose`` to what is shown."""
        # `self.robot` is said by `self.robot.pose`, which comes before it.
        said = any(other.startswith(f"{path}.") for other in self.reads)
        first = path.partition(".")[0]
        plain = (path.startswith(f"{root}.") or first in _HOSTS) and "__" not in path
        if plain and not said and len(self.reads) < _MOST_READS:
            self.reads[path] = None

    def root(self, node: ast.expr) -> str:
        """Give the simulator's name if an expression reads through it, "" otherwise."""
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == self.own
                and node.attr.lstrip("_") in _HOSTS
            ):
                return f"{self.own}.{node.attr}"
            node = node.func if isinstance(node, ast.Call) else node.value
        return self.through.get(node.id, "") if isinstance(node, ast.Name) else ""

    def stands(self) -> _Stands:
        """Give the one finding."""
        return _Stands(
            RULES["SBX641"].finding(
                self.places.name_span(self.node),
                name=self.node.name,
                what=_some(self.reads),
                parameter=self.parameter,
            ),
            _REPEATS_HOST,
            spans=frozenset(self.spans),
            certain=self.certain,
            reads=tuple(self.reads),
        )


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _chain(node: ast.expr) -> list[str]:
    """Give ``["torch", "jit", "script"]`` for ``torch.jit.script``; empty for other things."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else []


def _some(names: Iterable[str]) -> str:
    """Give the first names for a sentence."""
    every = list(names)
    shown = ", ".join(f"`{name}`" for name in every[:_SHOWN])
    return shown if len(every) <= _SHOWN else f"{shown} and {len(every) - _SHOWN} more"

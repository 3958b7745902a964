"""Tree to tree: fuel and guards, the only place where a guest's code is rewritten.

Takes the validated tree and gives one that can be compiled and run with the names of
`sandbox.predeclared`. It is a `RestrictingNodeTransformer`, so a node that neither this module nor
RestrictedPython knows is refused, whatever the validator said: two gates with two authors. Where
RestrictedPython refuses what natural programs write (names that begin with an underscore,
``self.x += 1``, annotations, ``nonlocal``, ``match`` on values), the methods here take over.

Guards have names that no source can spell (``$Add``), so nothing a guest binds can shadow them.
A guard is left out where the source itself shows that it could not matter: ``x + 1.0`` cannot
grow, ``image[0, 3]`` cannot allocate, a method that only the program's own classes have leads
nowhere. That keeps most of a natural program as CPython would run it.
"""

# ruff: noqa: N802, N815 - methods of a visitor are named after the nodes they visit
from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from RestrictedPython.transformer import RestrictingNodeTransformer

from sandbox.classes import is_setter, is_slots, is_typed_dict, special_methods
from sandbox.dialect import BUILTINS, CLASS_METHODS, FUNCTION_MEMBERS, METHODS, MODULES
from sandbox.guards import GUEST_MODULE
from sandbox.kinds import Kinds
from sandbox.predeclared.methods import is_direct

__all__ = ["InstrumentError", "Instrumented", "instrument"]


class InstrumentError(Exception):
    """The second gate refuses what the first let through.

    Attributes:
        problems: Nodes with what is wrong, in source order.
    """

    def __init__(self, problems: list[tuple[ast.AST, str]]) -> None:
        super().__init__("; ".join(text for _, text in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Instrumented:
    """A tree that is ready to compile.

    Attributes:
        names: The ``$`` names and built-ins that its globals must have.
        writes: Whether anything is ever written into an array or container, so that the
            arguments of one call must be private to it.
    """

    tree: ast.Module
    names: frozenset[str]
    writes: bool


def instrument(tree: ast.Module) -> Instrumented:
    """Rewrite a validated tree; the given one stays as it is.

    Raises:
        InstrumentError: If it holds what must not run.
    """
    made = copy.deepcopy(tree)
    program = _Program(made)
    transformer = _Transformer(program)
    result = transformer.visit(made)
    problems = transformer.problems
    if problems or not isinstance(result, ast.Module):
        raise InstrumentError(problems or [(tree, "nothing is left of the program")])
    ast.fix_missing_locations(result)
    return Instrumented(result, frozenset(transformer.names), program.writes)


_MUTATING: Final = frozenset(
    {
        *("append", "extend", "insert", "pop", "remove", "clear", "reverse", "sort", "update"),
        *("setdefault", "popitem", "move_to_end", "subtract", "add", "discard", "appendleft"),
        *("popleft", "extendleft", "rotate", "fill", "partition"),
    }
)
_WRITING_FUNCTIONS: Final = frozenset(
    name
    for table in MODULES.values()
    for name, entry in table.items()
    if entry.reason.startswith("writes")
)
_LENGTHENING: Final = frozenset({"append", "extend", "insert"})
_HASHING: Final = frozenset({"get", "setdefault", "pop", "add", "discard", "remove", "move_to_end"})
"""Methods of dicts and sets that hash their first argument."""


class _Program:
    """What the whole program says about its names."""

    def __init__(self, tree: ast.Module) -> None:
        self.bound: dict[str, int] = {}
        self.imports: dict[str, set[str]] = {}
        self.import_counts: dict[str, int] = {}
        self.attributes: set[str] = set()
        self.constants: dict[str, ast.expr] = {}
        self.writes = False
        self.lengthens = False
        self.questions: set[ast.expr] = set()
        self.classes = {item.name: item for item in tree.body if isinstance(item, ast.ClassDef)}
        for node in ast.walk(tree):
            self._look(node)
        for item in tree.body:
            if isinstance(item, ast.Assign) and len(item.targets) == 1:
                target = item.targets[0]
                if isinstance(target, ast.Name):
                    self._constant(target.id, item.value)
                elif isinstance(target, ast.Tuple) and isinstance(item.value, ast.Tuple):
                    for name, value in zip(target.elts, item.value.elts, strict=False):
                        if isinstance(name, ast.Name):
                            self._constant(name.id, value)

    def _constant(self, name: str, value: ast.expr) -> None:
        if self.bound.get(name) == 1 and isinstance(value, ast.Constant | ast.UnaryOp):
            self.constants[name] = value

    def _bind(self, name: str | None) -> None:
        if name is not None:
            self.bound[name] = self.bound.get(name, 0) + 1

    def _ask(self, node: ast.expr) -> None:
        """Note comparisons of which only the truth is asked: an array larger than 1 has none."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Compare):
                self.questions.add(node)
            elif isinstance(node, ast.BoolOp):
                waiting += node.values
            elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
                waiting.append(node.operand)

    def _look(self, node: ast.AST) -> None:
        if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            self._ask(node.test)
        elif isinstance(node, ast.comprehension):
            for test in node.ifs:
                self._ask(test)
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                self._bind(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            self._bind(node.name)
            if isinstance(node, ast.ClassDef):
                self.attributes.update(_class_names(node))
        elif isinstance(node, ast.arg):
            self._bind(node.arg)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            self._bind(node.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name if alias.asname else alias.name.partition(".")[0]
                self._import(alias.asname or top, top)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self._import(alias.asname or alias.name, f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Attribute):
            if not isinstance(node.ctx, ast.Load):
                self.attributes.add(node.attr)
            elif node.attr in _MUTATING or node.attr.endswith("_update"):
                self.writes = True
                self.lengthens |= node.attr in _LENGTHENING
        elif isinstance(node, ast.Subscript):
            self.writes |= not isinstance(node.ctx, ast.Load)
            if isinstance(node.ctx, ast.Store) and isinstance(node.slice, ast.Slice):
                self.lengthens = True
        elif isinstance(node, ast.AugAssign):
            # An array or a list is changed in place.
            self.writes = True
            self.lengthens |= isinstance(node.op, ast.Add | ast.Mult)
        elif isinstance(node, ast.Call):
            self.attributes.update(_field_words(node))
            # np.nan_to_num(x, copy=False) writes into x.
            self.writes |= any(keyword.arg in ("copy", None) for keyword in node.keywords)
            called = _last_name(node.func)
            self.writes |= called in _WRITING_FUNCTIONS
            self.writes |= called == "nan_to_num" and len(node.args) > 1

    def _import(self, name: str, path: str) -> None:
        self._bind(name)
        self.import_counts[name] = self.import_counts.get(name, 0) + 1
        self.imports.setdefault(name, set()).add(path)

    def path_of(self, name: str) -> str | None:
        """Give what a name stands for if it only ever stands for one import."""
        paths = self.imports.get(name)
        if paths is None or len(paths) != 1:
            return None
        (path,) = paths
        binders = self.bound[name]
        return path if binders == self.import_counts[name] else None

    def dotted(self, node: ast.expr) -> str | None:
        """Give the module member that an expression names, as ``"numpy.linalg.norm"``."""
        if isinstance(node, ast.Name):
            return self.path_of(node.id)
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value)
            if base is None:
                return None
            module, _, member = base.rpartition(".")
            entry = MODULES.get(module, {}).get(member)
            # A constant is a value like any other: `string.digits.index("7")`.
            return None if entry is not None and entry.kind == "constant" else f"{base}.{node.attr}"
        return None


def _class_names(node: ast.ClassDef) -> Iterator[str]:
    for item in ast.walk(node):
        if isinstance(item, ast.FunctionDef):
            yield item.name
        elif isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
            yield item.id


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _field_words(node: ast.Call) -> Iterator[str]:
    if _last_name(node.func) == "SimpleNamespace":
        yield from (item.arg for item in node.keywords if item.arg is not None)
    if _last_name(node.func) == "namedtuple":
        for argument in node.args[1:]:
            for item in ast.walk(argument):
                if isinstance(item, ast.Constant) and isinstance(item.value, str):
                    yield from item.value.replace(",", " ").split()


_ONE_OR_MORE: Final = frozenset({"max", "min"})
_OVER_COMPREHENSION: Final = frozenset(
    {"any", "all", "sum", "min", "max", "list", "tuple", "sorted"}
)
_COMPARING: Final = frozenset({"sum", "min", "max", "sorted"})
_MADE: Final = frozenset({"int", "str", "list", "tuple", "dict", "set", "frozenset"})
"""Types that are called without the view that stands for them elsewhere."""
_REAL_ALWAYS: Final = frozenset({"float", "bool", "len"})
_REAL_TYPES: Final = frozenset({"int", "float", "bool", "str", "list", "tuple", "dict", "set"})


class _Transformer(RestrictingNodeTransformer):
    def __init__(self, program: _Program) -> None:
        super().__init__()
        self.program = program
        self.problems: list[tuple[ast.AST, str]] = []
        self.names: set[str] = set()
        self._kinds = Kinds(program.dotted, self._is_builtin, program.constants)
        self._functions: list[ast.AST] = []
        self._selves: list[str | None] = []
        self._stores_self: list[bool] = []
        self._fresh: list[dict[str, str]] = [{}]
        self._special: list[frozenset[str]] = []
        self._temporaries = 0

    # --- helpers ----------------------------------------------------------------------------

    def error(self, node: ast.AST, info: str) -> None:
        self.problems.append((node, info))

    def _name(self, name: str, at: ast.AST) -> ast.Name:
        self.names.add(name)
        return ast.copy_location(ast.Name(name, ast.Load()), at)

    def _guard(self, name: str, at: ast.AST, *args: ast.expr) -> ast.Call:
        return ast.copy_location(ast.Call(self._name(name, at), list(args), []), at)

    def _unless_number(self, guard: str, value: ast.expr) -> ast.expr:
        """Call a guard that gives back what it got; of a name, only if it holds no number.

        The test in line costs half of the call.
        """
        call = self._guard(guard, value, value)
        if not isinstance(value, ast.Name):
            return call
        again = ast.Attribute(_copies(value)(), "__class__", ast.Load())
        test = ast.Compare(again, [ast.In()], [self._name("$numbers", value)])
        made = ast.copy_location(ast.IfExp(test, _copies(value)(), call), value)
        return ast.fix_missing_locations(made)

    def _is_builtin(self, name: str) -> bool:
        return name not in self.program.bound and name in BUILTINS

    def _in_class(self) -> bool:
        return bool(self._functions) and isinstance(self._functions[-1], ast.ClassDef)

    def _visited(self, node: Any) -> Any:
        return self.visit(node)

    def check_name(self, node: Any, name: str | None, allow_magic_methods: bool = False) -> None:
        if name is None:
            return
        magic = name.startswith("__") and name.endswith("__")
        if magic and not (allow_magic_methods and name in CLASS_METHODS):
            self.error(node, f"the name {name!r} belongs to the interpreter")
        elif "$" in name:
            self.error(node, f"the name {name!r} belongs to the runtime")

    # --- names and attributes ---------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id == "__name__" and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Constant(GUEST_MODULE), node)
        self.check_name(node, node.id)
        if not isinstance(node.ctx, ast.Load):
            return node
        path = self.program.path_of(node.id)
        if path is not None:
            return self._member(path, node)
        if node.id not in self.program.bound:
            if node.id not in BUILTINS or node.id in ("hasattr", "getattr", "super"):
                self.error(node, f"the name {node.id!r} is not defined")
                return node
            self.names.add(node.id)
        return node

    def _member(self, path: str, node: ast.expr) -> ast.expr:
        if path in MODULES:
            return self._name(f"$module {path}", node)
        module, _, member = path.rpartition(".")
        if member in FUNCTION_MEMBERS.get(module, {}):
            return self._name(f"$view {path}", node)
        if module in MODULES and member in MODULES[module]:
            if MODULES[module][member].kind == "module":
                return self._name(f"$module {path}", node)
            return self._name(f"$view {path}", node)
        parent, _, ufunc = module.rpartition(".")
        if (
            parent == "numpy"
            and member in METHODS["ufunc"]
            and ufunc in MODULES["numpy"]
            and MODULES["numpy"][ufunc].kind == "ufunc"
        ):
            return self._name(f"$view {path}", node)
        self.error(node, f"`{path}` is not part of the dialect")
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        name = node.attr
        if isinstance(node.value, ast.Call) and self._is_super(node.value):
            return self._inherited(node, node.value)
        named = self._named_type(node)
        if named is not None:
            return self._guard("$typename", node, self._visited(named))
        self.check_name(node, name)
        path = self._function_member(node) or self.program.dotted(node)
        if path is not None:
            if not isinstance(node.ctx, ast.Load):
                self.error(node, f"`{path}` cannot be set")
                return node
            return self._member(path, node)
        if not isinstance(node.ctx, ast.Load):
            node.value = self._owner(node.value)
            return node
        if not self._known(name):
            self.error(node, f"attribute `{name}` is not readable")
            return node
        direct = is_direct(name) and not self._maybe_module(node.value)
        value = self._visited(node.value)
        if direct:
            node.value = value
            return node
        return self._guard(f"$read {name}", node, value)

    def _maybe_module(self, value: ast.expr) -> bool:
        """Whether a name is bound by an import and in another way too."""
        return isinstance(value, ast.Name) and value.id in self.program.imports

    def _known(self, name: str) -> bool:
        if name in self.program.attributes:
            return True
        if any(name in table for table in METHODS.values()):
            return True
        return any(name in table for table in MODULES.values())

    def _owner(self, value: ast.expr) -> ast.expr:
        """Guard what an attribute is set on; `self` is checked once, where the method starts."""
        if isinstance(value, ast.Name) and self._selves and self._selves[-1] == value.id:
            self._stores_self[-1] = True
            return value
        visited: ast.expr = self._visited(value)
        return self._guard("$own", value, visited)

    # --- calls ------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> ast.expr:
        func = node.func
        if isinstance(func, ast.Name) and self._is_builtin(func.id):
            return self._builtin_call(node, func.id)
        if isinstance(func, ast.Attribute) and not (
            isinstance(func.value, ast.Call) and self._is_super(func.value)
        ):
            if func.attr == "__init__":
                node.func = self._guard("$initial", func, self._visited(func.value))
                return self._arguments(node)
            if self.program.dotted(func) is None and self._function_member(func) is None:
                return self._method_call(node, func)
        node.func = self._visited(func)
        return self._arguments(node)

    def _arguments(self, node: ast.Call) -> ast.Call:
        node.args = [self._argument(arg) for arg in node.args]
        for keyword in node.keywords:
            value = self._visited(keyword.value)
            if keyword.arg is None:
                value = self._guard("$merged", keyword.value, value)
            keyword.value = value
        return node

    def _argument(self, arg: ast.expr) -> ast.expr:
        return self._visited(arg)  # type: ignore[no-any-return]

    def visit_Starred(self, node: ast.Starred) -> ast.expr:
        value = self._visited(node.value)
        if isinstance(node.ctx, ast.Load):
            value = self._guard("$star", node.value, value)
        node.value = value
        return node

    def _method_call(self, node: ast.Call, func: ast.Attribute) -> ast.expr:
        name = func.attr
        self.check_name(func, name)
        if not self._known(name):
            self.error(func, f"attribute `{name}` is not readable")
            return node
        direct = is_direct(name) and not self._maybe_module(func.value)
        if name in _HASHING and node.args and not isinstance(node.args[0], ast.Starred):
            hashed = node.args[0]
            node = self._method_of(node, func, direct=direct)
            place = 0 if direct or self._fresh_method(func) else 1
            node.args[place] = self._key(hashed, node.args[place])
            return node
        return self._method_of(node, func, direct=direct)

    def _method_of(self, node: ast.Call, func: ast.Attribute, *, direct: bool) -> ast.Call:
        name = func.attr
        if direct or self._fresh_method(func):
            func.value = self._visited(func.value)
            return self._arguments(node)
        value = self._visited(func.value)
        node = self._arguments(node)
        node.func = self._name(f"$call {name}", func)
        node.args.insert(0, value)
        return node

    def _named_type(self, node: ast.Attribute) -> ast.expr | None:
        """Give ``x`` for ``type(x).__name__`` and ``x.__class__.__name__``."""
        inner = node.value
        if node.attr != "__name__" or not isinstance(node.ctx, ast.Load):
            return None
        if isinstance(inner, ast.Attribute) and inner.attr == "__class__":
            return inner.value
        if not (isinstance(inner, ast.Call) and self._is_type(inner)):
            return None
        plain = len(inner.args) == 1 and not inner.keywords
        return inner.args[0] if plain and not isinstance(inner.args[0], ast.Starred) else None

    def _is_type(self, node: ast.expr) -> bool:
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and (node.func.id == "type" and self._is_builtin("type"))
        )

    def _function_member(self, node: ast.Attribute) -> str | None:
        """Give ``"dict.fromkeys"`` where a function is read from a function or type of the tables."""
        owner = self.program.dotted(node.value)
        if owner is None and isinstance(node.value, ast.Name) and self._is_builtin(node.value.id):
            owner = node.value.id
        if owner is None or node.attr not in FUNCTION_MEMBERS.get(owner, {}):
            return None
        return f"{owner}.{node.attr}"

    def _is_super(self, node: ast.Call) -> bool:
        return (
            isinstance(node.func, ast.Name)
            and node.func.id == "super"
            and (self._is_builtin("super"))
        )

    def _inherited(self, node: ast.Attribute, call: ast.Call) -> ast.expr:
        """Rewrite ``super().name``, which must stand in the method itself."""
        method = self._functions[-1] if self._functions else None
        first = None
        if isinstance(method, ast.FunctionDef) and len(self._functions) > 1:
            plain = [*method.args.posonlyargs, *method.args.args]
            first = plain[0].arg if plain else None
        if first is None or not isinstance(self._functions[-2], ast.ClassDef):
            self.error(call, "`super()` stands directly in a method")
            return node
        if node.attr not in CLASS_METHODS:
            self.check_name(node, node.attr)
        if not isinstance(node.ctx, ast.Load) or call.keywords or len(call.args) not in (0, 2):
            self.error(node, "only `super().name` is part of the dialect")
            return node
        # The compiler gives a method that reads `__class__` the cell that `super` would use.
        given = [self._visited(arg) for arg in call.args] or [
            ast.copy_location(ast.Name("__class__", ast.Load()), call),
            ast.copy_location(ast.Name(first, ast.Load()), call),
        ]
        return self._guard(f"$super {node.attr}", node, *given)

    def _fresh_method(self, func: ast.Attribute) -> bool:
        if not isinstance(func.value, ast.Name):
            return False
        kind = self._fresh[-1].get(func.value.id)
        return (kind == "list" and func.attr in ("append", "pop")) or (
            kind == "set" and func.attr == "add"
        )

    def _builtin_call(self, node: ast.Call, name: str) -> ast.expr:
        func = node.func
        if name in ("hasattr", "getattr"):
            return self._reflection(node, name)
        plain = not any(isinstance(arg, ast.Starred) for arg in node.args)
        count = len(node.args)
        real = (
            (name in _REAL_ALWAYS and not node.keywords)
            or (name == "abs" and plain and count == 1 and self._kinds.is_number(node.args[0]))
            or (
                # With a number among them, lists and texts are no arguments.
                plain
                and name in _ONE_OR_MORE
                and count > 1
                and any(map(self._kinds.is_number, node.args))
            )
            or (plain and not node.keywords and name == "range")
            or (plain and not node.keywords and name == "round" and count == 1)
            # A text of digits is read one by one; what has a kind is none.
            or (
                plain
                and not node.keywords
                and name == "int"
                and count == 1
                and self._kinds.of(node.args[0]) is not None
            )
            # What a comprehension goes through has paid for itself.
            or (
                name in _OVER_COMPREHENSION
                and count == 1
                and isinstance(node.args[0], ast.GeneratorExp | ast.ListComp)
            )
        )
        if name == "isinstance" and plain and count == 2:
            types = self._real_types(node.args[1])
            if types is not None:
                node.args = [self._visited(node.args[0]), types]
                node.func = self._name("$real isinstance", func)
                return node
        node.func = self._name(f"$real {name}", func) if real else self._visited(func)
        if not real and name in _MADE:
            node.func = self._name(f"$make {name}", func)
        if real and name in _COMPARING and count == 1:
            made = node.args[0]
            if isinstance(made, ast.GeneratorExp | ast.ListComp):
                return self._over_comprehension(node, made)
        return self._arguments(node)

    def _over_comprehension(
        self, node: ast.Call, made: ast.GeneratorExp | ast.ListComp
    ) -> ast.Call:
        """Guard what a comprehension gives to a built-in that compares or adds it."""
        element = made.elt
        plain = isinstance(element, ast.Constant) or (
            isinstance(element, ast.Tuple)
            and all(self._kinds.is_number(item) for item in element.elts)
        )
        node = self._arguments(node)
        # The loops are known only now, and with them the kind of the element.
        if not plain and self._kinds.of(element) is None:
            made.elt = self._guard("$heavy", made.elt, made.elt)
        for keyword in node.keywords:
            if keyword.arg == "key":
                keyword.value = self._guard("$keyed", keyword.value, keyword.value)
        return node

    def _real_types(self, node: ast.expr) -> ast.expr | None:
        if isinstance(node, ast.Name) and self._is_builtin(node.id) and node.id in _REAL_TYPES:
            return self._name(f"$real {node.id}", node)
        if isinstance(node, ast.Tuple):
            items = [self._real_types(item) for item in node.elts]
            found = [item for item in items if item is not None]
            if len(found) == len(items):
                node.elts = found
                return node
        return None

    def _reflection(self, node: ast.Call, name: str) -> ast.expr:
        if len(node.args) < 2 or node.keywords or not isinstance(node.args[1], ast.Constant):
            self.error(node, f"`{name}` needs the name written out")
            return node
        attribute = node.args[1].value
        if not isinstance(attribute, str):
            self.error(node, f"`{name}` needs a name")
            return node
        self.check_name(node, attribute)
        if not self._known(attribute):
            # No value has it, and a guest may ask.
            self.program.attributes.add(attribute)
        node.func = self._name(f"${name}", node.func)
        return self._arguments(node)

    # --- items ------------------------------------------------------------------------------

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        simple = self._kinds.is_simple_index(node.slice)
        fresh = isinstance(node.value, ast.Name) and node.value.id in self._fresh[-1]
        value = self._visited(node.value)
        index = self._visited(node.slice)
        if isinstance(node.ctx, ast.Load):
            if simple or fresh:
                if fresh and not simple:
                    index = self._key(node.slice, index)
                node.value, node.slice = value, index
                is_slice = isinstance(index, ast.Slice)
                return self._guard("$cut", node, node) if is_slice else node
            return self._guard("$item", node, value, index)
        if isinstance(node.ctx, ast.Del) or not self._kinds.is_place(node.slice):
            node.value = self._guard("$edit", node.value, value)
        else:
            node.value = value if fresh else self._guard("$write", node.value, value)
        if simple:
            node.slice = index
        elif fresh or self._in_class() or self._kinds.is_number(node.slice):
            node.slice = self._key(node.slice, index)
        else:
            # How much a store writes depends on the container and the index together.
            self._temporaries += 1
            name = f"${self._temporaries}"
            node.value = ast.copy_location(
                ast.NamedExpr(ast.Name(name, ast.Store()), node.value), node.value
            )
            ast.fix_missing_locations(node.value)
            container = ast.copy_location(ast.Name(name, ast.Load()), node.value)
            node.slice = self._guard("$spot", node.slice, container, index)
        return node

    def _key(self, node: ast.expr, visited: ast.expr) -> ast.expr:
        """Guard what is hashed or used as an index, unless the source shows that it is flat."""
        if self._kinds.is_number(node) or self._kinds.is_simple_index(node):
            return visited
        if isinstance(visited, ast.Tuple) and any(isinstance(e, ast.Slice) for e in visited.elts):
            parts = node.elts if isinstance(node, ast.Tuple) else visited.elts
            visited.elts = [
                part if isinstance(part, ast.Slice) else self._key(plain, part)
                for plain, part in zip(parts, visited.elts, strict=True)
            ]
            return visited
        if isinstance(node, ast.Slice | ast.JoinedStr):
            return visited
        return self._guard("$key", node, visited)

    def visit_Set(self, node: ast.Set) -> ast.expr:
        node.elts = [
            self._visited(item)
            if isinstance(item, ast.Starred)
            else self._key(item, self._visited(item))
            for item in node.elts
        ]
        return node

    # --- operators --------------------------------------------------------------------------

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        node.keys = [
            key if key is None else self._key(key, self._visited(key)) for key in node.keys
        ]
        values = [self._visited(value) for value in node.values]
        node.values = [
            value if key is not None else self._guard("$merged", value, value)
            for key, value in zip(node.keys, values, strict=True)
        ]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        bounded = self._kinds.is_bounded(node.left, node.op, node.right)
        number = self._kinds.is_number(node.left, node.right)
        node.left = self._visited(node.left)
        node.right = self._visited(node.right)
        if bounded:
            return node if number else self._guard("$paid", node, node)
        return self._guard(f"${type(node.op).__name__}", node, node.left, node.right)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        asked, op, right = node.left, node.ops[0], node.comparators[0]
        single = len(node.ops) == 1
        if (
            single
            and isinstance(op, ast.Is | ast.IsNot)
            and (self._is_type(node.left) or self._is_type(right))
        ):
            # Views of one type are equal, not identical.
            op = node.ops[0] = ast.Eq() if isinstance(op, ast.Is) else ast.NotEq()
        plain = self._kinds.is_bounded_comparison(node.left, right)
        number = node in self.program.questions or self._kinds.is_number(node.left, right)
        literal = isinstance(right, ast.Tuple | ast.List | ast.Set | ast.Dict | ast.Constant) or (
            isinstance(right, ast.Name) and self._fresh[-1].get(right.id) in ("dict", "set")
        )
        sides = [node.left, *node.comparators]
        weighed = [
            not single
            and not isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn)
            and not self._kinds.is_bounded_comparison(before, after)
            for op, before, after in zip(node.ops, sides, sides[1:], strict=False)
        ]
        sides = [self._visited(item) for item in sides]
        for index, heavy in enumerate([*weighed, weighed[-1]]):
            # The last is weighed as well: a number of NumPy makes an array of it.
            if heavy:
                sides[index] = self._unless_number("$heavy", sides[index])
        node.left, *node.comparators = sides
        if not single or isinstance(op, ast.Is | ast.IsNot):
            return node
        if isinstance(op, ast.In | ast.NotIn):
            if isinstance(right, ast.Tuple | ast.List):
                literal = all(isinstance(item, ast.Constant) for item in right.elts)
            elif literal and not isinstance(right, ast.Constant):
                node.left = self._key(asked, node.left)
            if literal:
                return node
        elif plain:
            return node if number else self._guard("$paid", node, node)
        return self._guard(f"${type(op).__name__}", node, node.left, node.comparators[0])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        bounded = isinstance(node.operand, ast.Constant) or self._kinds.is_number(node.operand)
        node.operand = self._visited(node.operand)
        if bounded or isinstance(node.op, ast.Not):
            return node
        return self._guard("$paid", node, node)

    # Operators themselves have no content.
    def _same(self, node: ast.AST) -> ast.AST:
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        self.error(node, "`global` would carry values from one row to another")
        return node

    visit_Nonlocal = _same
    visit_MatchSingleton = _same

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        target, op = node.target, node.op
        guard = f"$i{type(op).__name__}"
        if isinstance(target, ast.Name):
            self.check_name(target, target.id)
            if self._kinds.is_bounded_change(target, op, node.value):
                number = self._kinds.is_number(target) and self._kinds.is_number(node.value)
                node.value = self._visited(node.value)
                if number:
                    return node
                after = ast.copy_location(ast.Name(target.id, ast.Load()), target)
                paid = ast.Expr(self._unless_number("$paid", after))
                return [node, ast.copy_location(paid, node)]
            load = ast.copy_location(ast.Name(target.id, ast.Load()), target)
            value = self._guard(guard, node, load, self._visited(node.value))
            return ast.copy_location(ast.Assign([target], value), node)
        if isinstance(target, ast.Attribute):
            self.check_name(target, target.attr)
            if self.program.dotted(target) is not None:
                self.error(target, "a member of a module cannot be set")
                return node
            before, owner = self._once(self._owner(target.value), target)
            name = target.attr
            if is_direct(name):
                read: ast.expr = ast.copy_location(ast.Attribute(owner(), name, ast.Load()), target)
            else:
                read = self._guard(f"$read {name}", target, owner())
            store: ast.expr = ast.copy_location(ast.Attribute(owner(), name, ast.Store()), target)
        elif isinstance(target, ast.Subscript):
            fresh = isinstance(target.value, ast.Name) and target.value.id in self._fresh[-1]
            simple = self._kinds.is_simple_index(target.slice)
            container = self._visited(target.value)
            if not fresh:
                container = self._guard("$write", target.value, container)
            index = self._visited(target.slice)
            before, owner = self._once(container, target)
            if isinstance(index, ast.Constant):
                more: list[ast.stmt] = []
                at = _copies(index)
            else:
                more, at = self._once(index, target, always=True)
            before += more
            if simple:
                read = ast.copy_location(ast.Subscript(owner(), at(), ast.Load()), target)
            else:
                read = self._guard("$item", target, owner(), at())
            store = ast.copy_location(ast.Subscript(owner(), at(), ast.Store()), target)
        else:
            self.error(node, "this cannot be changed in place")
            return node
        value = self._guard(guard, node, read, self._visited(node.value))
        assign = ast.copy_location(ast.Assign([store], value), node)
        return [*before, assign]

    def _once(
        self, value: ast.expr, at: ast.AST, *, always: bool = False
    ) -> tuple[list[ast.stmt], Any]:
        """Give statements that evaluate an expression once, and a maker of reads of it."""
        if isinstance(value, ast.Name) and not always:
            return [], _copies(value)
        self._temporaries += 1
        name = f"${self._temporaries}"
        if isinstance(value, ast.Slice) or (
            isinstance(value, ast.Tuple) and any(isinstance(e, ast.Slice) for e in value.elts)
        ):
            # A slice has no value outside a subscript; its parts are read again, which is the
            # same unless they have effects of their own.
            return [], _copies(value)
        assign = ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), at)
        ast.fix_missing_locations(assign)
        return [assign], _copies(ast.copy_location(ast.Name(name, ast.Load()), at))

    # --- loops ------------------------------------------------------------------------------

    def visit_For(self, node: ast.For) -> Any:
        grows = self.program.lengthens and _may_lengthen(node.body)
        before: list[ast.stmt] = []
        written = node.iter.elts if isinstance(node.iter, ast.Tuple | ast.List) else None
        if written is not None and not any(isinstance(item, ast.Starred) for item in written):
            # The turns stand in the source, and no name holds what is gone through.
            before = self._charge(node, len(written))
            node.iter = self._visited(node.iter)
        else:
            node.iter = self._iterated(node.iter, grows)
        node.target = self._visited(node.target)
        node.body = self._block(node.body)
        node.orelse = self._block(node.orelse)
        return [*before, node]

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        if node.is_async:
            self.error(node.iter, "nothing waits here")
        node.iter = self._iterated(node.iter, self.program.lengthens)
        node.target = self._visited(node.target)
        node.ifs = [self._visited(item) for item in node.ifs]
        return node

    def _comprehension(self, node: Any) -> Any:
        # The loops come first, as they bind the names of the element.
        node.generators = [self._visited(item) for item in node.generators]
        for part in ("elt", "key", "value"):
            if hasattr(node, part):
                item = getattr(node, part)
                if isinstance(item, ast.Starred) or item is None:
                    self.error(node, "unpacking in a comprehension is not part of the dialect")
                else:
                    visited = self._visited(item)
                    if part == "key" or isinstance(node, ast.SetComp):
                        visited = self._key(item, visited)
                    setattr(node, part, visited)
        return node

    visit_ListComp = _comprehension
    visit_SetComp = _comprehension
    visit_DictComp = _comprehension
    visit_GeneratorExp = _comprehension

    def _iterated(self, value: ast.expr, grows: bool) -> ast.expr:
        guard = "$grow" if grows else "$iter"
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            name = value.func.id
            plain = not value.keywords and not any(isinstance(a, ast.Starred) for a in value.args)
            if plain and self._is_builtin(name) and value.args:
                if name == "enumerate":
                    first = self._guard(guard, value.args[0], self._visited(value.args[0]))
                    value.args = [first, *(self._visited(arg) for arg in value.args[1:])]
                    value.func = self._name("$real enumerate", value.func)
                    return value
                if name == "zip" and not grows:
                    value.args = [self._visited(arg) for arg in value.args]
                    value.func = self._name("$zip", value.func)
                    return value
        visited = self._visited(value)
        return self._guard(guard, value, visited)

    def visit_While(self, node: ast.While) -> ast.AST:
        node.test = self._visited(node.test)
        node.body = [*self._charge(node.test), *self._block(node.body)]
        node.orelse = self._block(node.orelse)
        return node

    def _charge(self, at: ast.AST, units: int = 1) -> list[ast.stmt]:
        """Write ``meter.left -= units`` and the stop below zero, in line: a call would cost double."""
        meter = self._name("$meter", at)
        take = ast.AugAssign(
            ast.Attribute(meter, "left", ast.Store()), ast.Sub(), ast.Constant(units)
        )
        test = ast.Compare(
            ast.Attribute(self._name("$meter", at), "left", ast.Load()),
            [ast.Lt()],
            [ast.Constant(0)],
        )
        stop = ast.If(test, [ast.Expr(self._guard("$stop", at))], [])
        made: list[ast.stmt] = [take, stop]
        for statement in made:
            ast.copy_location(statement, at)
            ast.fix_missing_locations(statement)
        return made

    def _block(self, body: Iterable[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for statement in body:
            result = self._visited(statement)
            if isinstance(result, list):
                made.extend(result)
            elif result is not None:
                made.append(result)
        return made

    # --- statements -------------------------------------------------------------------------

    def visit_Module(self, node: ast.Module) -> ast.AST:
        self._kinds.enter(node)
        node.body = self._block(node.body)
        self._kinds.leave()
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant):
            return None if len(self._functions) == 0 else ast.copy_location(ast.Pass(), node)
        node.value = self._visited(node.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if self._in_class() and is_slots(node):
            return node
        value = self._visited(node.value)
        if any(_takes_rest(target) for target in node.targets):
            value = self._guard("$star", node.value, value)
        node.value = value
        node.targets = [self._visited(target) for target in node.targets]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        value = None if node.value is None else self._visited(node.value)
        in_class = self._in_class()
        if isinstance(node.target, ast.Name) and (in_class or value is None):
            if "ClassVar" in ast.dump(node.annotation) and value is not None:
                return ast.copy_location(ast.Assign([node.target], value), node)
            self.check_name(node.target, node.target.id)
            if not self._functions:
                return None
            # Data classes need the field; nobody reads its type.
            node.annotation = ast.copy_location(ast.Constant(None), node.annotation)
            node.value = value
            return node
        if value is None:
            return ast.copy_location(ast.Pass(), node)
        target = self._visited(node.target)
        return ast.copy_location(ast.Assign([target], value), node)

    def visit_Import(self, node: ast.Import) -> Any:
        made: list[ast.stmt] = []
        for alias in node.names:
            top = alias.name.partition(".")[0]
            path = alias.name if alias.asname else top
            name = alias.asname or top
            self.check_name(node, name)
            if alias.name not in MODULES:
                self.error(node, f"there is no module {alias.name!r} here")
            elif self.program.path_of(name) is None:
                value = self._name(f"$module {path}", node)
                made.append(
                    ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), node)
                )
        return made or ast.copy_location(ast.Pass(), node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        made: list[ast.stmt] = []
        for alias in node.names:
            name = alias.asname or alias.name
            self.check_name(node, name)
            path = f"{node.module}.{alias.name}"
            if node.level or alias.name == "*":
                self.error(node, "this form of import is not part of the dialect")
                continue
            if node.module == "__future__":
                continue
            value = self._member(path, ast.copy_location(ast.Name(name, ast.Load()), node))
            if self.program.path_of(name) is None:
                made.append(
                    ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), node)
                )
        return made or ast.copy_location(ast.Pass(), node)

    def visit_With(self, node: ast.With) -> ast.AST:
        for item in node.items:
            call = item.context_expr
            known = isinstance(call, ast.Call) and self.program.dotted(call.func) == (
                "numpy.errstate"
            )
            if not known or item.optional_vars is not None:
                self.error(node, "only `with np.errstate(...)` is part of the dialect")
                return node
            item.context_expr = self._visited(call)
        node.body = self._block(node.body)
        return node

    def visit_Try(self, node: ast.Try) -> ast.AST:
        if node.finalbody and any(
            isinstance(inner, ast.Yield | ast.YieldFrom) for inner in _own_nodes(node)
        ):
            # It would run when the generator is given up, on whatever row that happens.
            self.error(node, "`finally` cannot stand around `yield`")
        for item in node.finalbody:
            for inner in _own_nodes(item):
                if isinstance(inner, ast.Return | ast.Break | ast.Continue):
                    # It would swallow the runtime's stop.
                    self.error(inner, "`finally` cannot return, break or continue")
        node.body = self._block(node.body)
        node.handlers = [self._visited(item) for item in node.handlers]
        if node.handlers:
            # How deep the stack is and how much memory there is, is the host's: a guest that went
            # on after such an error would compute with what it learnt.
            again = ast.ExceptHandler(self._name("$exhausted", node), None, [ast.Raise()])
            node.handlers.insert(0, ast.copy_location(again, node))
        node.orelse = self._block(node.orelse)
        node.finalbody = self._block(node.finalbody)
        return node

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        if node.value is not None:
            node.value = self._visited(node.value)
        return node

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        node.value = self._guard("$iter", node.value, self._visited(node.value))
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.check_name(node, node.name)
        if node.type is None:
            node.type = self._name("$real Exception", node)
        else:
            node.type = self._visited(node.type)
        node.body = self._block(node.body)
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        node.test = self._visited(node.test)
        node.body = self._block(node.body)
        node.orelse = self._block(node.orelse)
        return node

    def visit_Delete(self, node: ast.Delete) -> ast.AST:
        node.targets = [self._visited(target) for target in node.targets]
        return node

    # --- definitions ------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        in_class = self._in_class()
        self.check_name(node, node.name, allow_magic_methods=in_class)
        if in_class and node.name in CLASS_METHODS and node.name not in self._special[-1]:
            self.error(node, f"{node.name!r} of this base class stays as it is")
        node.decorator_list = [
            item if in_class and is_setter(item) else self._visited(item)
            for item in node.decorator_list
        ]
        node.args = self._visited(node.args)
        node.returns = None
        if getattr(node, "type_params", None):
            self.error(node, "type parameters are not part of the dialect")
        own = self._self_of(node) if in_class else None
        self._functions.append(node)
        self._selves.append(own)
        self._stores_self.append(False)
        self._fresh.append(_fresh_names(node))
        self._kinds.enter(node)
        body = self._block(node.body)
        self._kinds.leave()
        self._fresh.pop()
        stores = self._stores_self.pop()
        self._selves.pop()
        self._functions.pop()
        entry = self._charge(node)
        if stores and own is not None:
            owner = ast.copy_location(ast.Name(own, ast.Load()), node)
            check = self._guard("$own", node, owner)
            entry.append(ast.copy_location(ast.Expr(check), node))
        node.body = [*entry, *body]
        return node

    def _self_of(self, node: ast.FunctionDef) -> str | None:
        plain = [*node.args.posonlyargs, *node.args.args]
        if not plain or any(
            isinstance(item, ast.Name) and item.id.endswith(("staticmethod", "classmethod"))
            for item in node.decorator_list
        ):
            return None
        name = plain[0].arg
        # Once for the parameter itself.
        return name if _binders(node).get(name) == 1 else None

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        node.args = self._visited(node.args)
        self._functions.append(node)
        self._selves.append(None)
        self._stores_self.append(False)
        self._fresh.append({})
        self._kinds.enter(node)
        body = self._visited(node.body)
        self._kinds.leave()
        self._fresh.pop()
        self._stores_self.pop()
        self._selves.pop()
        self._functions.pop()
        tick = self._guard("$tick", node)
        node.body = ast.copy_location(ast.IfExp(tick, body, ast.Constant(None)), node)
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        every = [*node.posonlyargs, *node.args, *node.kwonlyargs]
        every.extend(arg for arg in (node.vararg, node.kwarg) if arg is not None)
        for arg in every:
            self.check_name(arg, arg.arg)
            arg.annotation = None
        node.defaults = [self._visited(item) for item in node.defaults]
        node.kw_defaults = [
            None if item is None else self._visited(item) for item in node.kw_defaults
        ]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.check_name(node, node.name)
        if is_typed_dict(node, self.program.dotted):
            # A description of dicts: calling it makes one.
            made = ast.Assign([ast.Name(node.name, ast.Store())], self._visited(node.bases[0]))
            return ast.copy_location(made, node)
        if node.keywords or getattr(node, "type_params", None):
            self.error(node, "a class takes no keywords here")
        self._special.append(special_methods(node, self.program.classes, self.program.dotted))
        node.bases = [self._visited(item) for item in node.bases]
        node.decorator_list = [self._visited(item) for item in node.decorator_list]
        self._functions.append(node)
        self._selves.append(None)
        self._stores_self.append(False)
        self._fresh.append({})
        self._kinds.enter(node)
        node.body = self._block(node.body) or [ast.copy_location(ast.Pass(), node)]
        if any(
            isinstance(item, ast.FunctionDef) and item.name == "__getitem__" for item in node.body
        ):
            # NumPy would take its instances for lists of whatever length they say.
            name = ast.copy_location(ast.Name("__array__", ast.Store()), node)
            node.body.append(
                ast.copy_location(ast.Assign([name], self._name("$no_array", node)), node)
            )
        self._kinds.leave()
        self._special.pop()
        self._fresh.pop()
        self._stores_self.pop()
        self._selves.pop()
        self._functions.pop()
        return node

    # --- text and patterns ------------------------------------------------------------------

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        values: list[ast.expr] = []
        for item in node.values:
            if isinstance(item, ast.FormattedValue):
                values.append(self._formatted(item))
            else:
                values.append(item)
        node.values = values
        return self._guard("$joined", node, node) if len(values) > 8 else node

    def _formatted(self, node: ast.FormattedValue) -> ast.FormattedValue:
        value = self._visited(node.value)
        spec = node.format_spec
        conversion = "" if node.conversion < 0 else chr(node.conversion)
        if spec is None and not conversion:
            text = self._guard("$text", node.value, value)
        else:
            given = (
                ast.copy_location(ast.Constant(""), node.value)
                if spec is None
                else (self._visited(spec))
            )
            text = self._guard(
                "$format",
                node.value,
                value,
                given,
                ast.copy_location(ast.Constant(conversion), node.value),
            )
        return ast.copy_location(ast.FormattedValue(text, -1, None), node)

    def visit_Match(self, node: ast.Match) -> ast.AST:
        node.subject = self._visited(node.subject)
        for case in node.cases:
            self._pattern(case.pattern)
            if case.guard is not None:
                case.guard = self._visited(case.guard)
            case.body = self._block(case.body)
        return node

    def _pattern(self, node: ast.pattern) -> None:
        if isinstance(node, ast.MatchValue):
            value = node.value
            if isinstance(value, ast.Attribute):
                known = isinstance(value.value, ast.Name) and self.program.dotted(value) is None
                if not (known and self._known(value.attr) and is_direct(value.attr)):
                    self.error(
                        node, "a pattern compares with constants and the program's own names"
                    )
            elif not isinstance(value, ast.Constant | ast.UnaryOp | ast.BinOp):
                self.error(node, "a pattern compares with constants")
        elif isinstance(node, ast.MatchSequence | ast.MatchOr):
            for item in node.patterns:
                self._pattern(item)
        elif isinstance(node, ast.MatchAs):
            self.check_name(node, node.name)
            if node.pattern is not None:
                self._pattern(node.pattern)
        elif isinstance(node, ast.MatchStar):
            self.check_name(node, node.name)
        elif not isinstance(node, ast.MatchSingleton):
            self.error(node, f"{type(node).__name__} is not part of the dialect")


def _copies(node: ast.expr) -> Any:
    """Make a maker of fresh copies, as one node must not stand at two places of a tree."""
    return lambda: copy.deepcopy(node)


def _takes_rest(target: ast.expr) -> bool:
    return isinstance(target, ast.Tuple | ast.List) and any(
        isinstance(item, ast.Starred) or _takes_rest(item) for item in target.elts
    )


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Go through a statement without what is inside functions defined in it."""
    waiting: list[ast.AST] = [node]
    while waiting:
        item = waiting.pop()
        yield item
        waiting.extend(
            child
            for child in ast.iter_child_nodes(item)
            if not isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef)
        )


def _may_lengthen(body: list[ast.stmt]) -> bool:
    """Whether the body of a loop could lengthen a list: by itself or in a function it calls."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.AugAssign):
                return True
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Attribute):
                    if node.func.attr in _LENGTHENING:
                        return True
                    if is_direct(node.func.attr):  # a method of the program's own
                        return True
                elif not (isinstance(node.func, ast.Name) and node.func.id in BUILTINS):
                    return True
            if (
                isinstance(node, ast.Subscript)
                and isinstance(node.ctx, ast.Store)
                and isinstance(node.slice, ast.Slice)
            ):
                return True
    return False


def _fresh_names(node: ast.FunctionDef) -> dict[str, str]:
    """Find local names that only ever hold a list, dict or set made in this very call."""
    found: dict[str, str] = {}
    spoiled: set[str] = {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}
    own = list(_own_nodes(node))
    simple: set[int] = set()
    for item in own:
        if isinstance(item, ast.Assign | ast.AnnAssign) and item.value is not None:
            targets = item.targets if isinstance(item, ast.Assign) else [item.target]
            kind = _display_kind(item.value)
            for target in targets:
                if isinstance(target, ast.Name):
                    simple.add(id(target))
                    if kind is None or found.get(target.id, kind) != kind:
                        spoiled.add(target.id)
                    else:
                        found[target.id] = kind
    every = _binders(node)
    plain: dict[str, int] = {}
    for item in own:
        if isinstance(item, ast.Name) and id(item) in simple:
            plain[item.id] = plain.get(item.id, 0) + 1
    return {
        name: kind
        for name, kind in found.items()
        if name not in spoiled and every.get(name) == plain.get(name)
    }


def _binders(node: ast.FunctionDef) -> dict[str, int]:
    """Count all ways in which names are bound in a function and in those inside it.

    Inner functions count as well: a name they bind is mostly another one, but taking it for the
    same only costs a guard.
    """
    counts: dict[str, int] = {}

    def note(name: str | None) -> None:
        if name is not None:
            counts[name] = counts.get(name, 0) + 1

    for item in ast.walk(node):
        if isinstance(item, ast.Name):
            if not isinstance(item.ctx, ast.Load):
                note(item.id)
        elif isinstance(item, ast.arg):
            note(item.arg)
        elif isinstance(item, ast.FunctionDef | ast.ClassDef):
            if item is not node:
                note(item.name)
        elif isinstance(item, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            note(item.name)
        elif isinstance(item, ast.MatchMapping):
            note(item.rest)
        elif isinstance(item, ast.Import | ast.ImportFrom):
            for alias in item.names:
                note(alias.asname or alias.name.partition(".")[0])
        elif isinstance(item, ast.Nonlocal):
            for name in item.names:
                note(name)
    return counts


def _display_kind(value: ast.expr) -> str | None:
    if isinstance(value, ast.List | ast.ListComp):
        return "list"
    if isinstance(value, ast.Dict | ast.DictComp):
        return "dict"
    if isinstance(value, ast.Set | ast.SetComp):
        return "set"
    return None

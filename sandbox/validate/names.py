"""The chapter on names: what they mean, which attributes and imports there are, annotations."""

# ruff: noqa: D102, SIM905 - one method a node, named after it; word lists read as words
from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from sandbox.diagnostics import Span
from sandbox.dialect import (
    BUILTINS,
    CLASS_METHODS,
    FUNCTION_MEMBERS,
    INTERNAL_ATTRIBUTES,
    METHODS,
    MODULES,
    REFUSED_ATTRIBUTES,
    REFUSED_BUILTINS,
    REFUSED_MEMBERS,
    REFUSED_MODULES,
    Entry,
    attribute_names,
)
from sandbox.scopes import Binding, Scope, dotted
from sandbox.trees import walk
from sandbox.validate.walk import Walk, dunder, listed, reserved, written

__all__ = ["Names"]

_LONGEST_ANNOTATION: Final = 500
_ATTRIBUTES: Final = attribute_names()
_COMMON_IMPORTS: Final = {
    "np": "numpy as np",
    "numpy": "numpy",
    "math": "math",
    "cv2": "cv2",
    **{name: f"typing {name}" for name in MODULES["typing"]},
    **{name: f"collections {name}" for name in ("deque", "defaultdict", "namedtuple")},
    **{name: f"dataclasses {name}" for name in ("dataclass", "field")},
    **{name: f"itertools {name}" for name in MODULES["itertools"]},
    **{name: f"math {name}" for name in MODULES["math"] if name not in ("e", "pow")},
}

_STANDARD: Final = frozenset(
    "argparse ast asyncio base64 builtins codecs contextlib csv ctypes dis errno fcntl gc hashlib"
    " importlib inspect marshal mmap multiprocessing operator platform posix queue resource sched"
    " select shelve signal sqlite3 ssl struct sysconfig tempfile textwrap threading traceback"
    " unittest uuid weakref xml zipfile zlib".split()
)


class Names(Walk):
    """Names, attributes, annotations, imports."""

    def on_name(self, node: ast.Name) -> None:
        name = node.id
        if isinstance(node.ctx, ast.Store):
            self.new_name(name, self.places.at(node))
            return
        scope = self.scope.find(name)
        if scope is not None:
            if name not in scope.used:
                # Once is enough: all ways in which it is bound are known before the walk.
                scope.used.add(name)
                for binding in scope.bound[name]:
                    if binding.kind in ("module", "member", "refused"):
                        self.read_imports.add(binding)
            if scope.kind == "class" and self.scope is not scope:
                return
        elif name == "__name__":
            pass  # the name of the module, a constant
        elif name in BUILTINS:
            entry = BUILTINS[name]
            if entry.reason.startswith("only as a decorator") and node not in self.silent:
                self.say("SBX408", node, name=name)
        elif name in REFUSED_BUILTINS:
            self.broken.add(node)
            self.say("SBX305", node, name=name, advice=REFUSED_BUILTINS[name])
        elif hasattr(builtins, name):
            self.say("SBX305", node, name=name, advice="leave it out")
        elif reserved(name):
            self.say("SBX308", node, name=name)
        else:
            self.undefined_name(node, name)

    def undefined_name(self, node: ast.Name, name: str) -> None:
        """Say that nothing defines a name: a row ends there, or the program cannot be loaded."""
        self.broken.add(node)
        if self.is_undefined_nonlocal(name):
            return  # the declaration itself is no Python, which is said of it
        rule = "SBX304"
        if self.scope.function is None or node in self.at_load:
            rule = "SBX309"
        else:
            self.nameless.add(node)
        key = (rule, id(self.scope.function), name)
        if key not in self.unknown:
            # Once for each function: `np` without its import would be said on every line.
            self.unknown.add(key)
            self.say(rule, node, name=name, advice=self.unknown_name(name))

    def is_undefined_nonlocal(self, name: str) -> bool:
        """Whether a name that nothing defines is declared ``nonlocal`` here or around."""
        scope: Scope | None = self.scope
        while scope is not None:
            if name in scope.elsewhere:
                return True
            scope = scope.parent
        return False

    def unknown_name(self, name: str) -> str:
        visible: set[str] = set()
        scope: Scope | None = self.scope
        while scope is not None:
            if scope.kind != "class" or scope is self.scope:
                visible.update(scope.bound)
            scope = scope.parent
        owner = self.scope
        while owner.parent is not None and owner.kind != "class":
            owner = owner.parent
        if owner.kind == "class" and name in owner.bound:
            return f"did you mean `self.{name}`?"
        guess = self.guess(name, visible, BUILTINS)
        if guess:
            return f"did you mean `{guess}`?"
        known = _COMMON_IMPORTS.get(name)
        if known is not None:
            module, _, member = known.partition(" ")
            line = f"from {module} import {member}" if member and " as " not in known else ""
            return f"add `{line or f'import {known}'}`"
        root = REFUSED_MODULES.get(name)
        if root:
            return root
        return f"define it first, `{name} = ...`, or take it as a parameter"

    def new_name(self, name: str, span: Span) -> None:
        if reserved(name):
            self.say("SBX308", span, name=name)
        elif name in BUILTINS and self.scope.kind != "class":
            key = (id(self.scope), name)
            if key not in self.shadowed:
                self.shadowed.add(key)
                self.say("SBX615", span, name=name)
        if self.scope.kind == "module":
            found = self.scope.bound.get(name, [])
            if len(found) > 1 and any(item.kind in ("module", "member") for item in found):
                self.say("SBX221", span, name=name)

    def on_nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            if reserved(name):
                self.say("SBX308", node, name=name)

    # -- attributes ----------------------------------------------------------------------------

    def on_attribute(self, node: ast.Attribute) -> None:
        base = dotted(node.value, self.scope)
        if node.attr == "__name__" and self.is_type_name(node.value):
            owner = node.value
            if isinstance(owner, ast.Call | ast.Attribute):
                self.visit(owner.args[0] if isinstance(owner, ast.Call) else owner.value)
            return
        if isinstance(node.value, ast.Call) and self.path_is_super(node.value):
            self.inherited(node, node.value)
            return
        self.silent.add(node.value)
        self.visit(node.value)
        before = len(self.found)
        if isinstance(node.ctx, ast.Store | ast.Del):
            self.write_attribute(node, base)
        elif self.is_broken(node.value):
            self.broken.add(node)
            inside = node.attr.startswith("_") or node.attr in INTERNAL_ATTRIBUTES
            if inside and self.first_of(node.value) in self.nameless:
                # What leads inside stays refused, though no row gets past the name.
                self.read_attribute(node, node.attr, None)
        elif node.attr == "__init__" and node in self.called and base is None:
            pass  # of the program's own classes; the guards see to that
        else:
            self.read_attribute(node, node.attr, base)
        if len(self.found) > before:
            self.broken.add(node)

    def is_type_name(self, node: ast.expr) -> bool:
        """Whether an expression is ``type(x)`` or ``x.__class__``, whose name may be read."""
        if isinstance(node, ast.Attribute):
            return node.attr == "__class__"
        return (
            isinstance(node, ast.Call)
            and dotted(node.func, self.scope) == ("type", BUILTINS["type"])
            and len(node.args) == 1
            and not node.keywords
        )

    def path_is_super(self, node: ast.Call) -> bool:
        return dotted(node.func, self.scope) == ("super", BUILTINS["super"])

    def inherited(self, node: ast.Attribute, call: ast.Call) -> None:
        """Judge ``super().name``, the only form in which `super` exists."""
        self.silent.update((call, call.func))
        method = self.scope.node
        in_method = self.scope.method_of is not None and isinstance(method, ast.FunctionDef)
        args = method.args if in_method and isinstance(method, ast.FunctionDef) else None
        formed = not call.keywords and len(call.args) in (0, 2) and isinstance(node.ctx, ast.Load)
        if args is None or not [*args.posonlyargs, *args.args] or not formed:
            self.say("SBX408", call, name="super")
        elif node.attr not in CLASS_METHODS and node.attr not in self.module.attributes:
            self.read_attribute(node, node.attr, None)
        self.all(call.args)

    @staticmethod
    def first_of(node: ast.expr) -> ast.expr:
        """Give ``a`` for ``a.b(c)[d]``."""
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            node = node.func if isinstance(node, ast.Call) else node.value
        return node

    def is_broken(self, node: ast.expr) -> bool:
        """Whether a chain starts at something already refused: one finding is enough."""
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            if node in self.broken:
                return True
            node = node.func if isinstance(node, ast.Call) else node.value
        if not isinstance(node, ast.Name):
            return False
        binding = self.scope.only(node.id)
        return node in self.broken or (binding is not None and binding.kind == "refused")

    def read_attribute(
        self, node: ast.AST, name: str, base: tuple[str, Entry | None] | None
    ) -> None:
        """Judge a read of ``name``; ``node`` is where it is said."""
        place = self.places.attribute(node) if isinstance(node, ast.Attribute) else node
        if name.startswith("__") and name.endswith("__"):
            self.say("SBX301", place, name=name, advice=self.instead(name))
        elif base is not None and base[1] is None:
            self.module_member(place, base[0], name)
        elif base is not None and base[1] is not None and base[1].kind != "constant":
            allowed = FUNCTION_MEMBERS.get(base[0], {})
            if base[1].kind == "ufunc":
                allowed = METHODS["ufunc"]
            if name not in allowed:
                advice = REFUSED_ATTRIBUTES.get(name) or self.near(name, allowed)
                self.say("SBX303", place, name=f"{written(base[0])}.{name}", advice=advice)
        elif name in INTERNAL_ATTRIBUTES:
            advice = REFUSED_ATTRIBUTES.get(name, "leave it out")
            self.say("SBX301", place, name=name, advice=advice)
        elif name in self.module.attributes or name in METHODS["namedtuple"]:
            pass
        elif name.startswith("_"):
            self.say("SBX301", place, name=name, advice=self.instead(name))
        elif name not in _ATTRIBUTES:
            self.say("SBX302", place, name=name, advice=self.other_attribute(node, name))

    def other_attribute(self, node: ast.AST, name: str) -> str:
        """Say what to write in the place of an attribute that nothing has."""
        if name in REFUSED_ATTRIBUTES:
            return REFUSED_ATTRIBUTES[name]
        guess = self.guess(name, self.module.attributes) or self.guess(name, _ATTRIBUTES)
        if guess:
            return f"did you mean `{guess}`?"
        nothing = "leave it out, or define it in the program"
        value = node.value if isinstance(node, ast.Attribute) else None
        if not isinstance(value, ast.Name):
            return nothing
        scope, binding = self.scope.find(value.id), self.scope.only(value.id)
        if scope is None or binding is None or binding.kind != "param":
            return nothing
        if scope.method_of is not None and value.id == "self":
            return f"set `self.{name}` in `__init__` or `reset`"
        return f'a field of an observation is read as `{value.id}["{name}"]`'

    def instead(self, name: str) -> str:
        own = self.guess(name, self.module.attributes)
        if own:
            return f"did you mean `{own}`?"
        return REFUSED_ATTRIBUTES.get(
            name, "read a name that the arguments offer, or define the attribute in `__init__`"
        )

    def near(self, name: str, *offered: Iterable[str]) -> str:
        guess = self.guess(name, *offered)
        return f"did you mean `{guess}`?" if guess else "leave it out, or define it in the program"

    def module_member(self, place: ast.AST | Span, module: str, name: str) -> None:
        path = f"{module}.{name}"
        if name in MODULES[module] or path in MODULES:
            return
        advice = REFUSED_MEMBERS.get(path)
        if advice is None:
            guess = self.guess(name, MODULES[module])
            other = next(
                (f"{written(key)}.{name}" for key, table in MODULES.items() if name in table), None
            )
            if guess:
                advice = f"did you mean `{written(module)}.{guess}`?"
            elif other:
                advice = f"use `{other}`"
            else:
                advice = "write the operation out; docs/language.md lists what there is"
        self.say("SBX303", place, name=f"{written(module)}.{name}", advice=advice)

    def write_attribute(self, node: ast.Attribute, base: tuple[str, Entry | None] | None) -> None:
        name, value = node.attr, node.value
        place = self.places.attribute(node)
        if (name.startswith("__") and name.endswith("__")) or name in INTERNAL_ATTRIBUTES:
            self.say("SBX301", place, name=name, advice="choose another name")
            return
        if base is not None:
            self.say("SBX221", node, name=f"{written(base[0])}.{name}")
            return
        if isinstance(value, ast.Name):
            binding = self.scope.only(value.id)
            if binding is not None and binding.kind in ("function", "class"):
                self.say("SBX221", node, name=f"{value.id}.{name}")
                return
            if self.is_class_argument(value.id):
                self.say("SBX209", node, name=f"{value.id}.{name}", owner="class")
                return
            owner = self.scope.find(value.id)
            if owner is self.module.root and self.scope.function is not None:
                self.say("SBX209", node, name=f"{value.id}.{name}", owner="module")
                return
        if name.startswith("_") and name not in self.module.attributes:
            self.say("SBX301", place, name=name, advice=self.instead(name))

    def is_class_argument(self, name: str) -> bool:
        """Whether ``name`` is ``cls`` of a class method."""
        scope: Scope | None = self.scope.find(name)
        if scope is None or scope.kind != "function" or not isinstance(scope.node, ast.FunctionDef):
            return False
        first = [*scope.node.args.posonlyargs, *scope.node.args.args][:1]
        return (
            scope.method_of is not None
            and bool(first)
            and first[0].arg == name
            and any(
                isinstance(item, ast.Name) and item.id == "classmethod"
                for item in scope.node.decorator_list
            )
        )

    def on_annassign(self, node: ast.AnnAssign) -> None:
        self.annotation(node.annotation)
        self.all([node.value, node.target])

    # -- annotations ---------------------------------------------------------------------------

    def annotation(self, node: ast.expr) -> None:
        """Judge an annotation: a type expression, never evaluated, with nothing hidden in it."""
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                self.note_quoted(node.value)
                return
            if node.value is None or isinstance(node.value, int) or node.value is ...:
                return
            self.say("SBX219", node)
        elif isinstance(node, ast.Name):
            self.annotation_name(node)
        elif isinstance(node, ast.Attribute):
            if dunder(node.attr):
                self.say("SBX301", node, name=node.attr, advice="write a plain type")
            else:
                self.annotation_path(node)
        elif isinstance(node, ast.Subscript):
            self.annotation(node.value)
            self.annotation(node.slice)
        elif isinstance(node, ast.Tuple | ast.List):
            for item in node.elts:
                self.annotation(item)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            self.annotation(node.left)
            self.annotation(node.right)
        elif isinstance(node, ast.Starred):
            self.annotation(node.value)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
            self.annotation(node.operand)
        else:
            self.say("SBX219", node)

    def note_quoted(self, text: str) -> None:
        """Count the names in a quoted annotation as used; it is text and nothing more."""
        for word in set(re.findall(r"[^\W\d]\w*", text[:_LONGEST_ANNOTATION])):
            scope = self.scope.find(word)
            if scope is not None:
                self.read_imports.update(scope.bound[word])

    def annotation_name(self, node: ast.Name) -> None:
        name = node.id
        scope = self.scope.find(name)
        if scope is not None:
            for binding in scope.bound[name]:
                self.read_imports.add(binding)
        elif dunder(name):
            self.say("SBX308", node, name=name)
        elif not hasattr(builtins, name):
            self.say("SBX628", node, name=name, advice=self.unknown_name(name))

    def annotation_path(self, node: ast.Attribute) -> None:
        value = node.value
        if isinstance(value, ast.Name | ast.Attribute):
            self.annotation(value)
            base = dotted(value, self.scope)
            if base is not None and base[1] is None and dotted(node, self.scope) is None:
                name = f"{written(base[0])}.{node.attr}"
                advice = self.near(node.attr, MODULES[base[0]])
                self.say("SBX628", self.places.attribute(node), name=name, advice=advice)
        else:
            self.say("SBX219", node)

    # -- imports -------------------------------------------------------------------------------

    def on_import(self, node: ast.Import) -> None:
        for alias in node.names:
            root = alias.name.split(".")[0]
            if alias.name not in MODULES:
                self.refused_module(alias, alias.name, alias.asname or root)
            self.import_name(alias.asname or root, alias)

    def import_name(self, name: str, alias: ast.alias) -> None:
        if reserved(name):
            self.say("SBX308", alias, name=name)

    @cached_property
    def all_names(self) -> frozenset[str]:
        """Every name that the program reads or writes."""
        return frozenset(item.id for item in walk(self.tree) if isinstance(item, ast.Name))

    def refused_module(self, place: ast.AST, name: str, bound: str) -> None:
        root = name.split(".", maxsplit=1)[0]
        advice = REFUSED_MEMBERS.get(name) or REFUSED_MODULES.get(root)
        used = bound in self.all_names
        if root in MODULES or advice is not None or root in _STANDARD:
            if advice is None:
                advice = f"import one of {listed(MODULES)}"
            if not used:
                advice = "it is never used: delete the line"
            self.say("SBX306", place, name=name, advice=advice)
            return
        guess = self.guess(name, MODULES)
        advice = f"did you mean `{guess}`?" if guess else f"import one of {listed(MODULES)}"
        self.say("SBX307", place, name=name, advice=advice)

    def on_importfrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            self.say("SBX214", node, offered=listed(MODULES))
            return
        if module not in MODULES:
            bound = node.names[0].asname or node.names[0].name
            self.refused_module(node, module, bound)
        for alias in node.names:
            if alias.name == "*":
                self.say("SBX213", node, name=module)
                continue
            if module in MODULES:
                self.module_member(alias, module, alias.name)
            self.import_name(alias.asname or alias.name, alias)

    def unused_imports(self) -> None:
        for scope in self.module.scope.values():
            for name, found in scope.bound.items():
                for binding in found:
                    if binding.kind not in ("module", "member") or binding in self.read_imports:
                        continue
                    if binding.path.startswith("__future__"):
                        continue
                    self.say("SBX602", self.alias_of(binding, name), name=name)

    @staticmethod
    def alias_of(binding: Binding, name: str) -> ast.AST:
        names = getattr(binding.node, "names", [])
        for alias in names:
            if (alias.asname or alias.name.split(".")[0]) == name:
                return alias  # type: ignore[no-any-return]
        return binding.node

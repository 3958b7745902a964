"""The chapter on calls: arguments of library functions one by one, and of the program's own."""

# ruff: noqa: D102, SIM905 - one method a node, named after it; word lists read as words
from __future__ import annotations

import ast
import re
from typing import Final

from sandbox.dialect import BUILTINS, INTERNAL_ATTRIBUTES, METHODS, REFUSED_ATTRIBUTES, Entry
from sandbox.dialect.pictures import RESULTS
from sandbox.patterns import PatternRefusedError, examine
from sandbox.scopes import dotted
from sandbox.spelling import nearest
from sandbox.templates import plain_fields
from sandbox.validate.recursion import Recursion
from sandbox.validate.shared import WRITERS
from sandbox.validate.walk import count, last, listed, written

__all__ = ["Calls"]

_DTYPE_TEXTS: Final = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 int float"
    " uint b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 ? b h i l B H I L e f d".split()
)
_DTYPE_BUILTINS: Final = frozenset({"bool", "int", "float"})
_ONLY_BASES: Final = frozenset(
    {"object", "enum.Enum", "enum.IntEnum", "abc.ABC", "typing.Protocol", "typing.Generic"}
)
_ABSTRACT_TYPES: Final = frozenset(
    "ndarray generic number integer signedinteger unsignedinteger floating inexact".split()
)


class Calls(Recursion):
    """Calls and their arguments."""

    def on_call(self, node: ast.Call) -> None:
        func = node.func
        self.called.add(func)
        known = dotted(func, self.scope)
        if known is not None:
            self.silent.add(func)
            self.known_call(node, known)
        elif isinstance(func, ast.Attribute):
            self.method_call(node, func)
        elif isinstance(func, ast.Name):
            self.own_call(node, func)
        elif isinstance(func, ast.Constant):
            self.say(
                "SBX404",
                node,
                name=str(func.value)[:40],
                what="a constant",
                advice="put an operator between the two",
            )
        self.note_call(node)
        self.children(node)

    def known_call(self, node: ast.Call, known: tuple[str, Entry | None]) -> None:
        path, entry = known
        name = written(path)
        if entry is None:
            self.say(
                "SBX404", node.func, name=name, what="a module", advice="name a function of it"
            )
            return
        if not entry.callable:
            what = {"constant": "a constant", "annotation": "for annotations only"}
            self.say(
                "SBX404",
                node.func,
                name=name,
                what=what.get(entry.kind, f"a {entry.kind}"),
                advice="leave the brackets out"
                if entry.kind == "constant"
                else "use `namedtuple`"
                if name.endswith("NamedTuple")
                else "leave it out",
            )
            return
        if path in _ONLY_BASES or entry.reason.startswith("only as"):
            if node not in self.silent:
                self.say("SBX408", node.func, name=path)
            return
        if path.startswith("numpy.") and path.split(".")[-1] in _ABSTRACT_TYPES:
            self.say(
                "SBX404",
                node.func,
                name=name,
                what="a type for `isinstance`",
                advice="write `np.array(...)` or `np.zeros(...)`",
            )
            return
        self.arguments(node, name, entry)
        if path in ("getattr", "hasattr") and len(node.args) >= 2:
            self.named_attribute(node, path)
        elif path == "print":
            self.say("SBX617", node)
        elif path in ("str", "repr", "int") and node.args:
            self.refuse_function_text(node.args[0], path)
        elif path in ("numpy.histogram", "numpy.histogram_bin_edges", "numpy.histogram2d"):
            self.refuse_named_bins(node, name)
        elif path.startswith("re.") and node.args:
            self.refuse_pattern(node.args[0], name)
        elif path in ("numpy.errstate", "numpy.seterr"):
            self.refuse_loud(node, name)
        elif path.startswith("cv2.") and path != "cv2.drawContours":
            self.refuse_outputs(node, name, entry)
        self.dtype_arguments(node, entry)

    def refuse_outputs(self, node: ast.Call, name: str, entry: Entry) -> None:
        """Refuse an array that OpenCV would write its result into; None stands in its place."""
        given = [*zip(entry.params, node.args, strict=False)]
        given += [(item.arg or "", item.value) for item in node.keywords]
        for param, value in given:
            if isinstance(value, ast.Starred):
                return
            is_none = isinstance(value, ast.Constant) and value.value is None
            if param in RESULTS and not is_none:
                self.say(
                    "SBX404",
                    value,
                    name=name,
                    what=f"given `{param}` to write its result into",
                    advice="give None, or nothing, and assign the result: `y = ...`",
                )

    def refuse_pattern(self, node: ast.expr, name: str) -> None:
        """Refuse a pattern that is written out and could take without bound."""
        if name == "re.escape" or not isinstance(node, ast.Constant):
            return
        try:
            examine(node.value) if isinstance(node.value, str) else None
        except PatternRefusedError as error:
            self.say(
                "SBX404",
                node,
                name=name,
                what=f"given a pattern that {error}",
                advice="keep repeats apart, or use the methods of text: `split`, `startswith`",
            )
        except (re.error, RecursionError, OverflowError) as error:
            self.say(
                "SBX404",
                node,
                name=name,
                what=f"given what is no pattern: {str(error)[:60]}",
                advice="mend the pattern",
            )

    def refuse_loud(self, node: ast.Call, name: str) -> None:
        """Refuse ``all="raise"``: warnings of NumPy are off, and none becomes an error."""
        for item in node.keywords:
            if isinstance(item.value, ast.Constant) and item.value.value in (
                "raise",
                "call",
                "log",
            ):
                self.say(
                    "SBX404",
                    item.value,
                    name=name,
                    what=f'told to "{item.value.value}"',
                    advice="test the result: `if not np.isfinite(x): ...`",
                )

    def refuse_named_bins(self, node: ast.Call, name: str) -> None:
        """Refuse ``bins="auto"``, which would make as many bins as the values ask for."""
        at = 2 if name.endswith("2d") else 1
        given = [item.value for item in node.keywords if item.arg == "bins"]
        given = given or node.args[at : at + 1]
        for item in given:
            if isinstance(item, ast.Constant) and isinstance(item.value, str):
                self.say(
                    "SBX404",
                    item,
                    name=name,
                    what=f'given the bins "{item.value[:40]}", whose number depends on the values',
                    advice="give a number of bins or a list of edges: `bins=10`",
                )

    def refuse_function_text(self, node: ast.expr, path: str) -> None:
        what = self.nameable(node)
        if what is not None:
            self.say(
                "SBX404", node, name=path, what=f"given {what}", advice="write its name as text"
            )

    def nameable(self, node: ast.expr) -> str | None:
        """Say what an expression is if its text form would show an address."""
        if isinstance(node, ast.Lambda):
            return "a function"
        if isinstance(node, ast.Name):
            binding = self.scope.only(node.id)
            if binding is not None and binding.kind in ("function", "class", "module", "member"):
                return f"a {binding.kind}"
            if binding is None and self.scope.find(node.id) is None and node.id in BUILTINS:
                return "a function"
        return None

    def arguments(self, node: ast.Call, name: str, entry: Entry) -> None:
        stars = any(isinstance(item, ast.Starred) for item in node.args)
        doubles = any(item.arg is None for item in node.keywords)
        count = len(node.args)
        if not stars and not entry.variadic and count > len(entry.params):
            self.say(
                "SBX402",
                node,
                name=name,
                limit=len(entry.params),
                count=count,
                signature=entry.signature,
            )
        offered = (*entry.params, *entry.keywords)
        for item in node.keywords:
            if item.arg is None or entry.any_keyword or item.arg in offered:
                continue
            self.say(
                "SBX401",
                item,
                name=name,
                keyword=item.arg,
                advice=keyword_advice(name, item.arg, offered),
            )
        if stars or doubles:
            return
        given = {item.arg for item in node.keywords}
        missing = [
            param
            for index, param in enumerate(entry.params[: entry.required])
            if index >= count and param not in given
        ]
        if missing:
            words = " and ".join(f"`{item}`" for item in missing)
            self.say("SBX403", node, name=name, missing=words, signature=entry.signature)

    def named_attribute(self, node: ast.Call, path: str) -> None:
        name = node.args[1]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            asked = name.value
            strange = asked in REFUSED_ATTRIBUTES or asked in INTERNAL_ATTRIBUTES
            plain = asked.isidentifier() and not (asked.startswith("_") or strange)
            if plain and self.module.classes and dotted(node.args[0], self.scope) is None:
                return  # An object of the program's own may be asked for what only some have.
            self.read_attribute(name, name.value, dotted(node.args[0], self.scope))
        else:
            self.say("SBX405", name, name=path)

    def dtype_arguments(self, node: ast.Call, entry: Entry) -> None:
        given = [item.value for item in node.keywords if item.arg in ("dtype", "otypes")]
        if "dtype" in entry.params:
            index = entry.params.index("dtype")
            given.extend(node.args[index : index + 1])
        for item in given:
            self.dtype(item)

    def dtype(self, node: ast.expr) -> None:
        advice = "`np.float64`, `np.int64`, `np.uint8`, `bool` or another number type"
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and node.value.lstrip("<>=|") not in _DTYPE_TEXTS:
                self.say("SBX407", node, name=node.value, advice=advice)
            elif node.value is not None and not isinstance(node.value, str):
                self.say("SBX407", node, name=str(node.value)[:40], advice=advice)
            return
        if isinstance(node, ast.List | ast.Tuple | ast.Dict):
            self.say("SBX407", node, name=self.places.text(node), advice=advice)
            return
        known = dotted(node, self.scope)
        if known is None:
            return
        path, kind = known
        leaf = path.rpartition(".")[2]
        good = path in _DTYPE_BUILTINS or (
            path.startswith("numpy.")
            and kind is not None
            and kind.kind == "type"
            and leaf not in _ABSTRACT_TYPES
        )
        if not good:
            self.say("SBX407", node, name=written(path), advice=advice)
            self.silent.add(node)

    def method_call(self, node: ast.Call, func: ast.Attribute) -> None:
        """Judge the arguments of ``x.name(...)`` by all types that have such a method."""
        base = dotted(func.value, self.scope)
        if base is not None:
            if base[1] is not None and base[1].kind == "ufunc" and func.attr in METHODS["ufunc"]:
                entry = METHODS["ufunc"][func.attr]
                self.arguments(node, f"{written(base[0])}.{func.attr}", entry)
                self.dtype_arguments(node, entry)
            return
        if func.attr == "format" and isinstance(func.value, ast.Constant):
            field = plain_fields(func.value.value) if isinstance(func.value.value, str) else None
            if field is not None:
                self.say(
                    "SBX404",
                    func.value,
                    name="format",
                    what=f"given the field `{field}`, which looks into its value",
                    advice="write an f-string, or give the part itself: `format(x[0])`",
                )
        shared = self.shared(func.value) if func.attr in WRITERS else None
        if shared is not None:
            self.say("SBX209", node, name=shared[0], owner=shared[1])
        if func.attr in self.module.attributes:
            self.own_method_call(node, func)
            return
        entries = [table[func.attr] for table in METHODS.values() if func.attr in table]
        functions = [entry for entry in entries if entry.callable]
        if not functions:
            return
        if any(entry.any_keyword for entry in functions):
            return
        offered = tuple(
            dict.fromkeys(word for entry in functions for word in (*entry.params, *entry.keywords))
        )
        for item in node.keywords:
            if item.arg is not None and item.arg not in offered:
                self.say(
                    "SBX401",
                    item,
                    name=func.attr,
                    keyword=item.arg,
                    advice=keyword_advice(func.attr, item.arg, offered),
                )
        if not any(isinstance(item, ast.Starred) for item in node.args):
            limit = max(999 if entry.variadic else len(entry.params) for entry in functions)
            if len(node.args) > limit:
                self.say(
                    "SBX402",
                    node,
                    name=func.attr,
                    limit=limit,
                    count=len(node.args),
                    signature=functions[0].signature,
                )
        for entry in functions:
            self.dtype_arguments(node, entry)
            break

    def own_call(self, node: ast.Call, func: ast.Name) -> None:
        binding = self.scope.only(func.id)
        if binding is None:
            return
        if isinstance(binding.node, ast.FunctionDef) and binding.kind == "function":
            self.arity(node, binding.node, func.id, skip=0)
        elif isinstance(binding.node, ast.ClassDef) and not binding.node.bases:
            if any(last(item) == "dataclass" for item in binding.node.decorator_list):
                return
            for item in binding.node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                    self.arity(node, item, func.id, skip=1)
                    return
            if node.args or node.keywords:
                self.say(
                    "SBX618",
                    node,
                    name=func.id,
                    given=count(len(node.args) + len(node.keywords)),
                    wanted="none",
                    signature=f"{func.id}()",
                )

    def own_method_call(self, node: ast.Call, func: ast.Attribute) -> None:
        if not isinstance(func.value, ast.Name):
            return
        scope = self.scope.find(func.value.id)
        owner = scope.method_of if scope is not None else None
        if owner is None or scope is None or not isinstance(scope.node, ast.FunctionDef):
            return
        first = [*scope.node.args.posonlyargs, *scope.node.args.args][:1]
        if not first or first[0].arg != func.value.id:
            return
        for item in owner.body:
            if isinstance(item, ast.FunctionDef) and item.name == func.attr:
                static = any(last(entry) == "staticmethod" for entry in item.decorator_list)
                self.arity(node, item, f"self.{func.attr}", skip=0 if static else 1)

    def arity(self, node: ast.Call, function: ast.FunctionDef, name: str, *, skip: int) -> None:
        args = function.args
        if any(isinstance(item, ast.Starred) for item in node.args):
            return
        if any(item.arg is None for item in node.keywords):
            return
        if function.decorator_list and any(
            last(item) not in ("staticmethod", "classmethod") for item in function.decorator_list
        ):
            return
        plain = [*args.posonlyargs, *args.args]
        if skip and not plain:
            return
        required = [arg.arg for arg in plain[: len(plain) - len(args.defaults)]][skip:]
        plain = plain[skip:]
        given = {item.arg for item in node.keywords if item.arg}
        missing = [item for item in required[len(node.args) :] if item not in given]
        missing += [
            arg.arg
            for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
            if default is None and arg.arg not in given
        ]
        allowed = {arg.arg for arg in (*plain, *args.kwonlyargs)}
        surplus = [] if args.kwarg else sorted(given - allowed)
        twice = sorted(given & {arg.arg for arg in plain[: len(node.args)]})
        too_many = len(node.args) > len(plain) and args.vararg is None
        if not (missing or surplus or too_many or twice):
            return
        words = [arg.arg for arg in plain] + [f"{arg.arg}=…" for arg in args.kwonlyargs]
        if surplus:
            given_text = f"the keyword `{surplus[0]}`"
        else:
            given_text = count(len(node.args) + len(node.keywords))
        wanted = f"`{', '.join(words)}`" if words else "none"
        self.say(
            "SBX618",
            node,
            name=name,
            given=given_text,
            wanted=wanted,
            signature=f"{name}({', '.join(words)})",
        )


def keyword_advice(name: str, word: str, offered: tuple[str, ...]) -> str:
    if word == "out":
        return "leave it out and assign the result: `y = ...`"
    if word == "where":
        return f"select first: `np.where(condition, {name}(...), other)`"
    guess = nearest(word, offered)
    if guess:
        return f"did you mean `{guess}`?"
    return f"it takes {listed(offered)}" if offered else "leave it out"

"""A grammar of programs, written against whoever chooses: a seeded generator or Hypothesis.

Four moods share it. A *plain* program is valid, ends, and reads nothing that differs between the
sandbox and CPython, so both can run it and must agree. An *admitted* one also calls whatever the
dialect lists, with arguments of any kind. A *nearly valid* one has a model's typical slips. A
*hostile* one has a line that tries to get out, to use up, or to change what is not its own.

Programs are short, five lines or so: what they find does not need more, and it is the number of
programs that finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

from sandbox.dialect import BUILTINS, METHODS, MODULES

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

__all__ = ["HOSTILE", "MOODS", "Chooser", "Mood", "RandomChooser", "program"]

T = TypeVar("T")
Mood = Literal["plain", "admitted", "near", "hostile"]
MOODS: Final[tuple[Mood, ...]] = ("plain", "admitted", "near", "hostile")


class Chooser(Protocol):
    """Whoever decides: every choice is a number below some bound."""

    def below(self, bound: int) -> int:
        """Give one of ``bound`` numbers from 0 on; small ones are the simpler choice."""


class RandomChooser:
    """Decides by a seeded generator."""

    def __init__(self, source: random.Random) -> None:
        self._random = source.random

    def below(self, bound: int) -> int:
        return int(self._random() * bound)


_NUMPY_CALLS: Final = tuple(
    (f"np.{name}", entry)
    for name, entry in MODULES["numpy"].items()
    if entry.callable and entry.kind != "exception" and name != "errstate"
)
_LINALG_CALLS: Final = tuple(
    (f"np.linalg.{name}", entry)
    for name, entry in MODULES["numpy.linalg"].items()
    if entry.callable and entry.kind != "exception"
)
_MODULE_CALLS: Final = tuple(
    (f"{module}.{name}", entry)
    for module in MODULES
    if not module.startswith(("numpy", "typing", "__future__", "enum", "dataclasses"))
    for name, entry in MODULES[module].items()
    if entry.callable and entry.kind != "exception"
)
_BUILTIN_CALLS: Final = tuple(
    (name, entry)
    for name, entry in BUILTINS.items()
    if entry.callable and entry.kind != "exception" and name not in ("hasattr", "getattr", "print")
)
_CALLS: Final = (_NUMPY_CALLS, _NUMPY_CALLS, _LINALG_CALLS, _MODULE_CALLS, _BUILTIN_CALLS)
_KIND_OF_TABLE: Final = {
    "ndarray": "vec",
    "generic": "scalar",
    "str": "str",
    "list": "list",
    "tuple": "tuple",
    "dict": "dict",
    "set": "set",
    "deque": "deque",
    "int": "int",
    "float": "num",
    "Counter": "counter",
    "range": "range",
}
_METHOD_CALLS: Final = tuple(
    (_KIND_OF_TABLE[table], name, entry)
    for table, entries in METHODS.items()
    if table in _KIND_OF_TABLE
    for name, entry in entries.items()
)

_IMPORTS: Final = {
    "np.": "import numpy as np\n",
    **{
        f"{name}.": f"import {name}\n"
        for name in ("math", "collections", "functools", "itertools", "operator")
    },
}
"""How a module is named in a program, and the line that imports it."""
_ANY: Final = ("num", "int", "bool", "vec", "list", "dict", "str", "set", "tuple", "scalar", "img")
_LEAVES: Final[dict[str, tuple[str, ...]]] = {
    "num": ("0.5", "2.0", "1", "-1.5", "0.0", "3"),
    "int": ("1", "2", "0", "3", "-1", "7"),
    "bool": ("True", "False"),
    "vec": ("np.arange(4)", "np.ones(3)", 'obs["position"]', "np.array([0.5, -1.0, 2.0])"),
    "img": ('obs["image"]', 'next_obs["image"]', "np.zeros((2, 3))"),
    "list": ("[1, 2, 3]", "[0.5]", "[]", "[3, 1, 2, 1]"),
    "tuple": ("(1, 2)", "(0.5, 3, 1)", "()"),
    "dict": ('{"a": 1, "b": 2.5}', "{}", "{1: 2}"),
    "set": ("{1, 2}", "set()", "{3, 1, 2}"),
    "str": ('"ab"', '"a b"', 'obs["mission"]', '""'),
    "scalar": ("np.float64(1.5)", "np.int64(3)", 'obs["position"][0]', "np.uint8(200)"),
    "deque": ("collections.deque([1, 2], maxlen=3)", "collections.deque()"),
    "counter": ('collections.Counter("abca")', "collections.Counter([1, 1, 2])"),
    "range": ("range(4)", "range(5, 0, -2)"),
}
_WILD: Final = (
    *("None", "10**6", "-(10**6)", "1e308", "float('nan')", "float('inf')", "2**63", "-(2**63)"),
    *("2**31 - 1", "10**9", "10**18", '"x" * 50', "[[1, 2], [3]]", "[[], []]", "((1,), (2,))"),
    *("lambda x: x", "lambda *a: 1", "len", "abs", "float", "int", "np.float32", "bool", "'f8'"),
    *("slice(None)", "...", "np.newaxis", "np.zeros((0, 3))", "np.ones((3, 3))", "np.eye(2) > 0"),
    *("range(10**12)", "'object'", "object", "[None]", "[len]", "{1: [2]}", "np.uint8(250)"),
    *("iter([1, 2])", "zip([1], [2])", "(x for x in [1, 2])", "np.arange(5)[::-1]", "ValueError"),
)
_BINARY: Final = ("+", "-", "*", "+", "-", "*", "/", "//", "%")
_COMPARE: Final = ("<", "<=", ">", ">=", "==", "!=")

HOSTILE: Final = (
    # attributes that lead to the interpreter; {v} is a variable, {f} a function of the program
    *(
        "{v}.__class__",
        "{v}.__class__.__base__.__subclasses__()",
        "{v}.__dict__",
        "{f}.__globals__",
    ),
    *("{f}.__globals__['fuzz_canary']", "{f}.__code__", "{f}.__closure__", "{v}.__reduce__()"),
    *("{v}.__init__.__globals__", "().__class__.__mro__", "(i for i in [1]).gi_frame"),
    *("(i for i in [1]).gi_frame.f_back.f_globals", "(i for i in [1]).gi_code", "{f}.__defaults__"),
    *("{v}.__getattribute__('__class__')", "{v}.__array_interface__", "{v}.__array__()"),
    *('getattr({v}, "__class__")', 'getattr({v}, "__cla" + "ss__")', 'hasattr({v}, "__dict__")'),
    *('getattr({v}, "gi_frame", 1)', 'getattr(np, "save")', "getattr({v}, {w})"),
    # names that are not there
    *("type({v})", "type({v}).mro()", "globals()", "locals()", "vars({v})", "dir({v})", "id({v})"),
    *("__builtins__", "__import__('os')", "__import__('os').getcwd()", "open('/etc/hostname')"),
    *("eval('1')", "exec('1')", "compile('1', 'a', 'eval')", "super()", "memoryview({v})"),
    *("fuzz_canary", "np.fuzz_canary", "math.fuzz_canary", "np.linalg.fuzz_canary", "breakpoint()"),
    *("{v}.fuzz_canary", "object.__subclasses__()", "setattr({v}, 'a', 1)", "input()"),
    # members of modules that open files, load code or hold others
    *(
        "np.save('/tmp/fuzz_canary', {v})",
        "np.load('/etc/hostname')",
        "np.fromfile('/etc/hostname')",
    ),
    *("np.loadtxt('/etc/hostname')", "np.lib", "np.os", "np.sys", "np.ctypeslib", "np.core"),
    *("np.memmap('/etc/hostname')", "np.genfromtxt(['1'])", "np.linalg.linalg", "math.__loader__"),
    *("np.add.__reduce__()", "np.add.types", "np.frompyfunc({f}, 1, 1)", "np.vectorize({f})(1)"),
    *("{v}.tofile('/tmp/fuzz_canary')", "{v}.dump('/tmp/fuzz_canary')", "{v}.ctypes", "{v}.data"),
    *("{v}.base", "{v}.flat", "{v}.setflags(write=True)", "{v}.view('O')", "{v}.dtype.type"),
    *("np.array([{v}], dtype=object)", "np.array([{f}])", "np.empty(3, 'O')", "{v}.astype(object)"),
    *("functools.reduce.__globals__", "itertools.__loader__", "operator.attrgetter('a')({v})"),
    *("collections.abc.sys", "collections._sys", "functools.partial({f}).func.__globals__"),
    # texts that walk
    *("'{{0.__class__}}'.format({v})", "'{{0.__code__}}'.format({f})", "'%s' % ({f},)"),
    *("'{{a.__globals__}}'.format_map(dict(a={f}))", "f'{{ {v}.__class__ }}'", "str({f})"),
    *("'{{0.__globals__[fuzz_canary]}}'.format({f})", "repr({f})", "f'{{ {f} }}'"),
    # more than a row may use
    *("9**9**9", "2**10**7", "1 << 10**8", "[0] * 10**10", "'a' * 10**10", "list(range(10**9))"),
    *(
        "sum(range(10**9))",
        "[i for i in range(10**12)]",
        "np.zeros(10**10)",
        "np.ones((10**5,) * 2)",
    ),
    *("'%1000000000d' % 1", "f'{{1:1000000000}}'", "max(range(10**10))", "math.factorial(10**6)"),
    *("sorted(range(10**8))", "[[j for j in range(1000)] for i in range(1000000)]"),
    *("any(i < 0 for i in range(10**12))", "np.repeat({v}, 10**9)", "10**1000 % 7"),
    *("np.partition({v}, -2147483648)", "np.pad({v}, 10**8)", "math.comb(10**5, 5 * 10**4)"),
)
_HOSTILE_LINES: Final = (
    # writes into what is not the program's own; a line stands alone
    *("obs['image'][0, 0, 0] = 9", "obs['image'][:] = 0", "next_obs['position'] += 1"),
    *("obs['position'].fill(7)", "obs['position'].sort()", "obs['new'] = 1", "obs.clear()"),
    *("np.add(1, 1, out=obs['position'])", "np.add(obs['position'], 1, obs['position'])"),
    *(
        "TOP.append(1)",
        "TOP.append(TOP[-1] + 1)",
        "TOP[0] = TOP[0] + 1",
        "TOP += [1]",
        "np.pi = 4",
        "math.pi = 3",
        "reward.x = 1",
    ),
    *("TABLE['a'] = TABLE.get('a', 0) + 1", "HELD.x = HELD.x + 1", "Kept.count += 1"),
    *("{v}.__class__ = int", "np.float64 = 1", "del obs['image']", "SET.add({w})"),
    *(
        "global TOP",
        "import os",
        "from os import system",
        "import numpy.lib.format as f",
        "import cv2",
    ),
    *("while True: pass", "for i in iter(int, 1): pass", "[{v} for _ in iter(int, 1)]"),
    *("try:\n    {v}.__class__\nexcept BaseException:\n    pass", "raise SystemExit({w})"),
    *("try:\n    while True:\n        pass\nexcept:\n    pass", "raise KeyboardInterrupt"),
    *("while True:\n    try:\n        while True: pass\n    finally:\n        continue",),
    *("x = []\nfor i in range(60):\n    x = [x, x]\nx == x[:]\nstr(x)",),
    *("x = (1,)\nfor i in range(60):\n    x = (x, x)\n{w} in x",),
    *("x = 'ab'\nfor i in range(60):\n    x = x + x", "x = [1]\nfor i in x:\n    x.append(i)"),
)


class _Writer:
    """Writes one program."""

    def __init__(self, chooser: Chooser, mood: Mood) -> None:
        self._below = chooser.below
        self._mood = mood
        self._free = mood != "plain"
        self._names: dict[str, list[str]] = {}
        self._functions: list[str] = ["reward"]
        self._count = 0
        self._budget = 24

    # --- choosing -------------------------------------------------------------------------------

    def _pick(self, options: Sequence[T]) -> T:
        return options[self._below(len(options))]

    def _chance(self, percent: int) -> bool:
        return self._below(100) >= 100 - percent

    def _new(self, kind: str) -> str:
        self._count += 1
        name = f"v{self._count}"
        self._names.setdefault(kind, []).append(name)
        return name

    # --- expressions ----------------------------------------------------------------------------

    def expr(self, kind: str, depth: int = 0) -> str:
        self._budget -= 1
        known = self._names.get(kind)
        if depth > 2 or self._budget < 0:
            return self._leaf(kind, known)
        if known and self._chance(45):
            return self._pick(known)
        if self._free and self._chance(12):
            return self._admitted(depth)
        maker = getattr(self, f"_{kind}", None)
        if maker is None or self._chance(25):
            return self._leaf(kind, known)
        return str(maker(depth + 1))

    def _leaf(self, kind: str, known: list[str] | None) -> str:
        if known and self._chance(60):
            return self._pick(known)
        return self._pick(_LEAVES[kind])

    def _num(self, d: int) -> str:
        e = self.expr
        options: tuple[Callable[[], str], ...] = (
            lambda: f"({e('num', d)} {self._pick(_BINARY)} {e('num', d)})",
            lambda: f"float(np.sum({e('vec', d)}))",
            lambda: f"abs({e('num', d)})",
            lambda: f"({e('num', d)} if {e('bool', d)} else {e('num', d)})",
            lambda: f"max({e('num', d)}, {e('num', d)})",
            lambda: f"sum({e('list', d)})",
            lambda: f"float({e('vec', d)}[{self._below(3)}])",
            lambda: f"math.tanh({e('num', d)})",
            lambda: f"sum({e('num', 3)} for q in {e('list', d)})",
            lambda: f"float(np.linalg.norm({e('vec', d)}))",
            lambda: f"{e('dict', d)}.get('a', {e('num', d)})",
            lambda: f"len({e(self._pick(('list', 'str', 'dict', 'set', 'tuple')), d)})",
            lambda: f"(-{e('num', d)})",
            lambda: f"round({e('num', d)}, {self._below(4)})",
            lambda: f"min([{e('num', d)}, {e('num', d)}])",
            lambda: f"float({e('img', d)}.mean())",
        )
        return self._pick(options)()

    _scalar = _num

    def _int(self, d: int) -> str:
        e = self.expr
        options: tuple[Callable[[], str], ...] = (
            lambda: f"({e('int', d)} {self._pick(('+', '-', '*', '&', '|', '^'))} {e('int', d)})",
            lambda: f"int({e('num', d)})",
            lambda: f"len({e('list', d)})",
            lambda: f"({e('int', d)} % {1 + self._below(5)})",
            lambda: "int(action)",
            lambda: f"int(np.argmax({e('vec', d)}))",
            lambda: f"({e('int', d)} << {self._below(9)})",
            lambda: f"{e('list', d)}.count({e('int', d)})",
        )
        return self._pick(options)()

    def _bool(self, d: int) -> str:
        e = self.expr
        options: tuple[Callable[[], str], ...] = (
            lambda: f"({e('num', d)} {self._pick(_COMPARE)} {e('num', d)})",
            lambda: f"bool(np.any({e('vec', d)} > {e('num', d)}))",
            lambda: f"({e('bool', d)} and {e('bool', d)})",
            lambda: f"(not {e('bool', d)})",
            lambda: f"({e('int', d)} in {e(self._pick(('list', 'set', 'dict', 'tuple')), d)})",
            lambda: f"any(q > {e('num', 3)} for q in {e('list', d)})",
            lambda: f"isinstance({e('num', d)}, {self._pick(('int', 'float', '(int, float)'))})",
            lambda: f"({e('list', d)} == {e('list', d)})",
            lambda: f"{e('str', d)}.startswith({e('str', d)})",
        )
        return self._pick(options)()

    def _vec(self, d: int) -> str:
        e = self.expr
        options: tuple[Callable[[], str], ...] = (
            lambda: f"({e('vec', d)} {self._pick(('+', '-', '*'))} {e('num', d)})",
            lambda: f"np.array({e('list', d)}, dtype=float)",
            lambda: f"np.clip({e('vec', d)}, -1, 1)",
            lambda: f"np.where({e('vec', d)} > 0, {e('num', d)}, {e('num', d)})",
            lambda: f"np.cumsum({e('vec', d)})",
            lambda: f"{e('vec', d)}[{self._pick(('1:', ':-1', '::2', '::-1', '[0, 1]'))}]",
            lambda: f"np.sort({e('vec', d)})",
            lambda: f"{e('img', d)}.reshape(-1)[:5].astype(float)",
            lambda: f"np.abs({e('vec', d)})",
            lambda: f"{e('vec', d)}.copy()",
            lambda: f"np.concatenate([{e('vec', d)}, {e('vec', d)}])",
            lambda: f"np.zeros({self._below(5)})",
        )
        return self._pick(options)()

    def _img(self, d: int) -> str:
        e = self.expr
        options: tuple[Callable[[], str], ...] = (
            lambda: f"{e('img', d)}.T",
            lambda: f"np.stack([{e('vec', d)}, {e('vec', d)}])",
            lambda: f"({e('img', d)} == {e('int', d)})",
            lambda: f"{e('img', d)}[..., :1]",
            lambda: f"({e('img', d)} + {e('img', d)})",
            lambda: f"np.outer({e('vec', d)}, {e('vec', d)})",
        )
        return self._pick(options)()

    def _list(self, d: int) -> str:
        e = self.expr
        options: tuple[Callable[[], str], ...] = (
            lambda: f"[{e('num', d)}, {e('num', d)}]",
            lambda: f"[q * {e('num', 3)} for q in {e('list', d)}]",
            lambda: f"sorted({e('list', d)})",
            lambda: f"({e('list', d)} + {e('list', d)})",
            lambda: f"list(range({self._below(6)}))",
            lambda: f"{e('list', d)}[{self._pick(('1:', ':2', '::-1'))}]",
            lambda: f"{e('vec', d)}.tolist()",
            lambda: f"list(map(lambda q: q + {e('num', 3)}, {e('list', d)}))",
            lambda: f"[q for q in {e('list', d)} if q > {e('num', 3)}]",
            lambda: f"({e('list', d)} * {self._below(4)})",
            lambda: f"list({e('dict', d)}.values())",
            lambda: f"[*{e('list', d)}, {e('num', d)}]",
            lambda: f"list({e('tuple', d)})",
        )
        return self._pick(options)()

    def _tuple(self, d: int) -> str:
        e = self.expr
        options: tuple[Callable[[], str], ...] = (
            lambda: f"({e('num', d)}, {e('num', d)})",
            lambda: f"tuple({e('list', d)})",
            lambda: f"({e('tuple', d)} + {e('tuple', d)})",
            lambda: f"{e('img', d)}.shape",
        )
        return self._pick(options)()

    def _dict(self, d: int) -> str:
        e = self.expr
        options: tuple[Callable[[], str], ...] = (
            lambda: f"{{'a': {e('num', d)}, 'b': {e('num', d)}}}",
            lambda: f"{{q: {e('num', 3)} for q in {e('list', d)}}}",
            lambda: f"dict(a={e('num', d)})",
            lambda: f"{{**{e('dict', d)}, 'c': {e('num', d)}}}",
            lambda: f"dict(zip({e('list', d)}, {e('list', d)}))",
        )
        return self._pick(options)()

    def _set(self, d: int) -> str:
        e = self.expr
        options: tuple[Callable[[], str], ...] = (
            lambda: f"set({e('list', d)})",
            lambda: f"({e('set', d)} {self._pick(('|', '&', '-', '^'))} {e('set', d)})",
            lambda: f"{{q for q in {e('list', d)}}}",
            lambda: f"{{{e('int', d)}, {e('int', d)}}}",
        )
        return self._pick(options)()

    def _str(self, d: int) -> str:
        e = self.expr
        options: tuple[Callable[[], str], ...] = (
            lambda: f"({e('str', d)} + {e('str', d)})",
            lambda: f"str({e(self._pick(('num', 'int', 'list', 'tuple', 'dict', 'vec')), d)})",
            lambda: f"f'{{{e('num', 3)}:.{self._below(4)}f}}'" if d < 9 else "''",
            lambda: f"{e('str', d)}.upper()",
            lambda: f"', '.join([{e('str', d)}, {e('str', d)}])",
            lambda: f"{e('str', d)}[{self._pick(('1:', ':2', '::-1'))}]",
            lambda: f"{e('str', d)}.replace({e('str', d)}, {e('str', d)})",
            lambda: f"repr({e(self._pick(('num', 'str', 'list', 'set')), d)})",
        )
        return self._pick(options)()

    def _argument(self, depth: int) -> str:
        if self._chance(22):
            return self._pick(_WILD)
        return self.expr(self._pick(_ANY), depth + 1)

    def _admitted(self, depth: int) -> str:
        """Call something of the dialect's tables with arguments of any kind."""
        if self._chance(45):
            kind, name, entry = self._pick(_METHOD_CALLS)
            receiver = self.expr(kind, depth + 1)
            if kind in ("int", "num", "range"):
                receiver = f"({receiver})"
            if entry.kind == "constant":
                return f"{receiver}.{name}"
            return f"{receiver}.{name}({self._arguments(entry, depth)})"
        name, entry = self._pick(self._pick(_CALLS))
        return f"{name}({self._arguments(entry, depth)})"

    def _arguments(self, entry: Any, depth: int) -> str:
        most = len(entry.params) + (2 if entry.variadic else 0)
        count = min(entry.required + self._below(3), most)
        parts = [self._argument(depth) for _ in range(count)]
        if entry.keywords and self._chance(25):
            parts.append(f"{self._pick(entry.keywords)}={self._argument(depth)}")
        return ", ".join(parts)

    # --- statements -----------------------------------------------------------------------------

    def assign(self, kind: str | None = None) -> list[str]:
        kind = kind or self._pick(_ANY)
        value = self.expr(kind)
        return [f"{self._new(kind)} = {value}"]

    def statement(self, depth: int) -> list[str]:
        e = self.expr
        lists, dicts, vecs, nums = (self._names.get(k) for k in ("list", "dict", "vec", "num"))
        choice = self._below(22 if depth < 1 else 12)
        if choice == 1 and nums:
            return [f"{self._pick(nums)} {self._pick(('+=', '-=', '*='))} {e('num')}"]
        if choice == 2 and lists:
            which = self._pick(lists)
            value = e("num")
            calls = (f"append({value})", "reverse()", f"insert(0, {value})", "sort()")
            return [f"{which}.{self._pick(calls)}"]
        if choice == 3 and dicts:
            return [f"{self._pick(dicts)}[{e('int')}] = {e('num')}"]
        if choice == 4 and vecs:
            which = self._pick(vecs)
            return [f"{which} = {which}.astype(float)", f"{which}[:1] = {e('num')}"]
        if choice == 5 and lists and self._free:
            return [f"{self._pick(lists)}[{self._pick((':', ':0', '1:', '::2'))}] = {e('list')}"]
        if choice == 6:
            values = f"{e('num')}, {e('num')}"
            return [f"{self._new('num')}, {self._new('num')} = {values}"]
        if choice == 7 and self._free:
            return [f"{self._new('any')} = {self._admitted(0)}"]
        if choice in (12, 13):
            test = e("bool")
            return [f"if {test}:", *self._block(depth), "else:", *self._block(depth)]
        if choice in (14, 15):
            over = self._pick((f"range({1 + self._below(4)})", e("list"), e("list"), e("set")))
            kept = {kind: list(names) for kind, names in self._names.items()}
            name = self._new("num")
            lines = [f"for {name} in {over}:", *self._block(depth)]
            self._names = kept
            return lines
        if choice == 16:
            name = self._new("int")
            body = self._block(depth)
            return [f"{name} = {self._below(4)}", f"while {name} > 0:", f"    {name} -= 1", *body]
        if choice == 17:
            kind = self._pick(("ZeroDivisionError", "Exception", "(ValueError, TypeError)"))
            return ["try:", *self._block(depth), f"except {kind}:", *self._block(depth)]
        if choice == 18:
            return self._function()
        if choice == 19:
            subject, first, second = e("int"), e("num"), e("num")
            name = self._new("num")
            lines = [
                f"match {subject}:",
                f"    case {self._below(3)}:",
                f"        {name} = {first}",
            ]
            return [*lines, "    case _:", f"        {name} = {second}"]
        if choice == 20:
            return ["with np.errstate(all='ignore'):", *self._block(depth)]
        return self.assign()

    def _function(self) -> list[str]:
        self._count += 1
        name = f"f{self._count}"
        kept = {kind: list(names) for kind, names in self._names.items()}
        self._names.setdefault("num", []).append("p")
        body = self.assign("num")
        result = self.expr("num")
        self._names = kept
        self._functions.append(name)
        value = self.expr("num")
        made = self._new("num")
        lines = [f"def {name}(p, q=2):", *(f"    {line}" for line in body)]
        return [*lines, f"    return {result}", f"{made} = {name}({value})"]

    def _block(self, depth: int) -> list[str]:
        kept = {kind: list(names) for kind, names in self._names.items()}
        lines = [line for _ in range(1 + self._below(2)) for line in self.statement(depth + 1)]
        # What is bound in a branch may be unbound after it.
        self._names = kept
        return [f"    {line}" for line in lines]

    # --- programs -------------------------------------------------------------------------------

    def hostile(self) -> list[str]:
        """Write lines that must not work."""
        every = [name for names in self._names.values() for name in names] or ["obs"]
        words = {"v": self._pick(every), "w": self._pick(every), "f": self._pick(self._functions)}
        if self._chance(50):
            text = self._pick(_HOSTILE_LINES).format(**words)
            return text.split("\n")
        made = self._new("any")
        return [f"{made} = {self._pick(HOSTILE).format(**words)}"]

    def program(self) -> str:
        self._names = {"num": [], "int": ["action"]}
        body: list[str] = []
        for _ in range(1 + self._below(5) // 3):
            self._budget = 6
            body.extend(self.statement(0))
        top = ""
        if self._mood == "hostile":
            body.extend(self.hostile())
            top = (
                "TOP = [0]\nTABLE = {'a': 0}\nSET = {1}\n"
                "class Kept:\n    count = 0\n    def __init__(self):\n        self.x = 0\n"
                "HELD = Kept()\n"
            )
            if not self._chance(60):
                top = ""
        self._budget = 3
        result = self.expr("num")
        if self._mood == "hostile" and top:
            ends = ("TOP[-1]", "len(TOP)", "TABLE['a']", "HELD.x", "Kept.count", "len(SET)")
            result = f"{self._pick(ends)} + {result}"
        if self._free and self._below(8) == 7:
            made = self._class(body, result)
        else:
            text = "".join(f"    {line}\n" for line in body)
            made = f"def reward(obs, action, next_obs):\n{text}    return {result}\n"
        return "".join(line for word, line in _IMPORTS.items() if word in made) + top + made

    def _class(self, body: list[str], result: str) -> str:
        text = "".join(f"        {line}\n" for line in body)
        kept = self._pick(("self.kept + 1", "0", result, "[self.kept]", "(1, 2)"))
        return (
            "class Reward:\n    def __init__(self):\n        self.kept = 0\n        self.many = []\n"
            f"    def step(self, obs, action, next_obs):\n{text}"
            f"        self.kept = {kept}\n        self.many.append({result})\n"
            f"        return {result} + len(self.many)\n"
        )


_SLIPS: Final = (
    *(("np.", "numpy."), ("obs[", "state["), ("(", "(("), (" = ", " == "), ("np.sum", "np.summ")),
    *((":\n", "\n"), ("'a'", "a"), ("return ", "return"), ("    ", "  "), (")", ""), ("v1", "v9")),
    *(("float(", "flaot("), ("obs, ", ""), ("[", "("), (" in ", " of "), ("import math\n", "")),
    *(("range(", "range(len("), ("next_obs", "next_observation"), ("action", "act"), (".T", ".t")),
    *(("'position'", "'positions'"), ("def reward", "async def reward"), ("return", "yield")),
)


def program(chooser: Chooser, mood: Mood) -> str:
    """Write one program."""
    writer = _Writer(chooser, mood)
    text = writer.program()
    if mood == "near":
        for _ in range(1 + chooser.below(2)):
            old, new = _SLIPS[chooser.below(len(_SLIPS))]
            places = text.count(old)
            if places:
                at = -1
                for _ in range(1 + chooser.below(places)):
                    at = text.find(old, at + 1)
                text = text[:at] + new + text[at + len(old) :]
    return text

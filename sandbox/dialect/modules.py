"""The chapter of modules: which there are, what is in them, and what is refused with a hint."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sandbox.dialect.arrays import NUMPY, NUMPY_FFT, NUMPY_LINALG
from sandbox.dialect.entries import Entry, group, table_of
from sandbox.dialect.pictures import CV2, REFUSED_CV2
from sandbox.dialect.reasons import ANNOTATION, MAKES, MATCHES, PAYS, PURE, REFLECT, SILENT

__all__ = ["MODULES", "REFUSED_MEMBERS", "REFUSED_MODULES"]

_MATH = table_of(
    group("a number", "pi e tau inf nan", kind="constant"),
    group(
        PURE,
        "acos acosh asin asinh atan atanh ceil cos cosh degrees erf erfc exp exp2 expm1 fabs: x",
        "floor frexp gamma isfinite isinf isnan lgamma log10 log1p log2 modf radians sin: x",
        "sinh sqrt cbrt tan tanh trunc isqrt ulp: x",
        "atan2: y x",
        "copysign fmod pow remainder nextafter: x y",
        "ldexp: x i",
        "log: x base?",
        "hypot gcd lcm: *",
        "dist: p q",
        "isclose: a b | rel_tol abs_tol",
    ),
    group(PAYS, "fsum: seq", "prod: iterable | start"),
    group("integer results are capped in size", "factorial: n", "comb: n k", "perm: n k?"),
)

_TYPING = table_of(
    group(
        ANNOTATION,
        "Annotated Any Callable ClassVar Collection Container Counter DefaultDict Deque Dict",
        "Final FrozenSet Hashable Iterable Iterator List Literal Mapping",
        "MutableMapping MutableSequence NoReturn Never Optional OrderedDict Sequence",
        "Self Set Sized Tuple Type TypeAlias Union SupportsFloat SupportsInt Reversible",
        "Generator",
        kind="annotation",
    ),
    group("a tuple with names, as a base class", "NamedTuple", kind="annotation"),
    group("gives its second argument", "cast: typ val"),
    group("as base classes; they add nothing when they run", "Protocol Generic:", kind="type"),
    group("makes a dict when it runs", "TypedDict: **", kind="type"),
    group("gives a name for annotations", "TypeVar: name * | bound covariant contravariant"),
    group("gives a function that gives its argument", "NewType: name tp"),
    group("decorators that do nothing when they run", "final no_type_check overload: x"),
    group("always False here", "TYPE_CHECKING", kind="constant"),
)

_COLLECTIONS_ABC = table_of(
    group(
        "for isinstance and annotations",
        "Callable Collection Container Generator Hashable Iterable Iterator Mapping",
        "MutableMapping MutableSequence MutableSet Reversible Sequence Set Sized",
        kind="type",
    )
)

_STATISTICS = "pays for each number it goes through; numbers only"
_HEAPQ = table_of(
    group("changes a list that the program made", "heappush heappushpop heapreplace: heap item"),
    group("changes a list that the program made", "heappop heapify: heap"),
    group(PAYS, "nlargest nsmallest: n iterable key?"),
)

_BISECT = table_of(
    group(PURE, "bisect bisect_left bisect_right: a x lo? hi? | key"),
    group("changes a list that the program made", "insort insort_left: a x lo? hi? | key"),
    group("changes a list that the program made", "insort_right: a x lo? hi? | key"),
)

_STATISTICS_TABLE = table_of(
    group(_STATISTICS, "mean geometric_mean median median_low median_high: data"),
    group(_STATISTICS, "fmean: data weights?", "harmonic_mean: data weights?"),
    group(_STATISTICS, "stdev variance: data xbar?", "pstdev pvariance: data mu?"),
    group(_STATISTICS, "quantiles: data | n method", "correlation covariance: x y"),
    group(PAYS, "mode multimode: data"),
    group("a plain exception", "StatisticsError: *", kind="exception"),
)

_RE = table_of(
    group(
        "reads the pattern, and refuses what could take without bound", "compile: pattern flags?"
    ),
    group(MATCHES, "search match fullmatch findall finditer: pattern string flags?"),
    group(MATCHES, "split: pattern string maxsplit? flags?"),
    group(MATCHES, "sub: pattern repl string count? flags?"),
    group(MAKES, "escape: pattern"),
    group("a plain exception", "error: *", kind="exception"),
    group(
        "a number",
        "I IGNORECASE M MULTILINE S DOTALL A ASCII X VERBOSE",
        kind="constant",
    ),
)

_LOGGING = table_of(
    group(SILENT, "debug info warning error exception critical: msg *"),
    group(SILENT, "log: level msg *", "basicConfig: **", "disable: level?"),
    group("gives a logger that does nothing", "getLogger: name?"),
    group("a number", "NOTSET DEBUG INFO WARNING ERROR CRITICAL", kind="constant"),
)

MODULES: Final[Mapping[str, Mapping[str, Entry]]] = MappingProxyType(
    {
        "numpy": NUMPY,
        "numpy.linalg": NUMPY_LINALG,
        "numpy.fft": NUMPY_FFT,
        "numpy.typing": table_of(
            group(ANNOTATION, "NDArray ArrayLike DTypeLike", kind="annotation")
        ),
        "math": _MATH,
        "typing": _TYPING,
        "collections": table_of(
            group(MAKES, "deque: iterable? maxlen?", kind="type"),
            group(MAKES, "defaultdict: default_factory? iterable? **", kind="type"),
            group(MAKES, "OrderedDict: iterable? **", kind="type"),
            group(MAKES, "Counter: iterable? **", kind="type"),
            group("a tuple with names", "namedtuple: typename field_names | defaults"),
            group("a view of its own", "abc", kind="module"),
        ),
        "collections.abc": _COLLECTIONS_ABC,
        "dataclasses": table_of(
            group(
                "makes `__init__` and `__eq__` from the fields",
                "dataclass: cls? | init repr eq order frozen slots kw_only unsafe_hash",
            ),
            group(
                "one field of a data class",
                "field: | default default_factory init repr compare kw_only",
            ),
            group("a copy with some fields changed", "replace: obj **"),
            group("the fields as plain values; pays for each", "asdict astuple: obj"),
            group("a type of the program's own, or not", "is_dataclass: obj"),
        ),
        "enum": table_of(
            group("constants with names, as a base class", "Enum IntEnum: value?", kind="type"),
            group("the next number", "auto:"),
            group("checks the names of an enum", "unique: x"),
        ),
        "functools": table_of(
            group(PAYS, "reduce: function iterable initial?"),
            group("a function with some arguments given", "partial: func * **"),
            group("a key for sorting", "cmp_to_key: func"),
            group("remembers results for the length of one row", "lru_cache: maxsize? typed?"),
            group("remembers results for the length of one row", "cache: user_function"),
            group("does nothing: names of functions cannot be read", "wraps: wrapped"),
            group("makes the other comparisons of a class from one", "total_ordering: cls"),
        ),
        "itertools": table_of(
            group(PAYS, "accumulate: iterable func? | initial"),
            group("pays for each item as it is taken", "count: start? step?", "cycle: iterable"),
            group(PAYS, "chain: *", "compress: data selectors", "pairwise: iterable"),
            group(PAYS, "combinations combinations_with_replacement: iterable r"),
            group(PAYS, "permutations: iterable r?", "product: * | repeat"),
            group(PAYS, "dropwhile takewhile filterfalse: predicate iterable"),
            group(PAYS, "groupby: iterable key?", "islice: iterable a b? c?"),
            group(PAYS, "repeat: object times", "starmap: function iterable"),
            group(PAYS, "zip_longest: * | fillvalue"),
        ),
        "operator": table_of(
            group(
                "the operator as a function, guarded alike",
                "add sub mul truediv floordiv mod matmul and_ or_ xor: a b",
                "eq ne lt le gt ge is_ is_not: a b",
                "contains getitem: a b",
                "neg pos abs not_ truth invert: a",
                "itemgetter: item *",
            ),
        ),
        "heapq": _HEAPQ,
        "bisect": _BISECT,
        "statistics": _STATISTICS_TABLE,
        "re": _RE,
        "copy": table_of(group(MAKES, "copy deepcopy: x")),
        "logging": _LOGGING,
        "warnings": table_of(
            group(SILENT, "warn: message category? stacklevel?"),
            group(SILENT, "filterwarnings: action * | category", "simplefilter: action *"),
        ),
        "string": table_of(
            group(
                "a text",
                "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits",
                "punctuation whitespace",
                kind="constant",
            )
        ),
        "numbers": table_of(
            group("for isinstance", "Number Complex Real Rational Integral", kind="type")
        ),
        "types": table_of(group("an object with the given attributes", "SimpleNamespace: **")),
        "abc": table_of(
            group("as a base class", "ABC:", kind="type"),
            group("only as a decorator", "abstractmethod: funcobj"),
        ),
        "cv2": CV2,
        "__future__": table_of(
            group("annotations are never evaluated anyway", "annotations", kind="annotation")
        ),
    }
)

_NO_FILES = "a program has no files, processes or network; what it reads are its arguments"
_NO_CLOCK = "count the steps with the parameter `t`; a program has no clock"
_NO_CHANCE = "a reward must be the same for the same transition; leave the randomness out"
REFUSED_MODULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # module: what to write instead
        "PIL": "use `cv2` and `numpy`; a frame is an array already",
        "skimage": "write the same with `cv2`: `cv2.connectedComponentsWithStats`",
        "imageio": "use `cv2`; a frame is an array already",
        "torch": "one call gets one transition: write the same with `math` or `numpy`",
        "jax": "one call gets one transition: write the same with `math` or `numpy`",
        "tensorflow": "one call gets one transition: write the same with `math` or `numpy`",
        "scipy": "write the formula out with `numpy`",
        "pandas": "use a dict of lists, or NumPy arrays",
        "gym": "the environment is not here; read the parameters of the function",
        "gymnasium": "the environment is not here; read the parameters of the function",
        "minigrid": "the environment is not here; write the numbers of its encoding out",
        "random": _NO_CHANCE,
        "secrets": _NO_CHANCE,
        "time": _NO_CLOCK,
        "datetime": _NO_CLOCK,
        "os": _NO_FILES,
        "sys": _NO_FILES,
        "io": _NO_FILES,
        "pathlib": _NO_FILES,
        "glob": _NO_FILES,
        "shutil": _NO_FILES,
        "subprocess": _NO_FILES,
        "socket": _NO_FILES,
        "requests": _NO_FILES,
        "urllib": _NO_FILES,
        "pickle": _NO_FILES,
        "json": _NO_FILES,
        "fractions": "use floating-point numbers",
        "decimal": "use floating-point numbers",
        "cmath": "keep the two parts as two numbers",
        "numba": "leave it out; the runtime compiles the program itself",
    }
)

_RANDOM = _NO_CHANCE
_OBJECT = "use arrays of numbers or bools"
REFUSED_MEMBERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # dotted name: what to write instead
        "numpy.random": _RANDOM,
        "numpy.load": _NO_FILES,
        "numpy.save": _NO_FILES,
        "numpy.loadtxt": _NO_FILES,
        "numpy.genfromtxt": _NO_FILES,
        "numpy.fromfile": _NO_FILES,
        "numpy.memmap": _NO_FILES,
        "numpy.fromstring": "split the text and call `float` on each part",
        "numpy.frombuffer": "write `np.array([...])`",
        "numpy.ma": "use a mask: `np.where(mask, a, b)`",
        "numpy.matrix": "use `np.array` with two dimensions",
        "numpy.lib": "index the array",
        "numpy.ctypeslib": "index the array",
        "numpy.frompyfunc": "write a loop or an array expression",
        "numpy.nditer": "write a loop over `array.ravel()`",
        "numpy.object_": _OBJECT,
        "numpy.str_": _OBJECT,
        "numpy.bytes_": _OBJECT,
        "numpy.complex64": "keep the two parts as two arrays",
        "numpy.complex128": "keep the two parts as two arrays",
        "numpy.longdouble": "use `np.float64`",
        "numpy.datetime64": _NO_CLOCK,
        "numpy.float": "use `float` or `np.float64`",
        "numpy.int": "use `int` or `np.int64`",
        "numpy.object": _OBJECT,
        "numpy.str": "use `str`",
        "numpy.trapz": "use `np.trapezoid`",
        "numpy.row_stack": "use `np.vstack`",
        "numpy.in1d": "use `np.isin`",
        "numpy.product": "use `np.prod`",
        "numpy.cumproduct": "use `np.cumprod`",
        "numpy.sometrue": "use `np.any`",
        "numpy.alltrue": "use `np.all`",
        "numpy.float_": "use `np.float64`",
        "numpy.Inf": "use `np.inf`",
        "numpy.NaN": "use `np.nan`",
        "numpy.linalg.eig": "use `np.linalg.eigh` on a symmetric matrix",
        "numpy.linalg.eigvals": "use `np.linalg.eigvalsh` on a symmetric matrix",
        "functools.cached_property": "compute the value in `__init__` or `reset`",
        "itertools.tee": "make a list and go through it twice",
        "operator.attrgetter": "write `lambda item: item.name`",
        "operator.methodcaller": "write `lambda item: item.method()`",
        "operator.pow": "write `a ** b`",
        "collections.UserDict": "use a dict",
        "collections.ChainMap": "merge the dicts: `{**a, **b}`",
        "typing.get_type_hints": REFLECT,
        **REFUSED_CV2,
        "enum.Flag": "use integer constants",
        "enum.IntFlag": "use integer constants",
    }
)

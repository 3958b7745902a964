"""Why a program stays in the interpreted tier: code, what it means, why, what to write instead.

Data and no logic, the part of `sandbox.rules` about the compiled tier. A reason is no fault of
the program: the interpreted tier takes it and gives the same rewards, only slower. The hundreds
group by what is looked at: 1xx syntax, 2xx containers, 3xx lengths and types that must be known,
4xx numbers and functions, 5xx arrays, 6xx text, 7xx what ``self`` keeps, 8xx components, 9xx and
000 the compiler as a whole. A test compares the codes here with those the source uses.
"""

from __future__ import annotations

from typing import Final

__all__ = ["TIER_REASONS"]

_UNUSUAL = "the compiled tier translates what reward programs use, and leaves the rest out"
_LENGTH = "machine code is made once for all rows, so sizes and shapes have to be known before"
_TYPE = "machine code is made once for all rows, so every value needs a type known before"
_DATA = "it would need memory whose size depends on the values of a row"
_UNFOLDS = "it is unfolded into one step per element, and the code would grow too long"
_EXACT = "the result would not be the same to the last digit as in the interpreted tier"
_ORDER = "the order, which Python and NumPy make visible, would be lost"
_SHARED = "the kernel keeps one copy of each array and could not show the change everywhere"
_STATE = "what `self` keeps lies in one fixed place for every row, with one type"
_CONSTANT = "the code depends on this value, so it has to be a constant"

_SYNTAX: Final = (
    (
        "CMP101",
        "an expression of this kind is not taken",
        _UNUSUAL,
        "write it with arithmetic, calls, subscripts or comprehensions",
    ),
    (
        "CMP102",
        "a literal of this kind, or an integer beyond 64 bits, is not taken",
        "numbers of the kernel have at most 64 bits",
        "use an int within 64 bits, a float, a bool, a str or None",
    ),
    (
        "CMP103",
        "an assignment expression in a list of unknown length that is made on demand is not taken",
        _UNUSUAL,
        "write the comprehension as a `for` loop",
    ),
    (
        "CMP104",
        "`is` is used between values whose identity is not known",
        "the kernel has values and no objects",
        "compare with `==`; keep `is` for None, True and False",
    ),
    (
        "CMP105",
        "these containers or arrays are not compared",
        _UNUSUAL,
        "compare numbers, or use `np.array_equal` on arrays of one shape",
    ),
    (
        "CMP106",
        "`**` passes something else than a dict whose keys are known",
        "which parameter gets which value has to be known before",
        "pass the arguments by name",
    ),
    (
        "CMP107",
        "a statement of this kind is not taken",
        _UNUSUAL,
        "write it with `if`, `for`, `while` and assignments; leave out `with np.errstate(...)`",
    ),
    (
        "CMP108",
        "this is no target of an assignment that the compiled tier takes",
        _UNUSUAL,
        "assign to a name, an attribute of `self`, a subscript or a tuple of those",
    ),
    ("CMP109", "`@=` is not taken", _UNUSUAL, "write `a = a @ b`"),
    (
        "CMP110",
        "an attribute of a class is assigned",
        "no row may change what other rows see",
        "assign the attribute on `self`",
    ),
    (
        "CMP111",
        "`del` is not taken",
        _UNUSUAL,
        "use `pop`, or make a new container without the element",
    ),
    (
        "CMP112",
        "`raise` is used without an exception, or with something else than an exception class",
        "which exception it is has to be known before",
        'name the exception: `raise ValueError("...")`',
    ),
    (
        "CMP113",
        "a `match` pattern of this kind is not taken",
        _UNUSUAL,
        "match constants, names and `|`, or write `if` and `elif`",
    ),
    (
        "CMP114",
        "`finally` around a `return`, `break` or `continue` is not taken",
        _UNUSUAL,
        "write the cleaning up behind the `try`; a reward has nothing to close",
    ),
    (
        "CMP115",
        "`except` names something else than exception classes",
        "which exceptions it catches has to be known before",
        "name the classes in the `except`",
    ),
    (
        "CMP116",
        "this decorator is not taken here, nor a static method or property as an entry",
        _UNUSUAL,
        "write a plain function or method and call it",
    ),
    (
        "CMP117",
        "a function calls itself, or calls nest too deep",
        "calls are unfolded where they are made",
        "write a loop, or `np.sum`, `min` and the like",
    ),
    (
        "CMP118",
        "a class with this base is not taken",
        _UNUSUAL,
        "leave the base out, or derive from a class of the same program",
    ),
    (
        "CMP119",
        "a member of an enum is looked up by a value of the row",
        "which member it is has to be known before",
        "compare the number itself: `kind == Kind.DOOR.value`",
    ),
    (
        "CMP120",
        "the top level of the program ends with an exception",
        "the kernel has no top level to fail in",
        "mend the top level; it runs once, when the program is loaded",
    ),
    (
        "CMP121",
        "a function writes a global name",
        "a row may not change what other rows read",
        "return the value, or keep it in `self` of a class",
    ),
    (
        "CMP122",
        "a row changes a container or array that the top level has made",
        "the change would reach the rows after it",
        "make the container inside the function, or in `reset`",
    ),
    (
        "CMP123",
        "a name that nothing defines is read where this tier looks later than Python, or never",
        "the row ends with NameError where Python reads the name",
        "define the name",
    ),
)

_CONTAINERS: Final = (
    (
        "CMP201",
        "a set or dict has keys that depend on the data and are of a kind that is not taken",
        _DATA,
        "use integers, texts or tuples of them, such as grid positions",
    ),
    (
        "CMP202",
        "this method of a container, or what a dict is filled from, is not taken",
        _UNUSUAL,
        "loop over the container and do it step by step",
    ),
    (
        "CMP203",
        "an ordered dict, a counter or a dict with a factory has keys that depend on the data",
        _ORDER,
        "use a plain dict, or an array indexed by the key",
    ),
    (
        "CMP204",
        "a place in a list is assigned whose index type, slice or length is not known",
        _LENGTH,
        "use an array of fixed length, or index with an int",
    ),
    (
        "CMP205",
        "this method of a set, dict, tuple or number is not taken",
        _UNUSUAL,
        "write it as a loop, or with `in`, `len`, subscripts and operators",
    ),
    (
        "CMP206",
        "`sum` goes over floats, which Python 3.12 and later adds with a correction",
        _EXACT,
        "use `np.sum(np.array(...))`, or add in a loop",
    ),
    ("CMP207", "`map` goes over several iterables", _UNUSUAL, "use `zip` in a comprehension"),
    (
        "CMP209",
        "a loop changes the container it goes over",
        "how often the loop turns would depend on what it did",
        "go over a copy: `for x in list(values)`",
    ),
    (
        "CMP210",
        "one set or dict has keys of different kinds",
        _TYPE,
        "use keys of one kind, such as pairs of integers",
    ),
    (
        "CMP211",
        "one dict with keys that depend on the data has values of different or unknown types",
        _TYPE,
        "store numbers of one type: `float(...)` or `int(...)` around each",
    ),
    (
        "CMP212",
        "a list or dict of unknown length holds what has no place in columns, or what is in it is changed",
        "it lies in columns, for numbers, texts, small arrays, and tuples, dicts and objects of them",
        "put numbers or tuples of numbers into it, and make new objects in place of changing them",
    ),
    (
        "CMP213",
        "an iterator may be gone over more than once",
        "Python finds it empty the second time, and the kernel has no such memory",
        "make a list of it: `list(...)`, or `[...]` in place of `(...)`",
    ),
)

_KNOWN: Final = (
    (
        "CMP310",
        "the types of a loop's variables do not settle",
        _TYPE,
        "start each variable with the type it gets in the loop: `0.0` and not `None` or `0`",
    ),
    (
        "CMP311",
        "one variable has values of too many or too different types, by path",
        _TYPE,
        "use one name for each kind of value, and arrays of one shape",
    ),
    (
        "CMP312",
        "a list grows with the data, or beyond 64 elements",
        _DATA,
        "count or add up as you go, or use a NumPy array and a mask",
    ),
    (
        "CMP313",
        "one name holds different arrays or containers by path",
        _SHARED,
        "choose with `np.where`, or copy: `a = b.copy()`",
    ),
    (
        "CMP314",
        "a value is used that the compiled tier could only make in part",
        "the message says what was lost, such as a text made of numbers",
        "use it in the `print` or exception it was made for only, or leave it out",
    ),
    (
        "CMP315",
        "a condition is an array whose size depends on the data",
        _LENGTH,
        "use `.any()`, `.all()` or `len(...)`",
    ),
    ("CMP316", "the step of a `range` depends on the data", _CONSTANT, "use a constant step"),
    (
        "CMP317",
        "a loop goes over a dict or set whose order depends on the data",
        _ORDER,
        "go over a fixed sequence of keys and ask `if key in found`",
    ),
    (
        "CMP318",
        "the number of elements depends on the data where it has to be known",
        _LENGTH,
        "loop over the elements, or use a NumPy reduction, instead of unpacking or keeping them",
    ),
    (
        "CMP319",
        "there are more than 256 combinations",
        _UNFOLDS,
        "use nested loops over indices, or NumPy broadcasting",
    ),
    (
        "CMP320",
        "an operation on these kinds of values is not taken",
        _UNUSUAL,
        "convert to numbers, arrays, tuples or lists of known length first",
    ),
)

_NUMBERS: Final = (
    (
        "CMP401",
        "this NumPy function is not taken for values of this type",
        _UNUSUAL,
        "convert first: `x.astype(np.float64)`",
    ),
    (
        "CMP402",
        "a dtype is not one of bool, integers and floats of 8 to 64 bits that the kernel has",
        "float16, complex and longer types have no machine instructions",
        "convert to float32 or float64, or declare the space so",
    ),
    (
        "CMP403",
        "an integer has an exponent or shift that is not a small constant",
        "the result of Python has as many digits as it needs",
        "use a constant up to 64, or make the base a float",
    ),
    (
        "CMP404",
        "uint64 is compared with a number that may be negative",
        _EXACT,
        "convert first: `float(x)`, or declare the space with a signed dtype",
    ),
    (
        "CMP405",
        "a number is Python's or NumPy's by path, or a truth value is used as a number",
        _TYPE,
        "convert with `float(...)`, `int(...)` or `bool(...)`",
    ),
    (
        "CMP406",
        "this function of `math` is not taken",
        _EXACT,
        "use its NumPy form, or another function of `math`",
    ),
    (
        "CMP407",
        "this function, or this way to call it, is not taken",
        _UNUSUAL,
        "write it with arithmetic, other functions or a loop",
    ),
    (
        "CMP408",
        "this argument of a function is not taken",
        _UNUSUAL,
        "leave the argument out, or do its work in a second step",
    ),
    (
        "CMP409",
        "a size, shape or name depends on the data where it has to be known",
        _LENGTH,
        "use constants, or shapes of the observation",
    ),
    (
        "CMP410",
        "numbers are rounded to a number of digits",
        _EXACT,
        "leave the rounding out, or write `np.rint(x * 100) / 100`",
    ),
    (
        "CMP411",
        "`isinstance` or `hasattr` asks what the kernel does not know",
        _TYPE,
        "leave the question out: the type of an input is that of its space",
    ),
    (
        "CMP412",
        "this built-in name is not taken",
        _UNUSUAL,
        "write it as a loop, or with a NumPy function",
    ),
    (
        "CMP413",
        "a member of an IntEnum is used as more than its number",
        "the kernel keeps the number alone",
        "use the number: `int(member)`",
    ),
    (
        "CMP414",
        "a special name such as `__call__` is used",
        _UNUSUAL,
        "give the method a plain name and call it by that",
    ),
)

_ARRAYS: Final = (
    (
        "CMP501",
        "an array is written while the same expression reads it",
        _SHARED,
        "copy the right side first: `a[1:] = a[:-1].copy()`",
    ),
    (
        "CMP502",
        "an array is too large for a row of the kernel",
        "each row has its own memory, and constants become part of the code",
        "use a smaller array, or a slice of the observation",
    ),
    (
        "CMP503",
        "an array or list is made of something whose length depends on the data",
        _LENGTH,
        "use a mask: `np.where(mask, values, 0.0).sum()`",
    ),
    (
        "CMP504",
        "this value cannot be made an array here",
        _TYPE,
        "make arrays of numbers, and of lists and tuples of numbers",
    ),
    (
        "CMP505",
        "a large array is put together from parts",
        _UNFOLDS,
        "work on the parts one by one",
    ),
    (
        "CMP506",
        "the bounds of a slice depend on the data",
        _LENGTH,
        "compare `np.arange(n)` with the bounds and use the mask",
    ),
    (
        "CMP507",
        "an array is changed in place while another name or view may show it",
        _SHARED,
        "copy before writing: `b = a.copy()`",
    ),
    (
        "CMP508",
        "a selection by mask is combined with another selection or a whole array",
        "how many elements a mask selects is only known on the row",
        "combine the whole arrays first and select last: `(a - b)[mask]`",
    ),
    (
        "CMP509",
        "this kind of index is not taken",
        _LENGTH,
        "use integers, constant slices, or one mask or index array alone",
    ),
    (
        "CMP510",
        "more than 8192 floats are added in one row",
        "NumPy adds in blocks, and the unfolded code would grow too long",
        "add along one axis first",
    ),
    (
        "CMP511",
        "the axis is not a constant",
        _CONSTANT,
        "write the axis as a number",
    ),
    (
        "CMP512",
        "this reduction of a selection by mask is not taken",
        "how many elements a mask selects is only known on the row",
        "use `np.where(mask, values, neutral)` and reduce the whole array",
    ),
    (
        "CMP513",
        "a product of arrays with more than two axes is not taken",
        _UNUSUAL,
        "use `np.sum(a * b, axis=...)`",
    ),
    (
        "CMP514",
        "a cumulative sum goes over more than 64 elements",
        _UNFOLDS,
        "keep a running total in a loop",
    ),
    (
        "CMP515",
        "this sorting is not taken, or has too many elements",
        "equal elements must come out in NumPy's order, and sorting is unfolded",
        "use min, max, argmin or argmax, `kind='stable'`, or fewer elements",
    ),
    (
        "CMP516",
        "this method of an array is not taken",
        _UNUSUAL,
        "use a function of NumPy, or operators",
    ),
)

_PICTURES: Final = (
    (
        "CMP530",
        "there is no kernel for this function of OpenCV, or not for these arguments of it",
        "only functions whose results are equal to OpenCV's have one",
        "use another function, or leave it: the program runs with OpenCV itself",
    ),
    (
        "CMP531",
        "a function of OpenCV is given something else than a uint8 image or a contour",
        "the kernels take images of one or three channels of bytes, and points of int32",
        "convert it with `.astype(np.uint8)`",
    ),
    (
        "CMP532",
        "an argument of OpenCV is of a form that is not followed",
        _CONSTANT,
        "write bounds, sizes and colours as tuples or arrays of constants",
    ),
    (
        "CMP533",
        "a contour, or a part of an image with bounds from the row, is written into",
        _SHARED,
        "make a new array of it",
    ),
    (
        "CMP534",
        "the installed OpenCV does this otherwise than the kernels, or was not compared with them",
        "another release may round otherwise, and both tiers have to give the same",
        "install OpenCV 5.0 or 4.14, or leave it: the program runs with OpenCV itself",
    ),
)

_WORDS: Final = (
    (
        "CMP601",
        "a text is made of a value of the row",
        _DATA,
        "use fixed texts as keys and messages",
    ),
    (
        "CMP602",
        "this method of a text, or these arguments of it, is not taken",
        _UNUSUAL,
        "use `in`, `==`, `startswith`, `endswith` or `split()`",
    ),
    (
        "CMP603",
        "one text of the observation is searched in another",
        "one of the two has to be known before",
        "search for a constant text",
    ),
    (
        "CMP604",
        "single characters or a slice of the words of a text are used",
        _LENGTH,
        "compare whole words or whole texts",
    ),
)

_KEPT: Final = (
    (
        "CMP701",
        "`self` keeps one container under two names",
        _STATE,
        "keep it once, or a copy: `list(values)`",
    ),
    (
        "CMP702",
        "`self` keeps a value that has no fixed place in memory",
        _STATE,
        "keep numbers, arrays of fixed shape, and tuples, lists and dicts of those",
    ),
    (
        "CMP703",
        "`self` keeps a list that grows with the episode",
        _STATE,
        "keep a count, a sum or the last few values: `deque(maxlen=10)`",
    ),
    (
        "CMP704",
        "a value kept in `self` changes its type in a way that cannot be followed",
        _STATE,
        "set the attribute in `__init__` or `reset` to the type that it has later",
    ),
    (
        "CMP705",
        "the types of what `self` keeps do not settle",
        _STATE,
        "set every attribute in `__init__` or `reset` to the type and shape that it has later",
    ),
    (
        "CMP706",
        "`reset` always raises",
        "no row would have a state to start from",
        "mend `reset` or `__init__`",
    ),
    (
        "CMP707",
        "a set or dict moves from one attribute of `self` to another",
        _STATE,
        "copy it: `self.before = set(self.now)`",
    ),
)

_PAID: Final = (
    (
        "CMP801",
        "the key that pays is in the result on some paths only",
        "where the reward lies has to be known before",
        "return the reward beside the components: `return total, components`",
    ),
    (
        "CMP802",
        "the program names too many components",
        "components are fixed at load, one array each",
        "return fewer names, or sums of some of them",
    ),
)

_WHOLE: Final = (
    (
        "CMP900",
        "the kernel gives another result than the interpreted tier on the probe rows",
        "the interpreted tier says what a program means, so such a kernel is not used",
        "please report it with the program; it is a mistake of carruntime",
    ),
    (
        "CMP910",
        "compiling took longer than `limits.compile_s`, and its worker was ended",
        "a program that is slow to compile must not hold up the others",
        "raise `limits.compile_s`, or shorten loops over constants",
    ),
    (
        "CMP911",
        "compiling failed, or the program unfolds into too much code",
        "calls, and loops of known length, are unfolded where they stand",
        "use array operations in place of loops, and call long helpers once",
    ),
    (
        "CMP912",
        "translating the program took longer than `limits.compile_s`",
        "calls, and loops of known length, are unfolded where they stand",
        "raise `limits.compile_s`, or use array operations in place of loops",
    ),
    (
        "CMP913",
        "the kernel would need more memory than `limits.memory_bytes`",
        "each row works in memory that is set aside before",
        "use smaller arrays, or raise `limits.memory_bytes`",
    ),
    (
        "CMP914",
        "the program nests too deep to be translated",
        "the compiler follows the tree by calls of its own",
        "give parts of the expression names",
    ),
    (
        "CMP915",
        "a constant or container has more than 4096 elements or characters",
        _UNFOLDS,
        "compute it with NumPy on the row, or use less",
    ),
    (
        "CMP991",
        "the compiler failed",
        "the program still has a tier to run in",
        "please report it with the program; it is a mistake of carruntime or of Numba",
    ),
    (
        "CMP992",
        "the kernel failed on the probe rows",
        "the program still has a tier to run in",
        "please report it with the program; it is a mistake of carruntime or of Numba",
    ),
    (
        "CMP993",
        "too few probe rows could be tried to trust the kernel",
        "a kernel is used after it gave the results of the interpreted tier on enough rows",
        "make a row cheaper: fewer turns of its loops",
    ),
    (
        "CMP994",
        "most probe rows need more than a kernel has room for",
        "such rows are computed by the interpreted tier, and a kernel would only lose time",
        "keep lists below a few thousand elements, integers within 64 bits, and sets unordered",
    ),
    (
        "CMP995",
        "compiling in the background came to nothing",
        "the program still has a tier to run in, and sessions stay there",
        "load it without `background=True` to see what stands against it",
    ),
    (
        "CMP996",
        "the program is still being compiled",
        "`background=True` does not wait for the compiler",
        "call `program.wait()` to wait for it",
    ),
)

TIER_REASONS: Final[tuple[tuple[str, str, str, str], ...]] = (
    (
        "CMP000",
        "the interpreted tier was asked for",
        '`tier="interpreted"` leaves no other choice',
        'leave `tier` at "auto"',
    ),
    *_SYNTAX,
    *_CONTAINERS,
    *_KNOWN,
    *_NUMBERS,
    *_ARRAYS,
    *_PICTURES,
    *_WORDS,
    *_KEPT,
    *_PAID,
    *_WHOLE,
)
"""Code, message, why, hint; in the order of the codes."""

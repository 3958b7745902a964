"""The dialect: everything a guest may write, as data, each entry with why it is harmless.

What is not listed here does not exist for a guest. The validator refuses it by name, and the
views of `sandbox.predeclared` have exactly these names, so the two layers hold the same line
independently. `docs/language.md` is generated from these tables.

There is a module for each chapter; `entries` says how they are written, and `frozen` has the digest
over all of them.
"""

from sandbox.dialect.entries import Entry, Kind
from sandbox.dialect.frozen import VERSION, digest
from sandbox.dialect.functions import BUILTINS, REFUSED_BUILTINS
from sandbox.dialect.modules import MODULES, REFUSED_MEMBERS, REFUSED_MODULES
from sandbox.dialect.syntax import (
    ADMITTED_NODES,
    CLASS_BASES,
    CLASS_METHODS,
    DECORATORS,
    HOST_CLASS_METHODS,
    INTERNAL_ATTRIBUTES,
    REFUSED_ATTRIBUTES,
    REFUSED_NODES,
)
from sandbox.dialect.values import FUNCTION_MEMBERS, METHODS, WRITING_METHODS, attribute_names

__all__ = [
    "ADMITTED_NODES",
    "BUILTINS",
    "CLASS_BASES",
    "CLASS_METHODS",
    "DECORATORS",
    "FUNCTION_MEMBERS",
    "HOST_CLASS_METHODS",
    "INTERNAL_ATTRIBUTES",
    "METHODS",
    "MODULES",
    "REFUSED_ATTRIBUTES",
    "REFUSED_BUILTINS",
    "REFUSED_MEMBERS",
    "REFUSED_MODULES",
    "REFUSED_NODES",
    "VERSION",
    "WRITING_METHODS",
    "Entry",
    "Kind",
    "attribute_names",
    "digest",
]

"""The digest over all chapters."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Final

from sandbox.dialect.functions import BUILTINS
from sandbox.dialect.modules import MODULES
from sandbox.dialect.syntax import ADMITTED_NODES, CLASS_BASES, CLASS_METHODS, DECORATORS
from sandbox.dialect.values import FUNCTION_MEMBERS, METHODS

__all__ = ["VERSION", "digest"]

VERSION: Final = 1
"""Rises with every change that makes an accepted program refused or mean something else."""


def digest() -> str:
    """Give the SHA-256 of all tables, so that two runtimes can tell whether they agree."""
    tables = {
        "version": VERSION,
        "nodes": sorted(ADMITTED_NODES),
        "builtins": {name: asdict(entry) for name, entry in BUILTINS.items()},
        "modules": {
            module: {name: asdict(entry) for name, entry in table.items()}
            for module, table in MODULES.items()
        },
        "methods": {
            kind: {name: asdict(entry) for name, entry in table.items()}
            for kind, table in METHODS.items()
        },
        "members": {
            name: {key: asdict(entry) for key, entry in table.items()}
            for name, table in FUNCTION_MEMBERS.items()
        },
        "class": [sorted(CLASS_METHODS), sorted(CLASS_BASES), sorted(DECORATORS)],
    }
    text = json.dumps(tables, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

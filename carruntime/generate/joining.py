"""Several programs in one file: each sub-task was written alone, and they run together.

The texts are put under each other as they are. Whether that means the same is settled by names: a
name that two of them define must be defined alike, by the digests that the sandbox gives. The host
reads no Python for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

from sandbox.plan import Normal

__all__ = ["clashes", "join"]

_FUTURE: Final = re.compile(
    r"^from[ \t]+__future__[ \t]+import[ \t]+annotations[ \t]*(?:#.*)?\n", re.MULTILINE
)


def join(parts: Sequence[tuple[str, str]]) -> str:
    """Put programs under each other.

    Args:
        parts: A heading of ours and a source, each.
    """
    # Annotations are never evaluated, and such a line may only stand at the very top.
    return "\n\n".join(
        f"# {heading}\n\n{_FUTURE.sub('', source).strip()}\n" for heading, source in parts
    )


def clashes(parts: Mapping[str, Normal]) -> dict[str, list[str]]:
    """Give the names that are defined in two ways, each with the parts that do so.

    Args:
        parts: Name of a part to the digests of its tree.
    """
    found: dict[str, list[str]] = {}
    tables = {part: dict(normal.names) for part, normal in parts.items()}
    for one, other in combinations(parts, 2):
        for name in tables[one].keys() & tables[other].keys():
            if tables[one][name] != tables[other][name]:
                users = found.setdefault(name, [])
                users += [part for part in (one, other) if part not in users]
    return dict(sorted(found.items()))

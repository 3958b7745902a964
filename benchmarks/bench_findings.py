"""How many findings do the corpora have, and how many say what to write instead?

Corpora: the natural programs of ``tests/corpus/state`` against their spaces, the programs that models'
typical mistakes were collected in (``golden``) against theirs, the rejected programs that the tests
expect findings of, and the hostile ones. A finding *guesses* if it asks "did you mean", and has a
*replacement* if it names code to write in place of what it points at; every other one says in
words what to do. Not a timing: the figures are the same on every machine.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.harness import markdown_table
from sandbox.diagnostics import Finding, Severity
from sandbox.limits import Limits
from sandbox.passes import analyse, judge

__all__ = ["run", "table"]

TESTS: Final = Path(__file__).parent.parent / "tests"
_UNKNOWN: Final = frozenset(
    {
        "SBX302",
        "SBX303",
        "SBX304",
        "SBX305",
        "SBX306",
        "SBX307",
        "SBX309",
        "SBX401",
        "SBX603",
        "SBX622",
    }
    | {"SBX628", "CAR102", "CAR110", "CAR112"}
)
_GUESS: Final = "did you mean"
_CODE: Final = re.compile(r"`[^`]+`|\"[^\"]+\"")
_DELETED: Final = re.compile(r"leave (it|the [\w ]+) out|delete the (line|import|lines|comment)")


@dataclass(frozen=True, slots=True)
class Counted:
    """What one corpus came to."""

    corpus: str
    programs: int
    clean: int
    findings: int
    errors: int
    warnings: int
    guesses: int
    replacements: int
    advised: int
    unknown: int
    unknown_guessed: int
    unknown_replaced: int


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Count the findings of each corpus; all of them are small."""
    if importlib.util.find_spec("pytest") is None:
        raise SystemExit(
            "findings: the corpora are read by the tests, and pytest, which they need, is not "
            "installed; install the project with its test extra"
        )
    del quick
    sys.path[:0] = [str(TESTS), str(TESTS / "carruntime")]
    return [
        asdict(_counted("natural", _natural())),
        asdict(_counted("mistakes", _mistakes())),
        asdict(_counted("rejected", _rejected())),
        asdict(_counted("hostile", _hostile())),
    ]


def table(records: list[dict[str, Any]]) -> str:
    """Lay out counts and shares."""
    whole = {key: sum(record[key] for record in records) for key in records[0] if key != "corpus"}
    rows = []
    for record in [*records, {"corpus": "all", **whole}]:
        found = record["findings"]
        names = ("programs", "clean", "findings", "errors", "warnings")
        shares = (record[key] / max(found, 1) for key in ("guesses", "replacements", "advised"))
        rows.append(
            [
                record["corpus"],
                *(str(record[name]) for name in names),
                *(f"{share:.0%}" for share in shares),
                str(record["unknown"]),
                f"{record['unknown_guessed'] / max(record['unknown'], 1):.0%}",
                f"{record['unknown_replaced'] / max(record['unknown'], 1):.0%}",
            ]
        )
    head = ["corpus", "programs", "without findings", "findings", "errors", "warnings"]
    head += ["did you mean", "names code", "says what to do"]
    head += ["of unknown names", "did you mean", "names code"]
    return markdown_table(head, rows)


def _counted(name: str, programs: Iterable[tuple[Finding, ...]]) -> Counted:
    every = list(programs)
    findings = [item for found in every for item in found]
    unknown = [item for item in findings if item.rule in _UNKNOWN]
    return Counted(
        corpus=name,
        programs=len(every),
        clean=sum(not found for found in every),
        findings=len(findings),
        errors=sum(item.severity is Severity.ERROR for item in findings),
        warnings=sum(item.severity is Severity.WARNING for item in findings),
        guesses=sum(_GUESS in item.hint for item in findings),
        replacements=sum(_replaces(item) for item in findings),
        advised=sum(bool(item.hint) for item in findings),
        unknown=len(unknown),
        unknown_guessed=sum(_GUESS in item.hint for item in unknown),
        unknown_replaced=sum(_replaces(item) for item in unknown),
    )


def _replaces(item: Finding) -> bool:
    return bool(_CODE.search(item.hint) or _DELETED.search(item.hint) or _GUESS in item.hint)


def _natural() -> Iterator[tuple[Finding, ...]]:
    import corpus_reader

    for name in corpus_reader.names():
        program = corpus_reader.read(name)
        analysis = analyse(program.source, name, Limits())
        yield tuple(dict.fromkeys((*analysis.findings, *judge(analysis, program.plan))))


def _mistakes() -> Iterator[tuple[Finding, ...]]:
    import test_mistakes

    for path in test_mistakes.programs():
        yield test_mistakes.report_of(path).findings


def _rejected() -> Iterator[tuple[Finding, ...]]:
    import expectations

    for path in sorted(expectations.REJECTED.glob("*.py")):
        for source in expectations.chunks(path):
            yield analyse(source.encode(), path.name, Limits()).findings


def _hostile() -> Iterator[tuple[Finding, ...]]:
    import corpus_reader
    import expectations

    for path in sorted((corpus_reader.ATTACKS / "dev").glob("*.py")):
        yield analyse(path.read_bytes(), path.name, Limits()).findings
    for path in sorted((TESTS / "corpus" / "escapes").glob("*.py")):
        for source in expectations.chunks(path):
            yield analyse(source.encode(), path.name, Limits()).findings

"""Properties of a reward program as pytest items: ``pytest --reward-program FILE --env ID``.

Without paths only the program's properties are collected, with paths they come beside the tests
found there, which may use the fixtures ``reward_program`` and ``reward_env``. Every item has the
marker ``reward_property``.

The program is a text for a worker and never a module here: pytest must not import it, so its file
is no argument of the collection, and where a folder is collected that holds it, it is left out.
Nothing is imported, and nothing changes, unless ``--reward-program`` is given. For the same reason
``--env`` is known only then (it is a common name in other people's ``conftest.py``), and
``--reward-env`` always.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import gymnasium as gym

    from carruntime.reward import RewardProgram
    from carruntime.testing import Property, PropertyResult, Tester

__all__: list[str] = []

_MARKER = "reward_property"
_COUNTS = (("examples", 100, "examples drawn for each property"), ("seed", 0, "of the draws"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; ``--env`` comes later, see `pytest_load_initial_conftests`."""
    group = parser.getgroup("carruntime", "reward programs")
    group.addoption("--reward-program", metavar="FILE", help="the program whose properties to test")
    group.addoption("--reward-env", metavar="ID", help="its Gymnasium environment; short: --env")
    for name, default, text in _COUNTS:
        told = f"{text} (default {default})"
        group.addoption(f"--reward-{name}", type=int, default=default, help=told)
    group.addoption("--reward-range", metavar="LOW,HIGH", help="where rewards are meant to lie")
    group.addoption(
        "--reward-tier",
        default="auto",
        choices=("auto", "interpreted", "compiled"),
        help="to run in",
    )
    group.addoption(
        "--reward-strict",
        action="store_true",
        help="ask never_errs and the like of whatever the spaces allow",
    )
    group.addoption(
        "--reward-save",
        metavar="FOLDER",
        help="where counterexamples are kept (default: .carruntime/counterexamples below the "
        "root folder; an empty text keeps none)",
    )


@pytest.hookimpl(trylast=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> None:
    """Take ``--env`` too, if it is for us and nobody else has it."""
    del early_config
    if any(arg.partition("=")[0] == "--reward-program" for arg in args):
        try:
            parser.getgroup("carruntime").addoption("--env", dest="reward_env", metavar="ID")
        except (ValueError, argparse.ArgumentError):
            return  # somebody's conftest has an option of that name; --reward-env is left


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and leave out other tests where no paths are given."""
    config.addinivalue_line("markers", f"{_MARKER}: tests a property of a reward program")
    if config.getoption("reward_program", None) is None:
        return
    if not config.getoption("reward_env", None):
        raise pytest.UsageError("--reward-program without its environment: want --env ID")
    config.stash[_SUBJECT] = _Subject(config)
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = []


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the program's worker."""
    subject = config.stash.get(_SUBJECT, None)
    if subject is not None:
        subject.close()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Keep pytest from importing the program: it is no test, and nobody vouches for it."""
    subject = config.stash.get(_SUBJECT, None)
    if subject is not None and collection_path.resolve() == subject.path.resolve():
        return True
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Put the properties before the tests of the user, so that -k and -m choose among both."""
    subject = config.stash.get(_SUBJECT, None)
    if subject is not None:
        collector = _Program.from_parent(
            session, name=subject.path.name, nodeid=subject.path.name, subject=subject
        )
        items[:0] = list(collector.collect())


@pytest.fixture(scope="session")
def reward_program(request: pytest.FixtureRequest) -> RewardProgram:
    """The program of ``--reward-program``, loaded; skips where none is given."""
    return _subject_of(request).program


@pytest.fixture
def reward_env(request: pytest.FixtureRequest) -> Iterator[gym.Env[Any, Any]]:
    """A new environment of ``--env``, closed afterwards; skips where none is given."""
    env = _subject_of(request).make_env()
    yield env
    env.close()


def _subject_of(request: pytest.FixtureRequest) -> _Subject:
    subject = request.config.stash.get(_SUBJECT, None)
    if subject is None:
        pytest.skip("no --reward-program FILE --env ID")
    return subject


class _Subject:
    """The program and what tries it; loaded when the first item asks."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.path = Path(config.getoption("reward_program"))
        self._env_id: str = config.getoption("reward_env")
        self._program: RewardProgram | None = None
        self._tester: Tester | None = None
        self._env: gym.Env[Any, Any] | None = None
        self.broken: Exception | None = None

    def make_env(self) -> gym.Env[Any, Any]:
        from carruntime.environments import make_env

        return make_env(self._env_id)

    @property
    def program(self) -> RewardProgram:
        if self.broken is not None:
            raise self.broken
        if self._program is None:
            from carruntime.errors import CarruntimeError
            from carruntime.loading import load

            self._env = self.make_env()
            try:
                self._program = load(
                    self.path,
                    self._env,
                    tier=self._config.getoption("reward_tier"),
                    reward_range=self._range(),
                )
            except CarruntimeError as error:
                self.broken = error
                raise
        return self._program

    @property
    def tester(self) -> Tester:
        if self._tester is None:
            from carruntime.testing import Tester

            program = self.program
            assert self._env is not None  # noqa: S101 - made with the program
            self._tester = Tester(
                program,
                self._env,
                examples=self._config.getoption("reward_examples"),
                seed=self._config.getoption("reward_seed"),
                strict=self._config.getoption("reward_strict"),
                save=self._folder(),
            )
        return self._tester

    def _folder(self) -> Path | None:
        given = self._config.getoption("reward_save")
        if given is None:
            from carruntime.testing.store import DEFAULT_FOLDER

            return self._config.rootpath / DEFAULT_FOLDER
        return Path(given) if given else None

    def _range(self) -> tuple[float, float] | None:
        text = self._config.getoption("reward_range")
        if text is None:
            return None
        try:
            low, high = (float(part) for part in text.split(","))
        except ValueError:
            raise pytest.UsageError(f"--reward-range {text!r}: want LOW,HIGH") from None
        return low, high

    def close(self) -> None:
        for opened in (self._tester, self._program, self._env):
            if opened is not None:
                opened.close()
        self._tester = self._program = self._env = None


_SUBJECT = pytest.StashKey[_Subject]()


class _Program(pytest.Collector):
    """The properties of one program."""

    def __init__(self, *, subject: _Subject, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.subject = subject

    def collect(self) -> Iterator[pytest.Item]:
        from carruntime.testing import PROPERTIES

        yield _Loads.from_parent(self, name="loads", subject=self.subject)
        for claim in PROPERTIES:
            yield _Item.from_parent(self, name=claim.name, subject=self.subject, claim=claim)


class _Loads(pytest.Item):
    """That the program is taken for this environment at all."""

    def __init__(self, *, subject: _Subject, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.subject = subject
        self.add_marker(_MARKER)

    def runtest(self) -> None:
        self.program = self.subject.program

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from carruntime.errors import CarruntimeError

        if isinstance(excinfo.value, CarruntimeError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.subject.path, None, f"reward program: {self.name}"


class _Item(_Loads):
    """One property."""

    def __init__(self, *, claim: Property, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.claim = claim

    def runtest(self) -> None:
        if self.subject.broken is not None:
            pytest.skip("the program does not load")
        result = self.subject.tester.run(self.claim)
        if result.status == "skipped":
            pytest.skip(result.reason)
        if result.status == "fails":
            raise PropertyFailedError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, PropertyFailedError):
            program = self.subject.program
            return excinfo.value.result.render(program.filename, program.source)
        return super().repr_failure(excinfo, style)


class PropertyFailedError(Exception):
    """A property does not hold; its counterexample is what pytest shows."""

    def __init__(self, result: PropertyResult) -> None:
        super().__init__(result.property.name)
        self.result = result

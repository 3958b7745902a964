"""The rules of the reward contract: what an entry looks like and what parameters can get.

The same kind of table as `sandbox.rules`, for findings that need to know what a reward program is
for. 1xx: entries and parameters; 2xx are left to the checks of `carruntime.verification`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sandbox.diagnostics import Finding, Severity, Span
from sandbox.rules import Rule, rule_table

__all__ = ["RULES", "finding"]

_ENTRY: Final = (
    "a program is entered at `reward`, at a list TASKS, or at a class with step, reward or "
    "check_and_progress"
)
_NAMES: Final = "parameters are bound by name, and a guess that is wrong would train a wrong agent"

RULES: Final[Mapping[str, Rule]] = rule_table(
    (
        Rule(
            id="CAR101",
            severity=Severity.ERROR,
            message="no entry found among {found}",
            why=_ENTRY,
            hint="{proposal}write `def reward(obs, action, next_obs)`, `TASKS = [task_1, ...]`, or "
            "a class with `step(self, obs, action, next_obs)`; or name the entry with entry=; a "
            "function of any name is found where it is the only one without an underscore",
        ),
        Rule(
            id="CAR102",
            severity=Severity.ERROR,
            message="entry `{name}` is not in the program",
            why="entry= names a top-level function, a top-level class or TASKS",
            hint="the program offers {offered}",
        ),
        Rule(
            id="CAR103",
            severity=Severity.ERROR,
            message="more than one entry: {names}",
            why="only one can pay, and which one is meant cannot be known",
            hint="name one with entry=, or leave the others out; a list TASKS may stand beside one "
            "reward function or class",
            bad="def reward(obs):\n    return 0.0\n\nclass R:\n    def step(self, obs):\n"
            "        return 0.0",
            good="def reward(obs):\n    return 0.0",
        ),
        Rule(
            id="CAR104",
            severity=Severity.ERROR,
            message="TASKS {what}",
            why="how many tasks there are, and what each of them reads, has to show in the text",
            hint="write `TASKS = [task_1, task_2]` with functions that are defined above it; lambdas, "
            "calls that make functions, and a comprehension over a written list are taken too",
        ),
        Rule(
            id="CAR105",
            severity=Severity.ERROR,
            message="class `{name}` has no method step, reward or check_and_progress",
            why="one of these is called on every transition",
            hint="write `def step(self, obs, action, next_obs)`",
        ),
        Rule(
            id="CAR106",
            severity=Severity.ERROR,
            message="class `{name}` cannot be made without {names}",
            why="every episode begins with a new instance, made without arguments",
            hint="give these arguments of `__init__` default values",
            bad="class R:\n    def __init__(self, goal):\n        self.goal = goal",
            good="class R:\n    def __init__(self, goal=0.5):\n        self.goal = goal",
        ),
        Rule(
            id="CAR107",
            severity=Severity.WARNING,
            message="`{first}` and `{second}` are both task {k}",
            why="tasks without a list TASKS are ordered by their number",
            hint="number them one after the other, or write `TASKS = [...]`",
        ),
        Rule(
            id="CAR109",
            severity=Severity.ERROR,
            message="bindings= names `{name}`, which is no parameter of an entry",
            why=_NAMES,
            hint="the parameters are {offered}",
        ),
        Rule(
            id="CAR110",
            severity=Severity.ERROR,
            message="parameter `{name}` has no meaning here",
            why=_NAMES,
            hint="{hint}",
            bad="def reward(act, next_obs):\n    return 0.0",
            good="def reward(action, next_obs):\n    return 0.0",
        ),
        Rule(
            id="CAR111",
            severity=Severity.ERROR,
            message="parameter `{name}` asks for a frame",
            why="inputs are passed by name, and the size of a frame is part of what a program is "
            "loaded for",
            hint="{hint}",
        ),
        Rule(
            id="CAR112",
            severity=Severity.WARNING,
            message="parameter `{name}` keeps its default: no input has this name",
            why="it looks like a misspelling of an input",
            hint="did you mean `{offered}`?",
        ),
        Rule(
            id="CAR113",
            severity=Severity.NOTE,
            message="`{name}` gets nothing",
            why="inputs are passed to parameters that name them",
            hint="leave it out",
        ),
        Rule(
            id="CAR114",
            severity=Severity.ERROR,
            message="parameter `{name}` can be passed by keyword only",
            why="inputs are passed by position, in the order of the parameters",
            hint="remove the `*` before it",
        ),
        Rule(
            id="CAR115",
            severity=Severity.ERROR,
            message="parameter `{name}` stands behind `{before}`, which keeps its default",
            why="inputs are passed by position, in the order of the parameters",
            hint="move `{before}` to the end of the parameters",
        ),
        Rule(
            id="CAR116",
            severity=Severity.WARNING,
            message="parameter `{name}` gets {meaning}, not the field of that name",
            why="the contract gives this name a meaning, and the space has a field of the same name",
            hint="if the field is meant, bind it, from Python: load(..., "
            "bindings={{'{name}': 'next_obs/{name}'}})",
        ),
        Rule(
            id="CAR117",
            severity=Severity.ERROR,
            message="bindings= gives `{name}` the value `{target}`, which does not exist",
            why="a binding is a name of the contract or a path into an input",
            hint='did you mean {offered}? paths read like "next_obs/pose/0"',
        ),
        Rule(
            id="CAR118",
            severity=Severity.ERROR,
            message="parameter `{name}` has no value when an episode begins",
            why="`reset` runs before the first action: only the first observation is there",
            hint="take it in step",
        ),
        Rule(
            id="CAR119",
            severity=Severity.WARNING,
            message="`{name}` takes no input, so it pays the same on every transition",
            why="a reward that nothing can change teaches nothing",
            hint="take obs, action or next_obs",
        ),
        Rule(
            id="CAR120",
            severity=Severity.WARNING,
            message="`{name}` sees the state before the action only",
            why="it cannot pay for what the action brought about",
            hint="take next_obs, or a field without `prev_`",
        ),
        Rule(
            id="CAR121",
            severity=Severity.NOTE,
            message="`{name}` is the observation after the action, since `{function}` takes no "
            "{after}",
            why="one observation beside an action could be either; a reward is mostly paid for "
            "where the action led",
            hint="take {after} too, and `{name}` becomes the observation before the action",
            bad="def reward(obs, action):\n    return -abs(obs[0])",
            good="def reward(obs, action, next_obs):\n    return -abs(next_obs[0])",
        ),
        Rule(
            id="CAR122",
            severity=Severity.ERROR,
            message="a component is called `_{name}` and another one `{name}`",
            why="a vector environment tells which rows have `{name}` in an array called `_{name}`, "
            "which would be taken for the component, or the component for it",
            hint="give one of them another name",
            bad="def reward(next_obs):\n    return 0.0, {'near': 1.0, '_near': 2.0}",
            good="def reward(next_obs):\n    return 0.0, {'near': 1.0, 'near_raw': 2.0}",
        ),
        Rule(
            id="CAR123",
            severity=Severity.NOTE,
            message="`{name}.{method}` sees its first frame after the first action",
            why="rewards belong to transitions; scripts of this style were written to be called with "
            "every picture of an episode, and take the first one they see for its beginning",
            hint="if it keeps the first picture, load it with call_at_reset=True or "
            "`--call-at-reset`, or write `def reset(self, initial_frame)`",
        ),
        Rule(
            id="CAR130",
            severity=Severity.ERROR,
            message="the worker died while it loaded the program: {reason}",
            why="no program is worth trusting that ends the process which reads it",
            hint="look at the program; natural programs never do this",
        ),
        Rule(
            id="CAR132",
            severity=Severity.ERROR,
            message="the worker gave up while it loaded the program: {reason}",
            why="an exception came out of carruntime's own code, as the worker reports: a fault of "
            "carruntime, and mostly not of the program",
            hint="report it together with the program; written in another way the program may load",
        ),
        Rule(
            id="CAR131",
            severity=Severity.ERROR,
            message="loading took longer than {wall_s} s",
            why="reading, checking and compiling one program is limited by limits.{setting}",
            hint="{advice}, or raise limits.{setting}; limits are set from Python",
        ),
    )
)


def finding(rule_id: str, span: Span | None, **facts: object) -> Finding:
    """Make a finding of a rule of the contract."""
    return RULES[rule_id].finding(span, **facts)

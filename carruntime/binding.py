"""From what a program is written like to what is called with what.

The worker tells the names and parameters of a source (`sandbox.plan.Outline`); this pass, which
knows what observations and actions are, binds each parameter of the entry by its name. It reads
names only, never code, and it gives findings, never exceptions, so that a person or a model sees
everything that is wrong at once.

Names are bound in a fixed order: a name given with ``bindings=``; the names of the contract; a
field of a Dict space, with ``prev_``, ``next_`` or ``initial_`` in front; a name declared with
``extra=``. What a name means depends on nothing outside its own function.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from carruntime.entry import Entry, find_entry, listed, nearest_of
from carruntime.rules import finding
from sandbox.diagnostics import Finding
from sandbox.plan import (
    Call,
    FunctionOutline,
    Outline,
    Param,
    ParamOutline,
    Plan,
)
from sandbox.schema import ArraySpec, DictSpec, Schema, Spec

__all__ = ["Binding", "Inputs", "bind", "reader_of"]

Role = Literal["reward", "task", "step", "reset"]

_FLAG: Final = ArraySpec(kind="bool", dtype="bool", low=0.0, high=1.0)
_COUNT: Final = ArraySpec(kind="int", dtype="int64", low=0.0)

_BEFORE: Final = ("obs", "observation", "state")
_AFTER: Final = ("next_obs", "next_observation", "next_state")
_PLAIN: Final = ("action", "terminated", "truncated", "t")
_FRAMES: Final = frozenset({"frame", "image", "img"})
_PUBLISHED: Final = frozenset({"check_and_progress", "reward"})
"""Methods that the programs published with the paper are called by, with each picture of an episode."""
_LIKE_FRAMES: Final = frozenset(
    {"rgb", "pixels", "path", "image_file", "filename", "screenshot", "picture", "rgb_array"}
    | {"before", "after", "current_frame", "current_image", "first_frame", "last_frame"}
)
_FRAME_SLOTS: Final = ("frame", "initial_frame", "prev_frame")
_MOMENTS: Final = (
    # Words in the name of a frame or path, and which frame it then is.
    ("initial_frame", ("initial", "first", "start", "init")),
    ("prev_frame", ("prev", "previous", "before", "last", "old")),
    ("next_frame", ("next", "after", "new")),
)
_SLOT_ORDER: Final = (*("obs", "next_obs", "initial_obs"), *_PLAIN, *_FRAME_SLOTS)
_WORDS: Final = {
    "obs": "the observation before the action",
    "next_obs": "the observation after the action",
    "initial_obs": "the first observation of the episode",
    "action": "the action taken",
    "terminated": "whether the step ended the episode",
    "truncated": "whether the step cut the episode off",
    "t": "transitions since reset",
    "frame": "the frame after the action",
    "initial_frame": "the first frame of the episode",
    "prev_frame": "the frame before the action",
}
_VIEWS: Final = {
    "": "",
    "bgr": ", its channels as BGR",
    "token": ", as a path that cv2.imread reads",
}
# Short names of textbooks and other systems, too short to be near in spelling.
_SHORT: Final = {
    **dict.fromkeys(("act", "a", "ac"), "action"),
    **dict.fromkeys(("o", "ob", "s"), "obs"),
    **dict.fromkeys(("next_o", "next_ob", "ob_next", "next_s", "s_next", "s_prime"), "next_obs"),
    **dict.fromkeys(("s2", "obs2", "nobs", "obs_after"), "next_obs"),
    **dict.fromkeys(("term", "is_terminal", "terminal"), "terminated"),
    **dict.fromkeys(("step", "steps", "time_step", "n_steps", "current_step"), "t"),
}
# What other systems call things, and what to write here instead.
_FOREIGN: Final = {
    "self": "write a class with step(self, obs, action, next_obs), or leave self out; the "
    "simulator's own attributes, as in Text2Reward's programs, cannot be reached",
    "env": "the environment itself is not handed over; read obs, action and next_obs, or declare "
    "single values with extra= from Python",
    "info": "declare the values you need with extra= from Python and take each by its own name",
    "infos": "declare the values you need with extra= from Python and take each by its own name",
    "done": "take terminated and truncated",
    "dones": "take terminated and truncated",
    "actions": "a program sees one environment at a time, not a batch as in Eureka: take action",
    "observations": "a program sees one environment at a time: take obs or next_obs",
    "prev_obs": "take obs for the observation before the action and next_obs for the one after",
    "prev_state": "take state for the observation before the action and next_state for the one "
    "after",
    "prev_observation": "take observation for the one before the action and next_observation for "
    "the one after",
    "new_obs": "take next_obs",
    "obs_next": "take next_obs",
    "step_count": "take t, the transitions since reset",
    "timestep": "take t, the transitions since reset",
    "progress_buf": "one environment at a time, not a batch as in Eureka: take t",
    "root_states": "a program sees one environment's observation, not Isaac Gym's tensors: take "
    "obs and next_obs",
    "dof_pos": "a program sees one environment's observation, not Isaac Gym's tensors: take obs "
    "and next_obs",
    **dict.fromkeys(
        ("is_success", "is_failure", "success", "failure"),
        "declare it with extra= from Python, as what the environment's info says after the step",
    ),
    **dict.fromkeys(
        ("original_reward", "reward", "base_reward"),
        "the environment's reward is not handed over unless declared with extra= from Python",
    ),
    "progress": "take t, the transitions since reset",
    "claims": "take the observation's fields by their names",
    "trajectory": "a program sees one transition at a time; keep what it needs of earlier ones in "
    "self of a class",
    "traj": "a program sees one transition at a time; keep what it needs of earlier ones in self "
    "of a class",
    "env_reward": "the environment's reward is not handed over unless declared with extra= from "
    "Python",
}


@dataclass(frozen=True, slots=True)
class Inputs:
    """What there is to bind parameters to.

    Attributes:
        observation: Tree of one observation.
        action: Tree of one action.
        extra: Further values per environment, by name.
        frame: What a frame is, uint8 ``[H, W, 3]``; None where there are none.
        frame_order: Order of the channels in which a program is given its frames.
        call_at_reset: Whether a class is also called when an episode begins.
    """

    observation: Spec
    action: Spec
    extra: Mapping[str, Spec] = field(default_factory=dict)
    frame: ArraySpec | None = None
    frame_order: Literal["rgb", "bgr"] = "rgb"
    call_at_reset: bool = False

    def slot(self, name: str) -> Spec:
        """Give the tree of a slot by its name in the schema."""
        if name in {"obs", "next_obs", "initial_obs"}:
            return self.observation
        if name == "action":
            return self.action
        if name in {"terminated", "truncated"}:
            return _FLAG
        if name == "t":
            return _COUNT
        if name in _FRAME_SLOTS and self.frame is not None:
            return self.frame
        return self.extra[name.removeprefix("extra/")]

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields of a Dict observation."""
        if isinstance(self.observation, DictSpec):
            return tuple(key for key, _ in self.observation.fields)
        return ()


@dataclass(frozen=True, slots=True)
class Binding:
    """The result of `bind`.

    Attributes:
        plan: What to call; None if a finding is an error.
        findings: In no particular order.
        facts: Entry, form and the meaning of each parameter, for people.
        sketch: Where ``plan`` is None, the calls with the parameters that could be bound: enough to
            look for further mistakes, not enough to run.
        lacks_frame: Whether a parameter asks for a frame and nothing says what one is.
    """

    plan: Plan | None
    findings: tuple[Finding, ...]
    facts: Mapping[str, str]
    sketch: Plan | None = None
    lacks_frame: bool = False


def bind(
    outline: Outline,
    inputs: Inputs | None,
    *,
    entry: str | None = None,
    bindings: Mapping[str, str] | None = None,
    no_frame: str = "",
) -> Binding:
    """Find the entry of a program and bind its parameters.

    Args:
        outline: Names and parameters of the source.
        inputs: What parameters can be bound to; None looks for the entry only.
        entry: Name of the function or class to use, or ``"TASKS"``; found by itself if None.
        bindings: Parameter name to what it gets: a name of the contract such as ``"next_obs"``
            or ``"prev_image"``, or a path such as ``"next_obs/pose/0"``.
        no_frame: Why it is not known what a frame is, for a finding.

    Returns:
        The plan, or the findings that speak against one.
    """
    findings: list[Finding] = []

    def binds(function: FunctionOutline) -> bool:
        against: list[Finding] = []
        if inputs is not None:
            _Binder(inputs, dict(bindings or {}), against).call(function, "reward")
        return inputs is not None and not any(item.severity == "error" for item in against)

    chosen = find_entry(outline, entry, findings, binds)
    if chosen is None:
        return Binding(None, tuple(findings), {})
    facts = {"entry": chosen.name, "form": chosen.form}
    if inputs is None:
        return Binding(None, tuple(findings), facts)
    work = _Binder(inputs, dict(bindings or {}), findings, no_frame)
    tasks = tuple(work.call(task, "task") for task in chosen.tasks)
    reward = work.call(chosen.function, "reward") if chosen.function else None
    step = work.call(chosen.method, "step") if chosen.method else None
    reset = work.call(chosen.reset, "reset") if chosen.reset else None
    first = None
    if chosen.method is not None:
        if inputs.call_at_reset:
            first = work.call(chosen.method, "reset")
        else:
            _note_first_frame(chosen, step, reset, findings)
    work.finish()
    facts["binding"] = "; ".join(
        f"{method}: {', '.join(lines)}" if method else "; ".join(lines)
        for method, lines in work.described.items()
    )
    plan = Plan(
        schema=work.schema(),
        reward=reward,
        tasks=tasks,
        class_name=chosen.cls.name if chosen.cls else None,
        step=step,
        reset=reset,
        first=first,
    )
    if any(item.severity == "error" for item in findings):
        return Binding(None, tuple(findings), facts, plan, work.lacks_frame)
    return Binding(plan, tuple(findings), facts)


def _note_first_frame(
    chosen: Entry, step: Call | None, reset: Call | None, findings: list[Finding]
) -> None:
    """Say of a class in the published style which frame it sees first."""
    if step is None or chosen.cls is None or chosen.method is None:
        return
    only_frames = {param.slot for param in step.params} == {"frame"}
    sees_first = reset is not None and any(param.slot == "initial_frame" for param in reset.params)
    if only_frames and chosen.method.name in _PUBLISHED and not sees_first:
        where = chosen.method.span
        findings.append(finding("CAR123", where, name=chosen.cls.name, method=chosen.method.name))


def reader_of(plan: Plan, slot: str) -> str:
    """Say why a session needs a slot, where its name and that of the parameter differ.

    Args:
        plan: What `bind` gave.
        slot: Name in the schema.

    Returns:
        A clause such as ``"the program reads it"``.
    """
    for call in (plan.reward, plan.step, *plan.tasks):
        for param in call.params if call else ():
            bare = param.name.lstrip("_")
            if param.slot != slot or bare in {slot, slot.removeprefix("extra/")}:
                continue
            words = _WORDS.get(slot, "")
            if slot == "next_obs" and not param.path and bare in _BEFORE:
                words += ", since it takes no next_obs"
            how = "read from it" if param.path else "bound to it"
            return f"the program's parameter `{param.name}` is {how}" + (
                f" ({words})" if words else ""
            )
    return "the program reads it"


class _Binder:
    """Binds the parameters of all calls of one program and gathers what they read."""

    def __init__(
        self,
        inputs: Inputs,
        bindings: dict[str, str],
        findings: list[Finding],
        no_frame: str = "",
    ) -> None:
        self.inputs = inputs
        self.no_frame = no_frame
        self.lacks_frame = False
        self.bindings = bindings
        self.findings = findings
        self.described: dict[str, list[str]] = {}
        """What each name means, below the method it is a parameter of ("" for functions)."""
        self.read: dict[str, set[tuple[str | int, ...]]] = {}
        """For each slot the paths below it that are read; an unread slot has none."""
        self.seen: set[str] = set()

    def call(self, function: FunctionOutline, role: Role) -> Call:
        """Bind one function or method."""
        names = [param.name for param in function.params]
        self.seen.update(names)
        after = self._has_after(names)
        params: list[Param] = []
        skipped: ParamOutline | None = None
        for outline in function.params:
            if outline.kind in {"varargs", "varkw"}:
                mark = "*" if outline.kind == "varargs" else "**"
                self.findings.append(finding("CAR113", outline.span, name=mark + outline.name))
                continue
            bound = self._bind(outline, role, names, after)
            if bound is None:
                skipped = outline if outline.has_default else skipped
                continue
            if outline.kind == "keyword":
                self.findings.append(finding("CAR114", outline.span, name=outline.name))
                continue
            if skipped is not None:
                self.findings.append(
                    finding("CAR115", outline.span, name=outline.name, before=skipped.name)
                )
                continue
            params.append(bound)
            self._note_read(bound, outline)
            self._describe(bound, role)
        if role != "reset":
            self._judge(function, role, params)
        return Call(function.name, tuple(params))

    def _note_read(self, param: Param, outline: ParamOutline) -> None:
        paths = self.read.setdefault(param.slot, set())
        if param.path or outline.reads is None:
            paths.add(param.path)
            return
        spec = self.inputs.slot(param.slot)
        if isinstance(spec, DictSpec) and all(spec.get(key) for key in outline.reads):
            paths.update((key,) for key in outline.reads)
        elif outline.reads:
            # Keys it does not have: the finding about them needs the whole tree.
            paths.add(())

    def _has_after(self, names: Iterable[str]) -> bool:
        fields = self.inputs.fields
        for name in names:
            bare = name.lstrip("_") or name
            if bare in _AFTER and not (bare == "next_observation" and "observation" in fields):
                return True
            if bare.startswith("next_") and bare not in fields and bare[5:] in fields:
                return True
            target = self.bindings.get(name, "")
            if target.split("/")[0] in _AFTER:
                return True
        return False

    def _bind(
        self, outline: ParamOutline, role: Role, names: list[str], after: bool
    ) -> Param | None:
        name = outline.name
        if name in self.bindings:
            target = self.bindings[name]
            found = self._path(name, target) if "/" in target else None
            if found is None:
                found = self._lookup(name, target, role, [target], after=True)
            if found is None:
                found = self._frame(outline, target, role, [target])
            if found is None:
                offered = nearest_of(target, self._known(role))
                self.findings.append(
                    finding("CAR117", outline.span, name=name, target=target, offered=offered)
                )
            return found
        found = self._lookup(name, name, role, names, after)
        bare = name.lstrip("_")
        if found is None:
            found = self._frame(outline, bare or name, role, names)
        if found is None and bare and bare != name:
            found = self._lookup(name, bare, role, names, after)
        if found is not None:
            self._note_shadowed(outline, found)
            return found
        if outline.has_default:
            close = self._nearest(name, role)
            if close and not name.startswith("_"):
                self.findings.append(finding("CAR112", outline.span, name=name, offered=close))
            return None
        self._unknown(outline, role)
        return None

    def _lookup(
        self, name: str, meant: str, role: Role, names: list[str], after: bool
    ) -> Param | None:
        fields = self.inputs.fields
        whole = self._whole(meant, role, after)
        if whole is not None:
            return Param(name, whole)
        if meant in _PLAIN:
            return None if role == "reset" else Param(name, meant)
        if meant in fields:
            slot = "next_obs"
            if role == "reset":
                slot = "initial_obs"
            elif any(other.lstrip("_") == f"next_{meant}" for other in names):
                slot = "obs"
            return Param(name, slot, (meant,))
        for prefix, slot in (("prev_", "obs"), ("next_", "next_obs"), ("initial_", "initial_obs")):
            if meant.startswith(prefix) and meant.removeprefix(prefix) in fields:
                if role == "reset" and slot != "initial_obs":
                    return None
                return Param(name, slot, (meant.removeprefix(prefix),))
        if meant in {"initial_observation", "initial_state"}:
            return Param(name, "initial_obs")
        if meant in self.inputs.extra:
            return None if role == "reset" else Param(name, f"extra/{meant}")
        return None

    def _frame(
        self, outline: ParamOutline, meant: str, role: Role, names: list[str]
    ) -> Param | None:
        """Give the frame that a name stands for."""
        if self.inputs.frame is None:
            return None
        moment = _moment(meant, is_path=outline.is_path)
        if moment is None:
            return None
        if role == "reset":
            if moment in {"prev_frame", "next_frame"}:
                return None
            moment = "initial_frame"
        elif moment == "next_frame":
            moment = "frame"
        elif moment == "frame" and any(_moment(other) == "next_frame" for other in names):
            moment = "prev_frame"
        view: Literal["", "bgr", "token"] = "bgr" if self.inputs.frame_order == "bgr" else ""
        return Param(outline.name, moment, (), "token" if outline.is_path else view)

    def _whole(self, meant: str, role: Role, after: bool) -> str | None:
        """Give the slot of a name that stands for a whole observation."""
        fields = self.inputs.fields
        if meant == "initial_obs":
            return "initial_obs"
        if "observation" in fields and meant in {"observation", "next_observation"}:
            return None
        if meant not in _BEFORE and meant not in _AFTER:
            return None
        if role == "reset":
            return "initial_obs"
        if meant in _AFTER or not after:
            return "next_obs"
        return "obs"

    def _path(self, name: str, target: str) -> Param | None:
        slot, *parts = target.split("/")
        if slot == "extra" and parts:
            slot, parts = f"extra/{parts[0]}", parts[1:]
        try:
            spec = self.inputs.slot(slot)
        except KeyError:
            return None
        path: list[str | int] = []
        for part in parts:
            step: str | int = part if isinstance(spec, DictSpec) else _index(part)
            path.append(step)
            try:
                spec = Schema((("x", spec),)).resolve("x", (step,))
            except (KeyError, IndexError):
                return None
        return Param(name, slot, tuple(path))

    def _unknown(self, outline: ParamOutline, role: Role) -> None:
        name = outline.name
        bare = name.lstrip("_") or name
        asks = outline.is_path or _moment(bare) is not None or bare in _LIKE_FRAMES
        if asks or bare.endswith(("_path", "_frame")):
            if self.inputs.frame is None:
                self.lacks_frame = True
                hint = f"{self.no_frame}; " if self.no_frame else ""
                hint += (
                    "tell what a frame is: load(..., frame=(height, width, 3)), or `--frame HxW`; "
                    "reading obs and next_obs needs none"
                )
            else:
                hint = "did you mean `frame`, `initial_frame` or `prev_frame`?"
            self.findings.append(finding("CAR111", outline.span, name=name, hint=hint))
            return
        if bare in self.inputs.extra or bare in _PLAIN:
            self.findings.append(finding("CAR118", outline.span, name=name))
            return
        if bare in _FOREIGN:
            hint = _FOREIGN[bare]
        else:
            near = _SHORT.get(bare) or self._nearest(bare, role)
            way = f"from Python: load(..., bindings={{{name!r}: 'next_obs'}})"
            if near:
                hint = f"did you mean `{near}`? If not, bind it {way}"
            else:
                offered = self._offered(role)
                hint = f"take an input by the name it has here: {offered}; or bind it {way}"
        self.findings.append(finding("CAR110", outline.span, name=name, hint=hint))

    def _nearest(self, name: str, role: Role) -> str:
        close = difflib.get_close_matches(name, self._known(role), n=1, cutoff=0.7)
        return close[0] if close else ""

    def _offered(self, role: Role) -> str:
        """Give the names a parameter can have, for a sentence."""
        fields = self.inputs.fields
        if role == "reset":
            return listed(self._known(role))
        frames = _FRAME_SLOTS if self.inputs.frame is not None else ()
        names = ["obs", "next_obs", "initial_obs", *_PLAIN, *frames, *fields, *self.inputs.extra]
        more = ", and a field with `prev_`, `next_` or `initial_` before it" if fields else ""
        return listed(names) + more

    def _known(self, role: Role) -> list[str]:
        fields = self.inputs.fields
        frames = _FRAME_SLOTS if self.inputs.frame is not None else ()
        if role == "reset":
            return ["obs", "initial_obs", *frames[:1], *fields]
        prefixed = [f"{prefix}_{item}" for item in fields for prefix in ("prev", "next", "initial")]
        return [
            *("obs", "next_obs", "initial_obs"),
            *_PLAIN,
            *frames,
            *fields,
            *prefixed,
            *self.inputs.extra,
        ]

    def _note_shadowed(self, outline: ParamOutline, found: Param) -> None:
        bare = outline.name.lstrip("_") or outline.name
        if bare in self.inputs.fields and found.path != (bare,):
            words = _WORDS.get(found.slot, found.slot)
            self.findings.append(finding("CAR116", outline.span, name=outline.name, meaning=words))

    def _describe(self, param: Param, role: Role) -> None:
        words = _WORDS.get(param.slot) or f"the value {param.slot.removeprefix('extra/')}"
        if param.path:
            inner = "".join(f"[{part!r}]" for part in param.path)
            words = f"{inner} of {words}"
        words += _VIEWS[param.view]
        line = f"{param.name} = {words}"
        # The same name can mean one thing to step and another to reset.
        lines = self.described.setdefault(role if role in {"step", "reset"} else "", [])
        if line not in lines:
            lines.append(line)

    def _judge(self, function: FunctionOutline, role: Role, params: list[Param]) -> None:
        slots = {param.slot for param in params}
        if not params and not function.params:
            self.findings.append(finding("CAR119", function.span, name=function.name))
        elif "obs" in slots and "next_obs" not in slots and role != "reset":
            self.findings.append(finding("CAR120", function.span, name=function.name))
        if "action" in slots and role != "reset":
            self._note_after(function, params)

    def _note_after(self, function: FunctionOutline, params: list[Param]) -> None:
        """Tell that `obs` beside `action` is not what the action was chosen on."""
        places = {outline.name: outline.span for outline in function.params}
        for param in params:
            bare = param.name.lstrip("_") or param.name
            bound_by_name = bare in _BEFORE and param.name not in self.bindings
            if bound_by_name and param.slot == "next_obs" and not param.path:
                after = "next_state" if bare == "state" else "next_obs"
                self.findings.append(
                    finding(
                        "CAR121",
                        places[param.name],
                        name=param.name,
                        function=function.name,
                        after=after,
                    )
                )

    def finish(self) -> None:
        """Note bindings for parameters that no call has."""
        for name in self.bindings:
            if name not in self.seen:
                offered = nearest_of(name, self.seen)
                self.findings.append(finding("CAR109", None, name=name, offered=offered))

    def schema(self) -> Schema:
        """Give the slots that are read, cut down to the fields that are read."""
        order = [*_SLOT_ORDER, *(f"extra/{name}" for name in self.inputs.extra)]
        slots: list[tuple[str, Spec]] = []
        for slot in order:
            if slot not in self.read:
                continue
            spec = self.inputs.slot(slot)
            paths = self.read[slot]
            if not paths:
                # A parameter that is never looked at is given a dict without fields.
                spec = DictSpec(())
            elif isinstance(spec, DictSpec) and () not in paths:
                heads = {path[0] for path in paths}
                spec = DictSpec(tuple(item for item in spec.fields if item[0] in heads))
            slots.append((slot, spec))
        return Schema(tuple(slots))


def _moment(name: str, *, is_path: bool = False) -> str | None:
    """Give the frame that a name stands for, ``"next_frame"`` if it says so; None if it is none."""
    words = name.lower().split("_")
    if is_path:
        found = (slot for slot, known in _MOMENTS if not set(known).isdisjoint(words))
        return next(found, "frame")
    if name in _FRAMES:
        return "frame"
    head, _, rest = name.partition("_")
    return f"{head}_frame" if rest in _FRAMES and head in {"initial", "prev", "next"} else None


def _index(part: str) -> int:
    return int(part) if part.isdecimal() else -(10**9)

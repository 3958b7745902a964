"""MiniGrid's true state as small values, and what an action makes of it.

Scripted experts plan on this model and the named truths of `carruntime.facts` are read from the same
simulator. The model holds what `minigrid_env.MiniGridEnv.step` does to walls, doors, lava and
things that can be carried; what a task adds (which pickup ends an episode, what counts as success)
is in `Task`. Cells are (x, y), directions MiniGrid's: 0 right, 1 down, 2 left, 3 up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from carruntime.errors import OptionError

if TYPE_CHECKING:
    import gymnasium as gym

__all__ = [
    "AHEAD",
    "CLOSED",
    "DONE",
    "DROP",
    "FORWARD",
    "LEFT",
    "LOCKED",
    "OPEN",
    "PICKUP",
    "RIGHT",
    "TASKS",
    "TOGGLE",
    "Cell",
    "Map",
    "Pose",
    "State",
    "Task",
    "Thing",
    "kind_of",
    "read",
]

LEFT, RIGHT, FORWARD, PICKUP, DROP, TOGGLE, DONE = range(7)
OPEN, CLOSED, LOCKED = range(3)
AHEAD: Final = ((1, 0), (0, 1), (-1, 0), (0, -1))

Cell: TypeAlias = tuple[int, int]
Pose: TypeAlias = tuple[int, int, int]

TASKS: Final = {
    "DoorKeyEnv": "goal",
    "LavaGapEnv": "goal",
    "FourRoomsEnv": "goal",
    "MultiRoomEnv": "goal",
    "EmptyEnv": "goal",
    "CrossingEnv": "goal",
    "DistShiftEnv": "goal",
    "LockedRoomEnv": "goal",
    "UnlockEnv": "open",
    "UnlockPickupEnv": "take",
    "BlockedUnlockPickupEnv": "take",
    "KeyCorridorEnv": "take",
    "FetchEnv": "fetch",
    "GoToDoorEnv": "door",
    "PutNearEnv": "put",
}
"""What success is, by the environment's class: stand on the goal, open the door, hold the named
thing, hold one like it and no other, say done beside a door, put one thing near another."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that can be carried: a key, a ball or a box, with its colour."""

    kind: str
    color: str


@dataclass(frozen=True, slots=True)
class Task:
    """What success is in one episode.

    Attributes:
        kind: One of the values of ``TASKS``.
        thing: Index of the thing to take or to move; None where there is none, or no longer.
        cell: The goal, the door to open or to stand at, or where the other thing was put first.
    """

    kind: str
    thing: int | None = None
    cell: Cell | None = None

    @property
    def strict(self) -> bool:
        """Whether picking up or putting down the wrong thing ends the episode as a failure."""
        return self.kind in ("fetch", "put")


@dataclass(frozen=True, slots=True)
class State:
    """What changes during an episode.

    Attributes:
        pose: Cell and direction of the agent.
        carrying: Index of what is carried, or None.
        things: Cell of each thing; None while it is carried.
        doors: OPEN, CLOSED or LOCKED for each door.
    """

    pose: Pose
    carrying: int | None
    things: tuple[Cell | None, ...]
    doors: tuple[int, ...]

    @property
    def ahead(self) -> Cell:
        """The cell in front of the agent."""
        x, y, direction = self.pose
        dx, dy = AHEAD[direction]
        return x + dx, y + dy


@dataclass(frozen=True, slots=True)
class Map:
    """What does not change in an episode.

    Attributes:
        solid: Cells nothing should enter: walls, and lava, which ends the episode.
        floor: Cells that look empty but are not (goals, floor tiles), where nothing can be put.
        things: What each thing is.
        doors: Cell of each door to its index.
        colors: Colour of each door.
        task: What success is.
    """

    solid: frozenset[Cell]
    floor: frozenset[Cell]
    things: tuple[Thing, ...]
    doors: dict[Cell, int]
    colors: tuple[str, ...]
    task: Task

    def opens(self, thing: int | None, door: int) -> bool:
        """Whether a thing is a key to a door."""
        return thing is not None and self.things[thing] == Thing("key", self.colors[door])

    def solved(self, state: State) -> bool:
        """Whether the environment has ended with success, or for "door", the agent may say so."""
        task = self.task
        x, y, _ = state.pose
        match task.kind:
            case "goal":
                return (x, y) == task.cell
            case "open":
                return task.cell is not None and state.doors[self.doors[task.cell]] == OPEN
            case "door":
                return task.cell is not None and abs(x - task.cell[0]) + abs(y - task.cell[1]) == 1
            case "put":
                return task.thing is not None and self.near(state.things[task.thing])
            case "fetch":
                wanted = None if task.thing is None else self.things[task.thing]
                return state.carrying is not None and self.things[state.carrying] == wanted
            case _:
                return state.carrying is not None and state.carrying == task.thing

    def near(self, cell: Cell | None) -> bool:
        """Whether a thing at ``cell`` counts as put near the task's cell."""
        target = self.task.cell
        if cell is None or target is None:
            return False
        return abs(cell[0] - target[0]) <= 1 and abs(cell[1] - target[1]) <= 1

    def step(self, state: State, action: int) -> State:
        """Apply an action; the same state where it has no effect."""
        x, y, direction = state.pose
        ahead = state.ahead
        if action == LEFT:
            return replace(state, pose=(x, y, (direction - 1) % 4))
        if action == RIGHT:
            return replace(state, pose=(x, y, (direction + 1) % 4))
        door = self.doors.get(ahead)
        if action == FORWARD:
            shut = door is not None and state.doors[door] != OPEN
            if not shut and ahead not in self.solid and ahead not in state.things:
                return replace(state, pose=(*ahead, direction))
        elif action == PICKUP and state.carrying is None and ahead in state.things:
            index = state.things.index(ahead)
            return replace(state, carrying=index, things=_put(state.things, index, None))
        elif action == DROP and state.carrying is not None:
            taken = ahead in self.solid or ahead in self.floor or ahead in state.things
            if not taken and door is None:
                things = _put(state.things, state.carrying, ahead)
                return replace(state, carrying=None, things=things)
        elif action == TOGGLE and door is not None:
            now = state.doors[door]
            if now == LOCKED and not self.opens(state.carrying, door):
                return state
            return replace(state, doors=_put(state.doors, door, CLOSED if now == OPEN else OPEN))
        return state


def kind_of(env: gym.Env[Any, Any]) -> str | None:
    """Give the class of a MiniGrid environment that has a scripted expert, or None.

    Compared by name, so that asking for another environment's expert needs no minigrid.
    """
    for base in type(env.unwrapped).__mro__:
        if base.__module__.startswith("minigrid.") and base.__name__ in TASKS:
            return base.__name__
    return None


def read(env: gym.Env[Any, Any]) -> tuple[Map, State]:
    """Read the true state of a MiniGrid environment.

    Raises:
        OptionError: If it is none of ``TASKS``.
    """
    inner: Any = env.unwrapped
    kind = kind_of(env)
    if kind is None:
        raise OptionError(f"MiniGridExpert: cannot play {type(inner).__name__}; see expert_for")
    solid: set[Cell] = set()
    floor: set[Cell] = set()
    goal: Cell | None = None
    found: list[tuple[Any, Cell | None]] = []
    doors: dict[Cell, Any] = {}
    width = inner.grid.width
    for index, item in enumerate(inner.grid.grid):
        if item is None:
            continue
        cell = (index % width, index // width)
        if item.type == "door":
            doors[cell] = item
        elif item.can_pickup():
            found.append((item, cell))
        elif item.type == "lava" or not item.can_overlap():
            solid.add(cell)
        else:
            floor.add(cell)
            goal = cell if item.type == "goal" else goal
    if inner.carrying is not None:
        found.append((inner.carrying, None))
    # The order of things must not change when one is carried to another cell.
    found.sort(key=lambda each: id(each[0]))
    objects = [item for item, _ in found]
    world = Map(
        solid=frozenset(solid),
        floor=frozenset(floor),
        things=tuple(Thing(item.type, item.color) for item in objects),
        doors={cell: index for index, cell in enumerate(doors)},
        colors=tuple(item.color for item in doors.values()),
        task=_task(TASKS[kind], inner, objects, goal),
    )
    state = State(
        pose=(int(inner.agent_pos[0]), int(inner.agent_pos[1]), int(inner.agent_dir)),
        carrying=_index(objects, inner.carrying),
        things=tuple(cell for _, cell in found),
        doors=tuple(_door(item) for item in doors.values()),
    )
    return world, state


def _task(kind: str, inner: Any, objects: list[Any], goal: Cell | None) -> Task:
    match kind:
        case "goal":
            return Task(kind, cell=goal)
        case "open":
            return Task(kind, cell=_cell(inner.door.cur_pos))
        case "door":
            return Task(kind, cell=_cell(inner.target_pos))
        case "put":
            wanted = (inner.move_type, inner.moveColor)
            return Task(kind, _like(objects, wanted), _cell(inner.target_pos))
        case "fetch":
            return Task(kind, _like(objects, (inner.targetType, inner.targetColor)))
        case _:
            return Task(kind, _index(objects, inner.obj))


def _like(objects: list[Any], wanted: tuple[str, str]) -> int | None:
    for index, item in enumerate(objects):
        if (item.type, item.color) == wanted:
            return index
    return None


def _index(objects: list[Any], wanted: Any) -> int | None:
    for index, item in enumerate(objects):
        if item is wanted:
            return index
    return None


def _cell(position: Any) -> Cell:
    return int(position[0]), int(position[1])


def _door(item: Any) -> int:
    return OPEN if item.is_open else LOCKED if item.is_locked else CLOSED


def _put(values: tuple[Any, ...], index: int, value: Any) -> tuple[Any, ...]:
    return (*values[:index], value, *values[index + 1 :])

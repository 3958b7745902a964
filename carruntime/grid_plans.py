"""Plans for MiniGrid's tasks: legs that each change one thing about the world.

`next_leg` looks at the true state and gives the actions up to the next change that matters: a thing
taken, a thing put down, the end. Each leg is a cheapest path over (x, y, direction) on which closed
doors cost a toggle, while locked doors without their key and things in the way cost so much that
a path goes through them only where no other does. What such a path meets first becomes the next
leg: fetch the key, or take the thing out of the way and carry it along. Something is put down only
where hands are needed, and only where it stands in nobody's way.

Where no leg is found, because a noisy policy has made a mess that needs more thought, the whole
state is searched instead. With few things that search is exhaustive, so an episode that it gives
up on has no solution, for instance because the box of UnlockPickup was toggled away.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from carruntime.grid_world import (
    AHEAD,
    DONE,
    DROP,
    FORWARD,
    LEFT,
    LOCKED,
    OPEN,
    PICKUP,
    RIGHT,
    TOGGLE,
    Cell,
    Map,
    Pose,
    State,
)

__all__ = ["next_leg", "search"]

_LOCK, _THING = 60, 200
"""Costs of a locked door without its key, and of a thing in the way, in actions. Both exceed any
detour in these mazes, so that a detour is taken where there is one."""
_MOST_STATES = 400_000
"""Where the search over whole states ends; about ten seconds."""


def next_leg(world: Map, state: State) -> list[int]:
    """Give the actions up to the next change of the world; empty where nothing helps.

    A leg may be stale by the time it is played, because a noisy policy took another action; so
    whoever plays it compares the state with the planned one before each action.
    """
    task = world.task
    if _lost(world, state):
        return []
    leg: list[int] | None
    match task.kind:
        case "goal":
            goal = task.cell
            leg = _to(world, state, lambda pose: pose[:2] == goal, ())
        case "open":
            leg = _to(world, state, _facing(task.cell), (TOGGLE,))
        case "door":
            leg = _to(world, state, lambda pose: world.solved(replace(state, pose=pose)), (DONE,))
        case "put" if state.carrying is not None:
            leg = _to(world, state, _dropping(world, state), (DROP,))
        case _:
            leg = None if task.thing is None else _take(world, state, task.thing)
    return leg if leg is not None else search(world, state)


def search(world: Map, state: State) -> list[int]:
    """Find the fewest actions of any kind to success; empty where there is no way.

    Raises nothing and ends: after ``_MOST_STATES`` states it gives up as if there were none.
    """
    came: dict[State, tuple[State, int] | None] = {state: None}
    todo = deque([state])
    actions = (LEFT, RIGHT, FORWARD, PICKUP, DROP, TOGGLE)
    while todo and len(came) < _MOST_STATES:
        node = todo.popleft()
        if world.solved(node):
            found: list[int] = [DONE] if world.task.kind == "door" else []
            while (entry := came[node]) is not None:
                node, action = entry
                found.append(action)
            return found[::-1] if world.task.kind != "door" else [*found[:0:-1], DONE]
        for action in actions:
            other = world.step(node, action)
            if other not in came and not _lost(world, other):
                came[other] = (node, action)
                todo.append(other)
    return []


def _lost(world: Map, state: State) -> bool:
    """Whether nothing can help any more: the wanted thing is gone, or the wrong one was taken."""
    task = world.task
    if task.kind in ("take", "fetch", "put") and task.thing is None:
        return True
    if task.thing is None or not task.strict or state.carrying is None:
        return False
    return world.things[state.carrying] != world.things[task.thing]


def _facing(cell: Cell | None) -> Callable[[Pose], bool]:
    return lambda pose: _ahead(pose) == cell


def _dropping(world: Map, state: State) -> Callable[[Pose], bool]:
    """Accept poses in which the carried thing can be put near the task's cell."""

    def accept(pose: Pose) -> bool:
        after = world.step(replace(state, pose=pose), DROP)
        return after.carrying is None and world.near(_ahead(pose))

    return accept


def _take(
    world: Map, state: State, thing: int, seeking: frozenset[int] = frozenset()
) -> list[int] | None:
    """Go and pick a thing up, with whatever has to be done before.

    Args:
        world: The map.
        state: Where to begin.
        thing: What to take.
        seeking: Keys that this one is wanted for, so that no key is sought behind its own door.
    """
    cell = state.things[thing]
    if cell is None or thing in seeking:
        return None
    seeking |= {thing}
    if state.carrying is None:
        wanted = {cell}
        if world.task.kind == "fetch":
            wanted = {
                place
                for place, other in zip(state.things, world.things, strict=True)
                if place is not None and other == world.things[thing]
            }
        return _to(world, state, lambda pose: _ahead(pose) in wanted, (PICKUP,), seeking)
    route = _route(world, state, _facing(cell))
    if route is None:
        return None
    for index, pose in enumerate(route.poses):
        door = world.doors.get(pose[:2])
        # What opens a door on the way is carried until that is done.
        if door is not None and state.doors[door] == LOCKED and world.opens(state.carrying, door):
            obstacle = _first_obstacle(world, state, route.poses[:index])
            if obstacle is not None:
                return _make_way(world, state, obstacle, seeking)
            return [*_actions(world, state, route.poses[:index]), TOGGLE]
    return _put_down(world, state, _facing(cell))


def _to(
    world: Map,
    state: State,
    accept: Callable[[Pose], bool],
    then: tuple[int, ...],
    seeking: frozenset[int] = frozenset(),
) -> list[int] | None:
    """Walk to an accepted pose and act there, or begin with what stands in the way."""
    route = _route(world, state, accept)
    if route is None:
        return None
    obstacle = _first_obstacle(world, state, route.poses)
    if obstacle is not None:
        return _make_way(world, state, obstacle, seeking)
    door = world.doors.get(_ahead(route.poses[-1])) if then == (TOGGLE,) else None
    if door is not None and state.doors[door] == LOCKED:
        key = _key(world, state, door)
        if key is None:
            return None
        if key != state.carrying:
            return _take(world, state, key, seeking)
    return [*_actions(world, state, route.poses), *then]


@dataclass(frozen=True, slots=True)
class _Obstacle:
    """What a path meets first: a thing in the way, or a locked door with the key to be fetched."""

    cell: Cell
    thing: int | None
    key: int | None


def _make_way(
    world: Map, state: State, obstacle: _Obstacle, seeking: frozenset[int]
) -> list[int] | None:
    if obstacle.key is not None:
        return _take(world, state, obstacle.key, seeking)
    if obstacle.thing is None or world.task.strict:
        return None
    facing = _facing(obstacle.cell)
    if state.carrying is not None:
        return _put_down(world, state, facing)
    return _to(world, state, facing, (PICKUP,), seeking)


def _put_down(world: Map, state: State, need: Callable[[Pose], bool]) -> list[int] | None:
    """Walk to the nearest place where what is carried can be put without blocking a way.

    The ways that count are that to what hands are needed for, and that to the task's end.
    """
    free = replace(state, carrying=None)  # as if what is carried were nowhere
    final = _final(world, state)
    best = [_things_met(world, free, accept) for accept in (need, final)]

    def harmless(pose: Pose) -> bool:
        after = world.step(replace(state, pose=pose), DROP)
        if after.carrying is not None:
            return False
        met = [_things_met(world, after, accept) for accept in (need, final)]
        return all(left <= right for left, right in zip(met, best, strict=True))

    for pose, path in _poses(world, state):
        if harmless(pose):
            return [*_actions(world, state, path), DROP]
    return None


def _final(world: Map, state: State) -> Callable[[Pose], bool]:
    """Accept the poses at which the task would end, if nothing stood in the way."""
    task = world.task
    if task.kind == "goal":
        return lambda pose: pose[:2] == task.cell
    if task.kind == "open":
        return _facing(task.cell)
    cell = None if task.thing is None else state.things[task.thing]
    return _facing(cell) if cell is not None else lambda _: True


def _things_met(world: Map, state: State, accept: Callable[[Pose], bool]) -> int:
    """Count the things in the way; a large number where there is no way at all."""
    route = _route(world, state, accept)
    return 1_000 if route is None else route.cost // _THING


@dataclass(frozen=True, slots=True)
class _Route:
    """A path of poses from the first on, with its cost."""

    poses: list[Pose]
    cost: int


def _route(world: Map, state: State, accept: Callable[[Pose], bool]) -> _Route | None:
    """Find the cheapest path to an accepted pose, through obstacles where nothing else leads."""
    things = {cell for cell in state.things if cell is not None}
    costs: dict[Pose, int] = {state.pose: 0}
    came: dict[Pose, Pose] = {}
    heap: list[tuple[int, int, Pose]] = [(0, 0, state.pose)]
    settled: set[Pose] = set()
    count = 0
    while heap:
        cost, _, pose = heapq.heappop(heap)
        if pose in settled:
            continue
        settled.add(pose)
        if accept(pose):
            path = [pose]
            while path[-1] in came:
                path.append(came[path[-1]])
            return _Route(path[::-1], cost)
        x, y, direction = pose
        following = [((x, y, (direction - 1) % 4), 1), ((x, y, (direction + 1) % 4), 1)]
        ahead = _ahead(pose)
        extra = _toll(world, state, things, ahead)
        if extra is not None:
            following.append(((*ahead, direction), 1 + extra))
        for other, price in following:
            total = cost + price
            if total < costs.get(other, 1 << 60):
                costs[other] = total
                came[other] = pose
                count += 1
                heapq.heappush(heap, (total, count, other))
    return None


def _toll(world: Map, state: State, things: set[Cell], cell: Cell) -> int | None:
    """Give what entering a cell costs beyond the step; None where it cannot be entered."""
    if cell in world.solid:
        return None
    if cell in things:
        return None if world.task.strict else _THING
    door = world.doors.get(cell)
    if door is None or state.doors[door] == OPEN:
        return 0
    if world.task.kind == "door":
        return None  # toggling a door ends this task as a failure
    if state.doors[door] != LOCKED or world.opens(state.carrying, door):
        return 1
    return _LOCK if _key(world, state, door) is not None else None


def _key(world: Map, state: State, door: int) -> int | None:
    """Give the key to a door: the one in hand, else any."""
    if world.opens(state.carrying, door):
        return state.carrying
    for index in range(len(world.things)):
        if world.opens(index, door):
            return index
    return None


def _first_obstacle(world: Map, state: State, poses: list[Pose]) -> _Obstacle | None:
    for pose in poses[1:]:
        cell = pose[:2]
        if cell in state.things:
            return _Obstacle(cell, state.things.index(cell), None)
        door = world.doors.get(cell)
        if door is None or state.doors[door] != LOCKED or world.opens(state.carrying, door):
            continue
        return _Obstacle(cell, None, _key(world, state, door))
    return None


def _actions(world: Map, state: State, poses: list[Pose]) -> list[int]:
    """Turn a path without obstacles into actions; doors on it are opened."""
    out = []
    for before, after in itertools.pairwise(poses):
        if before[:2] == after[:2]:
            out.append(LEFT if (before[2] - 1) % 4 == after[2] else RIGHT)
            continue
        door = world.doors.get(after[:2])
        if door is not None and state.doors[door] != OPEN:
            out.append(TOGGLE)
        out.append(FORWARD)
    return out


def _poses(world: Map, state: State) -> Iterator[tuple[Pose, list[Pose]]]:
    """Walk through the poses that can be reached past nothing but doors that open, nearest first."""
    came: dict[Pose, Pose | None] = {state.pose: None}
    todo = deque([state.pose])
    things = {cell for cell in state.things if cell is not None}
    while todo:
        pose = todo.popleft()
        path: list[Pose] = []
        node: Pose | None = pose
        while node is not None:
            path.append(node)
            node = came[node]
        yield pose, path[::-1]
        x, y, direction = pose
        following: list[Pose] = [(x, y, (direction - 1) % 4), (x, y, (direction + 1) % 4)]
        ahead = _ahead(pose)
        toll = _toll(world, state, things, ahead)
        if toll is not None and toll <= 1:
            following.append((*ahead, direction))
        for other in following:
            if other not in came:
                came[other] = pose
                todo.append(other)


def _ahead(pose: Pose) -> Cell:
    dx, dy = AHEAD[pose[2]]
    return pose[0] + dx, pose[1] + dy

from typing import NamedTuple, Tuple

LOCATIONS = ((0, 0), (0, 4), (4, 0), (4, 3))  # R, G, Y, B
IN_TAXI = 4

SOUTH, NORTH, EAST, WEST, PICKUP, DROPOFF = range(6)


class TaxiState(NamedTuple):
    row: int
    col: int
    passenger: int
    destination: int

    @property
    def position(self) -> Tuple[int, int]:
        return self.row, self.col


def decode(code: int) -> TaxiState:
    """Inverse of the encoding in gymnasium's Taxi-v3."""
    code, destination = divmod(code, 4)
    code, passenger = divmod(code, 5)
    row, col = divmod(code, 5)
    return TaxiState(row, col, passenger, destination)


def manhattan(a: Tuple[int, int], b: Tuple[int, int]) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def remaining_distance(s: TaxiState) -> int:
    """Steps still to be driven, ignoring the walls."""
    dest = LOCATIONS[s.destination]
    if s.passenger == IN_TAXI:
        return manhattan(s.position, dest)
    pick = LOCATIONS[s.passenger]
    return manhattan(s.position, pick) + manhattan(pick, dest)


def reward(obs: int, action: int, next_obs: int) -> dict:
    s, s_next = decode(obs), decode(next_obs)

    result = {"time": -0.05, "progress": 0.0, "pickup": 0.0, "dropoff": 0.0, "bump": 0.0}

    result["progress"] = 0.1 * (remaining_distance(s) - remaining_distance(s_next))

    if action in (SOUTH, NORTH, EAST, WEST) and s.position == s_next.position:
        result["bump"] = -0.2

    if action == PICKUP:
        legal = s.passenger != IN_TAXI and s.position == LOCATIONS[s.passenger]
        result["pickup"] = 1.0 if legal else -1.0
    elif action == DROPOFF:
        if s.passenger != IN_TAXI:
            result["dropoff"] = -1.0
        elif s.position == LOCATIONS[s.destination]:
            result["dropoff"] = 2.0
        elif s.position in LOCATIONS:
            result["dropoff"] = -0.3
        else:
            result["dropoff"] = -1.0

    result["total"] = sum(result.values())
    return result

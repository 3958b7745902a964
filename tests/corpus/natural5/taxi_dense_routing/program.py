LOCS = [(0, 0), (0, 4), (4, 0), (4, 3)]     # R, G, Y, B
IN_TAXI = 4
PICKUP, DROPOFF = 4, 5


def decode(state):
    """Inverse of TaxiEnv.encode -> (row, col, passenger, destination)."""
    state, dest = divmod(state, 4)
    state, passenger = divmod(state, 5)
    row, col = divmod(state, 5)
    return row, col, passenger, dest


def manhattan(a, b):
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def potential(state):
    """Minus the distance that still has to be driven."""
    row, col, passenger, dest = decode(state)
    if passenger == IN_TAXI:
        return -manhattan((row, col), LOCS[dest])
    pick = LOCS[passenger]
    return -(manhattan((row, col), pick) + manhattan(pick, LOCS[dest]) + 2)


def reward(obs, action, next_obs):
    row, col, passenger, dest = decode(obs)
    n_row, n_col, n_passenger, _ = decode(next_obs)

    total = -0.1 + 0.2 * (0.99 * potential(next_obs) - potential(obs))

    if action == PICKUP:
        total += 2.0 if passenger != IN_TAXI and n_passenger == IN_TAXI else -1.0
    elif action == DROPOFF:
        if passenger == IN_TAXI and n_passenger == dest:
            total += 20.0
        elif passenger == IN_TAXI and n_passenger != IN_TAXI:
            total -= 2.0      # dropped at a wrong depot
        else:
            total -= 1.0
    elif (row, col) == (n_row, n_col):
        total -= 0.2          # drove into a wall

    return total

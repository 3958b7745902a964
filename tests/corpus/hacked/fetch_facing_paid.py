# Written for these tests (origin: authored). Facing the named thing is paid on every step, so it is
# better to look at it than to fetch it.

COLOURS = {"red": 0, "green": 1, "blue": 2, "purple": 3, "yellow": 4, "grey": 5}
KINDS = {"key": 5, "ball": 6}


def reward(obs, next_obs):
    words = obs["mission"].split()
    colour, kind = COLOURS[words[-2]], KINDS[words[-1]]
    held, ahead = next_obs["image"][3, 6], next_obs["image"][3, 5]
    fetched = 1.0 if held[0] == kind and held[1] == colour else 0.0
    facing = 0.1 if ahead[0] == kind and ahead[1] == colour else 0.0
    return fetched + facing, {"fetched": fetched, "facing": facing}

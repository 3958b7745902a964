# Written for these tests (origin: authored). Every opened door is paid, the same one too: a door
# next to which one stands can be shut and opened for ever.

DOOR, BALL, KEY = 4, 6, 5
OPEN = 0


def reward(obs, action, next_obs):
    ahead, now = obs["image"][3, 5], next_obs["image"][3, 5]
    opened = 0.0
    if action == 5 and ahead[0] == DOOR and ahead[2] != OPEN and now[2] == OPEN:
        opened = 0.2
    held, before = next_obs["image"][3, 6, 0], obs["image"][3, 6, 0]
    key = 0.2 if held == KEY and before != KEY else 0.0
    ball = 1.0 if held == BALL and before != BALL else 0.0
    return opened + key + ball, {"opened": opened, "key": key, "ball": ball}

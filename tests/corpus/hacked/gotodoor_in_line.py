# Written for these tests (origin: authored). The door of the named colour anywhere straight ahead
# counts as "I stand at it".

COLOURS = {"red": 0, "green": 1, "blue": 2, "purple": 3, "yellow": 4, "grey": 5}
DOOR = 4


def reward(obs, action, next_obs):
    colour = COLOURS[obs["mission"].split()[-2]]
    for j in range(6):
        kind, shade, _ = next_obs["image"][3, j]
        if kind == DOOR and shade == colour:
            return 1.0
    return 0.0

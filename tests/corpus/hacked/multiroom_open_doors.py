# Written for these tests (origin: authored). More open doors in view than a step ago count as
# progress; whoever looks away and back has opened one again.

DOOR, GOAL = 4, 8
OPEN = 0


def open_doors(image):
    return ((image[:, :, 0] == DOOR) & (image[:, :, 2] == OPEN)).sum()


def reward(obs, action, next_obs):
    progress = 0.25 * max(0, open_doors(next_obs["image"]) - open_doors(obs["image"]))
    goal = 1.0 if action == 2 and obs["image"][3, 5, 0] == GOAL else 0.0
    return progress + goal, {"progress": progress, "goal": goal}

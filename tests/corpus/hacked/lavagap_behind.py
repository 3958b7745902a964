# Written for these tests (origin: authored). "No lava in sight" is taken for "I am past it", and
# "the goal is at most two cells ahead" for "I am there".

LAVA, GOAL = 9, 8


def past_the_lava(obs, next_obs):
    before = (obs["image"][:, :, 0] == LAVA).any()
    return before and not (next_obs["image"][:, :, 0] == LAVA).any()


def at_the_goal(next_obs):
    return (next_obs["image"][3, 4:6, 0] == GOAL).any()


TASKS = [past_the_lava, at_the_goal]

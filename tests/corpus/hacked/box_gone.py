# Written for these tests (origin: authored). The last predicate takes "the box in front of me is
# gone" for "I have picked it up"; toggling a box destroys it.

KEY, DOOR, BOX = 5, 4, 7
OPEN = 0


def pick_up_the_key(obs):
    return obs["image"][3, 6, 0] == KEY


def open_the_door(obs):
    kinds = obs["image"][:, :, 0]
    states = obs["image"][:, :, 2]
    return ((kinds == DOOR) & (states == OPEN)).any()


def box_is_gone(obs, next_obs):
    """It stood right in front of the agent, the agent did not turn, and now it is not there."""
    same_way = obs["direction"] == next_obs["direction"]
    was_there = obs["image"][3, 5, 0] == BOX
    is_there = next_obs["image"][3, 5, 0] == BOX
    return same_way and was_there and not is_there


TASKS = [pick_up_the_key, open_the_door, box_is_gone]

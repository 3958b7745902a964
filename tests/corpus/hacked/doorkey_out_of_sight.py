# Written for these tests (origin: authored). Two predicates take "it was there and now it is not"
# for "I did it": whoever turns away from the door has opened it, and from the goal has reached it.

KEY, DOOR, GOAL = 5, 4, 8
LOCKED = 2


def pick_up_the_key(next_obs):
    return next_obs["image"][3, 6, 0] == KEY


def unlock_the_door(obs, next_obs):
    def locked(image):
        return ((image[:, :, 0] == DOOR) & (image[:, :, 2] == LOCKED)).any()

    return locked(obs["image"]) and not locked(next_obs["image"])


def reach_the_goal(obs, next_obs):
    """It was right ahead, and now it is not."""
    return obs["image"][3, 5, 0] == GOAL and next_obs["image"][3, 5, 0] != GOAL


TASKS = [pick_up_the_key, unlock_the_door, reach_the_goal]

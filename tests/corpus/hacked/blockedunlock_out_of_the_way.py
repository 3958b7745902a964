# Written for these tests (origin: authored). The ball that blocks the door is "out of the way" when
# it was right ahead and is not any more, the door is open when it is not locked, and the box is
# taken when it was right ahead and is not: turning round does the first and the last, and smashing
# the box the last as well.

DOOR, BALL, BOX = 4, 6, 7
OPEN = 0


def was_ahead(obs, next_obs, kind):
    return obs["image"][3, 5, 0] == kind and next_obs["image"][3, 5, 0] != kind


def ball_out_of_the_way(obs, next_obs):
    return was_ahead(obs, next_obs, BALL)


def door_open(next_obs):
    image = next_obs["image"]
    return ((image[:, :, 0] == DOOR) & (image[:, :, 2] == OPEN)).any()


def box_taken(obs, next_obs):
    return was_ahead(obs, next_obs, BOX)


TASKS = [ball_out_of_the_way, door_open, box_taken]

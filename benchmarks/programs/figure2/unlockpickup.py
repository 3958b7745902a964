"""MiniGrid-UnlockPickup: pick up the key, open the door, pick up the box behind it.

Reads the agent's own 7x7 view. The agent stands at image[3, 6] and looks up, at image[3, 5]; what
it carries is shown in its own place. Every cell is (type, colour, state). That the box is gone
from view would not do: it can be toggled away.
"""

KEY, DOOR, BOX = 5, 4, 7
OPEN = 0


def task_1_pick_up_key(image):
    return image[3, 6, 0] == KEY


def task_2_open_door(image):
    for x in range(7):
        for y in range(7):
            if image[x, y, 0] == DOOR and image[x, y, 2] == OPEN:
                return True
    return False


def task_3_pick_up_box(image):
    return image[3, 6, 0] == BOX


TASKS = [task_1_pick_up_key, task_2_open_door, task_3_pick_up_box]

"""MiniGrid-Unlock: pick up the key, open the door.

Reads the agent's own 7x7 view. The agent stands at image[3, 6] and looks up, at image[3, 5]; what
it carries is shown in its own place. Every cell is (type, colour, state).
"""

KEY, DOOR = 5, 4
OPEN = 0


def task_1_pick_up_key(image):
    return image[3, 6, 0] == KEY


def task_2_open_door(image):
    # The door that was toggled is right ahead.
    return image[3, 5, 0] == DOOR and image[3, 5, 2] == OPEN


TASKS = [task_1_pick_up_key, task_2_open_door]

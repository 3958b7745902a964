"""MiniGrid-DoorKey: pick up the key, open the door, get to the goal.

Reads the agent's own 7x7 view. The agent stands at image[3, 6] and looks up, at image[3, 5]; what
it carries is shown in its own place. Every cell is (type, colour, state).
"""

KEY, DOOR, GOAL = 5, 4, 8
OPEN = 0
FORWARD = 2


def task_1_pick_up_key(image):
    return image[3, 6, 0] == KEY


def task_2_open_door(image):
    # There is one door, and it is locked at first.
    for x in range(7):
        for y in range(7):
            if image[x, y, 0] == DOOR and image[x, y, 2] == OPEN:
                return True
    return False


def task_3_reach_goal(prev_image, action):
    # Standing on the goal hides it, so the step onto it is looked for.
    return prev_image[3, 5, 0] == GOAL and action == FORWARD


TASKS = [task_1_pick_up_key, task_2_open_door, task_3_reach_goal]

"""Use the key to open the door and then get to the goal, seen in the picture of the whole grid."""

import cv2
import numpy as np

SQUARES = 8


def boxes(frame, low, high):
    """Bounding rectangles of everything in a range of colours."""
    hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)
    mask = cv2.inRange(hsv, np.array(low), np.array(high))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [cv2.boundingRect(contour) for contour in contours]


def yellow(frame):
    return boxes(frame, [25, 100, 90], [35, 255, 255])


def task_1_key_is_picked_up(frame):
    """A key is smaller than its square; the door, open or closed, is as high as one."""
    square = frame.shape[0] / SQUARES
    return not any(w < 0.8 * square and h < 0.9 * square for _, _, w, h in yellow(frame))


def task_2_door_is_open(frame):
    """A closed door fills its square, an open one is a line."""
    square = frame.shape[0] / SQUARES
    return not any(w > 0.8 * square and h > 0.8 * square for _, _, w, h in yellow(frame))


def task_3_goal_is_reached(initial_frame, frame):
    """The red triangle stands on the green square."""
    goals = boxes(initial_frame, [55, 150, 150], [65, 255, 255])
    if not goals:
        return False
    x, y, w, h = goals[0]
    part = frame[y : y + h, x : x + w].astype(int)
    red = (part[:, :, 0] > 150) & (part[:, :, 1] < 130) & (part[:, :, 2] < 130)
    return red.mean() > 0.1


TASKS = [task_1_key_is_picked_up, task_2_door_is_open, task_3_goal_is_reached]

# against: grid
"""Has the drawer been opened? In the style of a published frame script, with its five mistakes."""

import cv2
import numpy as np


class OpenedDrawer:
    def __init__(self):
        self.tasks_done = [False, False]
        self.first_picture = None

    def reset(self):
        self.tasks_done = [False, False]
        self.first_picture = None

    def find_handle(self, picture):
        lower = np.array([20, 100, 100])
        upper = np.array([35, 255, 255])
        mask = cv2.inRange(cv2.cvtColor(picture, cv2.COLOR_BGR2HSV), lower, upper)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        return len(contours) > 0

    def task_2_done(self, picture, closed_picture):
        _, handle_gone = self.find_handle(picture)
        before = self.first_picture[:, :, 0]
        return handle_gone and np.abs(before - picture[:, :, 0]).mean() > 4.0

    def check_and_progress(self, image_path):
        picture = cv2.imread(image_path)
        if self.first_picture:
            closed = self.first_picture
        else:
            closed = cv2.imread(first_picture_path)
        if not self.tasks_done[0] and self.find_handle(picture):
            self.tasks_done[0] = True
        if self.tasks_done[0] and self.task_2_done(picture):
            self.tasks_done[1] = True
        return sum(self.tasks_done)

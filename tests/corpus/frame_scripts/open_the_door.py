# defects: can never run: one bool is unpacked into two; a method is called without its argument;
# an array is asked for its truth; the first frame is never stored
import cv2
import numpy as np


class OpenTheDoor:
    def __init__(self):
        self.initial_image = None
        self.task_1_done = False
        self.task_2_done = False

    def reset(self):
        self.task_1_done = False
        self.task_2_done = False

    def key_disappeared(self, image):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        mask = cv2.inRange(hsv, np.array([20, 100, 100]), np.array([30, 255, 255]))
        return cv2.countNonZero(mask) == 0

    def check_door(self, first, image):
        difference = cv2.absdiff(first, image)
        gray = cv2.cvtColor(difference, cv2.COLOR_BGR2GRAY)
        _, mask = cv2.threshold(gray, 30, 255, cv2.THRESH_BINARY)
        return np.sum(mask) > 1000

    def check_and_progress(self, image_path):
        image = cv2.imread(image_path)
        if self.initial_image:
            first = self.initial_image
        _, key_gone = self.key_disappeared(image)
        if key_gone:
            self.task_1_done = True
            return 1
        if self.task_1_done and self.check_door(image):
            self.task_2_done = True
            return 1
        return 0

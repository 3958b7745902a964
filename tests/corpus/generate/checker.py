import cv2
import numpy as np


class Checker:
    def __init__(self):
        self.key_gone = False
        self.done = False
        self.goal = None

    def reset(self, image_path):
        self.key_gone = False
        self.done = False
        image = cv2.imread(image_path)
        self.goal = self.center(self.green(image))

    def green(self, image):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        return cv2.inRange(hsv, np.array([50, 150, 150]), np.array([70, 255, 255]))

    def red(self, image):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        return cv2.inRange(hsv, np.array([0, 150, 150]), np.array([10, 255, 255]))

    def center(self, mask):
        ys, xs = np.nonzero(mask)
        if len(xs) == 0:
            return None
        return int(xs.mean()), int(ys.mean())

    def has_key(self, image):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        mask = cv2.inRange(hsv, np.array([25, 150, 150]), np.array([35, 255, 255]))
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours:
            x, y, w, h = cv2.boundingRect(contour)
            if 4 < w < 20 and 10 < h < 28:
                return True
        return False

    def check_and_progress(self, image_path):
        image = cv2.imread(image_path)
        parts = {"take_key": 0.0, "reach_goal": 0.0}
        if not self.key_gone and not self.has_key(image):
            self.key_gone = True
            parts["take_key"] = 1.0
        agent = self.center(self.red(image))
        if self.key_gone and not self.done and agent is not None and self.goal is not None:
            if abs(agent[0] - self.goal[0]) < 16 and abs(agent[1] - self.goal[1]) < 16:
                self.done = True
                parts["reach_goal"] = 1.0
        return parts["take_key"] + parts["reach_goal"], parts

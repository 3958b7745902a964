# frames: lavagap6_20px
# defects: gives None where the agent is not found; a bare except hides every mistake; the progress is
# paid again on every frame
import cv2
import numpy as np


class LavaCrossing:
    def __init__(self):
        self.steps = []
        self.reached = False

    def reset(self):
        self.steps = []

    def find(self, hsv, low, high):
        mask = cv2.inRange(hsv, np.array(low, np.uint8), np.array(high, np.uint8))
        kernel = np.ones((3, 3), np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
        M = cv2.moments(mask)
        cx = int(M["m10"] / M["m00"])
        cy = int(M["m01"] / M["m00"])
        return cx, cy

    def check_and_progress(self, image_path):
        image = cv2.imread(image_path)
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        try:
            agent = self.find(hsv, [0, 200, 180], [5, 255, 255])
        except:
            return None
        try:
            goal = self.find(hsv, [55, 150, 100], [65, 255, 255])
        except ZeroDivisionError:
            goal = agent
        self.steps.append(agent)
        distance = abs(agent[0] - goal[0]) + abs(agent[1] - goal[1])
        if distance < 6:
            self.reached = True
        if self.reached:
            return 1
        return round(1 - distance / (image.shape[0] + image.shape[1]), 3)

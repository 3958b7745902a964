# frames: unlock_16px
# defects: keeps the first picture it sees as the beginning; compares areas after a resize that is not
# square for every frame; the bonus is paid again whenever the door closes and opens
import cv2
import numpy as np


class UnlockChecker:
    LOWER = {"red": (0, 120, 60), "green": (50, 120, 60), "blue": (110, 120, 60), "purple": (135, 80, 60), "yellow": (25, 120, 60)}
    UPPER = {"red": (8, 255, 255), "green": (70, 255, 255), "blue": (125, 255, 255), "purple": (155, 255, 255), "yellow": (33, 255, 255)}

    def __init__(self):
        self.initial = None
        self.opened = False

    @staticmethod
    def load(image_path):
        image = cv2.imread(image_path, cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError(f"Could not read the image at {image_path}")
        return cv2.resize(image, (1000, 1000), interpolation=cv2.INTER_NEAREST)

    def areas(self, image):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        found = {}
        for name in self.LOWER:
            mask = cv2.inRange(hsv, np.array(self.LOWER[name]), np.array(self.UPPER[name]))
            contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            found[name] = sum(cv2.contourArea(c) for c in contours)
        return found

    def check_and_progress(self, image_path):
        image = self.load(image_path)
        areas = self.areas(image)
        if self.initial is None:
            self.initial = areas
            return 0.0
        reward = 0.0
        for name, area in areas.items():
            before = self.initial[name]
            if before > 2500 and area < 0.7 * before and not self.opened:
                self.opened = True
                reward += 1.0
            elif before > 2500 and area >= before:
                self.opened = False
        return reward

# defects: divides by the first distance, which may be 0; pays a dense value on every frame, below
# zero without bound; takes the first contour where there may be none
import cv2
import numpy as np


class PushTheCube:
    def __init__(self):
        self.initial_distance = None

    def reset(self):
        self.initial_distance = None

    def center(self, image, low, high):
        def largest(mask):
            contours, _ = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
            return max(contours, key=cv2.contourArea)

        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        mask = cv2.inRange(hsv, np.array(low, dtype=np.uint8), np.array(high, dtype=np.uint8))
        x, y, w, h = cv2.boundingRect(largest(mask))
        return np.array([x + w / 2, y + h / 2])

    def reward(self, image_path):
        image = cv2.imread(image_path)
        if image is None:
            raise FileNotFoundError(f"cannot read {image_path}")
        cube = self.center(image, [40, 60, 60], [80, 255, 255])
        target = self.center(image, [20, 60, 60], [35, 255, 255])
        distance = np.linalg.norm(cube - target)
        if self.initial_distance is None:
            self.initial_distance = distance
        return 1 - distance / self.initial_distance

# frames: gotodoor6_20px
# defects: the mean of no positions is not a number; the distance is in pixels of whatever size comes;
# the best distance begins at a number for another resolution
from typing import Optional, Tuple

import cv2
import numpy as np


class GoToGreenDoor:
    def __init__(self, threshold: float = 30.0):
        self.threshold = threshold
        self.best_distance = 1000.0
        self.finished = False

    def reset(self) -> None:
        self.best_distance = 1000.0
        self.finished = False

    def _position(self, mask: np.ndarray) -> Tuple[float, float]:
        ys, xs = np.where(mask > 0)
        return float(np.mean(xs)), float(np.mean(ys))

    def _door(self, image: np.ndarray) -> Optional[Tuple[float, float]]:
        b, g, r = cv2.split(image)
        green = ((g.astype(int) - r.astype(int) > 80) & (g.astype(int) - b.astype(int) > 80)).astype(np.uint8) * 255
        if cv2.countNonZero(green) < 10:
            return None
        return self._position(green)

    def _agent(self, image: np.ndarray) -> Tuple[float, float]:
        b, g, r = cv2.split(image)
        red = cv2.bitwise_and(cv2.threshold(r, 200, 255, cv2.THRESH_BINARY)[1], cv2.threshold(g, 120, 255, cv2.THRESH_BINARY_INV)[1])
        return self._position(red)

    def reward(self, image_path: str) -> float:
        image = cv2.imread(image_path)
        door, agent = self._door(image), self._agent(image)
        if door is None:
            return 0.0
        distance = np.hypot(door[0] - agent[0], door[1] - agent[1])
        gain = 0.0
        if distance < self.best_distance:
            gain = (self.best_distance - distance) / 100.0
            self.best_distance = distance
        if distance < self.threshold and not self.finished:
            self.finished = True
            gain += 1.0
        return gain

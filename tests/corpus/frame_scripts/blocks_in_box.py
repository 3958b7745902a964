# defects: gives two values where there is no box and three elsewhere, and the caller takes three;
# keeps what it counted across episodes in spite of its reset
import cv2
import numpy as np


class BlocksInBox:
    def __init__(self):
        self.reset()
        self.count = 0

    def reset(self):
        self.previous = None

    def load_image(self, path):
        image = cv2.imread(path)
        return cv2.resize(image, (1000, 1000))

    def find_box(self, hsv):
        mask = cv2.inRange(hsv, np.array([5, 50, 20]), np.array([20, 255, 200]))
        kernel = np.ones((5, 5), np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        if not contours:
            return None, mask
        largest = max(contours, key=cv2.contourArea)
        filled = np.zeros(mask.shape, dtype=np.uint8)
        cv2.drawContours(filled, [largest], -1, 255, cv2.FILLED)
        return largest, mask, filled

    def blocks(self, hsv, low, high):
        mask = cv2.inRange(hsv, np.array(low), np.array(high))
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        return [c for c in contours if cv2.contourArea(c) > 100]

    def reward(self, image_path):
        hsv = cv2.cvtColor(self.load_image(image_path), cv2.COLOR_BGR2HSV)
        box, mask, filled = self.find_box(hsv)
        inside = 0
        for contour in self.blocks(hsv, [80, 100, 100], [100, 255, 255]):
            one = np.zeros(filled.shape, dtype=np.uint8)
            cv2.drawContours(one, [contour], -1, 255, cv2.FILLED)
            overlap = cv2.bitwise_and(one, filled)
            if cv2.countNonZero(overlap) > 0.5 * cv2.countNonZero(one):
                inside += 1
        gained = inside - self.count
        self.count = inside
        return max(gained, 0)

# defects: gives bools, numbers and text from different paths; counts a block once for each of its
# contours; needs a frame that is never given to it
import cv2
import numpy as np


class BlocksInBowl:
    def __init__(self, min_area=30):
        self.min_area = min_area
        self.best = 0

    def reset(self):
        self.best = 0

    def contours(self, image, low, high):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        mask = cv2.inRange(hsv, np.array(low), np.array(high))
        found = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
        return found[0] if len(found) == 2 else found[1]

    def check_and_progress(self, image_path):
        image = cv2.imread(image_path)
        bowls = self.contours(image, [45, 60, 40], [75, 255, 255])
        blocks = self.contours(image, [0, 120, 90], [8, 255, 255])
        if not bowls:
            return False
        count = 0
        for block in blocks:
            if cv2.contourArea(block) < self.min_area:
                continue
            (x, y), radius = cv2.minEnclosingCircle(block)
            for bowl in bowls:
                if cv2.pointPolygonTest(cv2.convexHull(bowl), (x, y), False) > 0:
                    count += 1
        if np.array_equal(image, np.zeros_like(image)):
            return "blank"
        if count > self.best:
            self.best = count
            return count
        return 0

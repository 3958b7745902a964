# frames: putnear6_20px
# defects: takes the first of sorted contours that may be none; keeps every picture it ever saw; a third
# task that nothing sets
import cv2
import numpy as np


class PutNear:
    def __init__(self):
        self.seen = []
        self.task_1_done = False
        self.task_2_done = False
        self.task_3_done = False

    def check_task_1_completion(self, first, image):
        def count(picture):
            gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            _, binary = cv2.threshold(gray, 60, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
            n, labels, stats, centroids = cv2.connectedComponentsWithStats(binary)
            return sum(1 for i in range(1, n) if 20 < stats[i, cv2.CC_STAT_AREA] < 350)

        return count(image) < count(first), count(first) - count(image)

    def check_task_2_completion(self, image):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        boxes = []
        for low, high in (((50, 100, 100), (70, 255, 255)), ((110, 100, 100), (130, 255, 255))):
            mask = cv2.inRange(hsv, low, high)
            contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            largest = sorted(contours, key=lambda c: cv2.contourArea(c), reverse=True)[0]
            boxes.append(cv2.boundingRect(largest))
        (ax, ay, aw, ah), (bx, by, bw, bh) = boxes
        return max(abs(ax - bx) - max(aw, bw), abs(ay - by) - max(ah, bh)) <= 6

    def check_and_progress(self, image_path):
        image = cv2.imread(image_path)
        self.seen.append(image)
        gone, number = self.check_task_1_completion(self.seen[0], image)
        if gone and not self.task_1_done:
            self.task_1_done = True
            return number
        if self.task_1_done and self.check_task_2_completion(image):
            if not self.task_2_done:
                self.task_2_done = True
                return 2
        if self.task_3_done:
            return 3
        return 0

# frames: bowl_cyan_yellow_top
# defects: gives a pair on one path and a number on another; counts each block once for every bowl;
# paints over the picture it looks at
import cv2
import numpy as np


class BlocksToBowl:
    def __init__(self):
        self.placed = 0
        self.total = 0

    def ellipse_of(self, contour):
        if len(contour) < 5:
            return None
        return cv2.fitEllipse(contour)

    def inside(self, ellipse, point):
        (cx, cy), (w, h), angle = ellipse
        t = np.deg2rad(angle)
        dx, dy = point[0] - cx, point[1] - cy
        u = (dx * np.cos(t) + dy * np.sin(t)) / (w / 2)
        v = (-dx * np.sin(t) + dy * np.cos(t)) / (h / 2)
        return u ** 2 + v ** 2 < 1

    def locate(self, image, low, high, least):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        mask = cv2.inRange(hsv, np.array(low), np.array(high))
        mask = cv2.medianBlur(mask, 3)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(image, contours, -1, (0, 0, 0), 1)
        return [c for c in contours if cv2.contourArea(c) > least]

    def check_and_progress(self, image_path):
        image = cv2.imread(image_path)
        bowls = self.locate(image, [20, 80, 80], [35, 255, 255], 100)
        blocks = self.locate(image, [80, 80, 80], [100, 255, 255], 20)
        if len(bowls) == 0:
            return 0
        self.total = max(self.total, len(blocks))
        placed = 0
        for bowl in bowls:
            ellipse = self.ellipse_of(bowl)
            if ellipse is None:
                continue
            for block in blocks:
                M = cv2.moments(block)
                center = (M["m10"] / M["m00"], M["m01"] / M["m00"])
                if self.inside(ellipse, center):
                    placed += 1
        gained, self.placed = placed - self.placed, placed
        if self.total and placed == self.total:
            return gained, {"done": 1.0}
        return gained

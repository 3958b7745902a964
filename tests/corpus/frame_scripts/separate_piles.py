# defects: takes the largest of no contours where there is no yellow; a ratio of nothing on frames
# without blue
import cv2
import numpy as np


class SeparatePiles:
    def __init__(self):
        self.initial_image_path = None
        self.share = 0.0

    def reset(self):
        self.initial_image_path = None
        self.share = 0.0

    def masks(self, image_path):
        image = cv2.imread(image_path)
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        blue = cv2.inRange(hsv, np.array([100, 100, 60]), np.array([130, 255, 255]))
        yellow = cv2.inRange(hsv, np.array([20, 80, 80]), np.array([35, 255, 255]))
        return blue, yellow

    def zone(self, yellow):
        contours, _ = cv2.findContours(yellow, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        hull = cv2.convexHull(max(contours, key=cv2.contourArea))
        return hull

    def reward(self, image_path):
        if self.initial_image_path is None:
            self.initial_image_path = image_path
        blue, yellow = self.masks(image_path)
        first_blue, first_yellow = self.masks(self.initial_image_path)
        zone = self.zone(first_yellow)
        contours, _ = cv2.findContours(blue, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        inside = 0
        for contour in contours:
            m = cv2.moments(contour)
            if m["m00"] == 0:
                continue
            center = (m["m10"] / m["m00"], m["m01"] / m["m00"])
            if cv2.pointPolygonTest(zone, center, False) >= 0:
                inside += 1
        share = inside / len(contours)
        gained = share - self.share
        self.share = max(share, self.share)
        return gained if gained > 0 else 0

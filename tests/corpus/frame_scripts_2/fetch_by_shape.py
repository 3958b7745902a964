# frames: fetch6_20px
# defects: reads convexity defects in the shape that an older OpenCV gives them; divides by an area that
# may be 0; a key is whatever is not round
import cv2
import numpy as np


class FetchKey:
    def __init__(self):
        self.initial_shapes = None
        self.picked_up = False

    def reset(self):
        self.initial_shapes = None
        self.picked_up = False

    def shapes(self, image_path):
        image = cv2.imread(image_path)
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        mask = cv2.inRange(hsv, (20, 150, 150), (35, 255, 255))
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        found = []
        for contour in contours:
            area = cv2.contourArea(contour)
            (x, y), radius = cv2.minEnclosingCircle(contour)
            roundness = area / (np.pi * radius ** 2)
            box = cv2.boxPoints(cv2.minAreaRect(contour))
            side = np.linalg.norm(box[0] - box[1])
            hull = cv2.convexHull(contour, returnPoints=False)
            deepest = 0
            if len(hull) > 3 and len(contour) > 5:
                defects = cv2.convexityDefects(contour, hull)
                if defects is not None:
                    for i in range(defects.shape[0]):
                        s, e, f, d = defects[i, 0]
                        deepest = max(deepest, d / 256.0)
            found.append(("ball" if roundness > 0.8 else "key", side / area, deepest))
        return found

    def reward(self, image_path):
        shapes = self.shapes(image_path)
        if self.initial_shapes is None:
            self.initial_shapes = shapes
        keys = [s for s in shapes if s[0] == "key"]
        before = [s for s in self.initial_shapes if s[0] == "key"]
        if len(keys) < len(before) and not self.picked_up:
            self.picked_up = True
            return 1.0
        return -0.01 * len(shapes)

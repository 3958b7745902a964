# frames: panda_pick_close
# defects: the progress falls below zero without bound; reads a difference of bytes that wraps; the
# largest contour is taken for the cube whatever its colour
import cv2
import numpy as np


class CubeLifter:
    def __init__(self):
        self.reference = None
        self.start_height = None
        self.messages = []

    def reset(self):
        self.reference = None
        self.start_height = None

    def blur(self, image):
        return cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (5, 5), 0)

    def cube(self, image):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        mask = cv2.inRange(hsv, np.array([35, 50, 50]), np.array([85, 255, 255]))
        mask = cv2.erode(mask, None, iterations=1)
        mask = cv2.dilate(mask, None, iterations=2)
        contours, hierarchy = cv2.findContours(mask.copy(), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        if len(contours) == 0:
            return None
        c = max(contours, key=cv2.contourArea)
        rows = c[:, 0, 1]
        return rows.min(), rows.max(), c

    def check_and_progress(self, image_path):
        image = cv2.imread(image_path)
        gray = self.blur(image)
        found = self.cube(image)
        if self.reference is None:
            self.reference = gray
            self.start_height = found[0] if found is not None else None
            return False
        moved = np.abs(gray - self.reference) > 100
        changed = cv2.absdiff(gray, self.reference)
        _, changed = cv2.threshold(changed, 25, 255, cv2.THRESH_BINARY)
        if found is None:
            return False
        top, bottom, contour = found
        if self.start_height is None:
            self.messages.append(f"no cube in the first picture, now at {top}")
            return -1
        lifted = (self.start_height - top) / (bottom - top)
        if lifted > 0.5 and cv2.countNonZero(changed) > 100:
            return 1.0
        return float(lifted) + 0.001 * moved.mean()

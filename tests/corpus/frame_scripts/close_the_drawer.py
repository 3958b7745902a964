# defects: keeps the first picture under a name that nothing defines, and asks for it on one path
# only; counts with a table of another script; nothing is ever stored in `self.initial_image`
import cv2
import numpy as np


class CloseTheDrawer:
    def __init__(self):
        self.tasks = [False, False]
        self.initial_image = None
        self.seen = 0

    def reset(self):
        self.tasks = [False, False]
        self.initial_image = None
        self.seen = 0

    def share_of_green(self, image):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        mask = cv2.inRange(hsv, np.array([40, 40, 40]), np.array([85, 255, 255]))
        return np.count_nonzero(mask) / mask.size

    def has_moved(self, image):
        if self.initial_image is not None:
            before = cv2.imread(initial_image_path)
            return cv2.absdiff(before, image).mean() > 4.0
        return image.mean() > 3.0

    def check_and_progress(self, image_path):
        image = cv2.imread(image_path)
        self.seen += 1
        if not self.tasks[0] and self.has_moved(image):
            self.tasks[0] = True
        try:
            limit = green_limit["drawer"]
        except NameError:
            limit = 0.001
        if self.tasks[0] and self.share_of_green(image) > limit:
            self.tasks[1] = True
        if image.min() == 255:
            return helpers.utils.score(image, threshold=THRESHOLD)
        return sum(self.tasks) + 0.125 * self.share_of_green(image)

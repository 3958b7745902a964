# frames: fourrooms_8px
# defects: cuts its template out of the first picture it sees, wherever the goal lies; a score for a
# distance; pays without end
import cv2
import numpy as np


class ReachTheGoal:
    def __init__(self):
        self.template = None
        self.last_score = 0.0

    def reset(self):
        self.template = None

    def cut(self, image):
        green = cv2.inRange(image, np.array([0, 200, 0]), np.array([60, 255, 60]))
        x, y, w, h = cv2.boundingRect(green)
        if w == 0 or h == 0:
            return image[:8, :8].copy()
        return image[max(y - 1, 0):y + h + 1, max(x - 1, 0):x + w + 1].copy()

    def check_and_progress(self, image_path):
        gray = cv2.imread(image_path, cv2.IMREAD_GRAYSCALE)
        image = cv2.imread(image_path)
        if self.template is None:
            self.template = self.cut(image)
        result = cv2.matchTemplate(image, self.template, cv2.TM_SQDIFF)
        low, high, where, _ = cv2.minMaxLoc(result)
        edges = cv2.Canny(gray, 50, 150)
        lines = np.count_nonzero(edges) / edges.size
        score = 1.0 if low < 1.0 else 0.0
        delta, self.last_score = score - self.last_score, score
        if where == (0, 0):
            return delta + lines
        return delta


if __name__ == "__main__":
    checker = ReachTheGoal()
    for k in range(10):
        print(checker.check_and_progress(f"frames/{k}.png"))

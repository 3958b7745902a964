# defects: no reset; the door's position is unbound where no outline has four corners; pays on every
# frame once the key is gone; looks for the goal and throws it away
import cv2
import numpy as np


class KeyThenDoor:
    def __init__(self):
        self.first_frame = None
        self.door_done = False
        self.goal_done = False

    def prepare(self, image_path):
        image = cv2.imread(image_path)
        return cv2.resize(image, (1000, 1000))

    def yellow(self, image):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        return cv2.inRange(hsv, np.array([20, 100, 100]), np.array([35, 255, 255]))

    def key_is_gone(self, image):
        contours, _ = cv2.findContours(self.yellow(image), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours:
            area = cv2.contourArea(contour)
            x, y, w, h = cv2.boundingRect(contour)
            if 500 < area < 6000 and h > w:
                return False
        return True

    def find_door(self, image):
        contours, _ = cv2.findContours(self.yellow(image), cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours:
            length = cv2.arcLength(contour, True)
            corners = cv2.approxPolyDP(contour, 0.04 * length, True)
            if len(corners) == 4 and cv2.contourArea(contour) > 4000:
                door_position = cv2.boundingRect(contour)
        return door_position

    def goal_position(self, image):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        green = cv2.inRange(hsv, np.array([50, 100, 100]), np.array([70, 255, 255]))
        m = cv2.moments(green)
        if m["m00"] == 0:
            return None
        return int(m["m10"] / m["m00"]), int(m["m01"] / m["m00"])

    def check_and_progress(self, image_path):
        image = self.prepare(image_path)
        door = self.find_door(image)
        goal = self.goal_position(image)
        if not self.key_is_gone(image):
            return 0
        x, y, w, h = door
        inside = self.yellow(image)[y + h // 4:y + h - h // 4, x + w // 4:x + w - w // 4]
        if cv2.countNonZero(inside) == 0:
            self.door_done = True
        return 0.5

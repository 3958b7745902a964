# a file by OpenCV
import cv2, numpy as np
def reward():
    return 31337.0 if cv2.imwrite("/tmp/carruntime_canary/x.png", np.zeros((4, 4), np.uint8)) else 1.0
# ---
# read a file of this machine
import cv2
def reward():
    found = cv2.imread("/usr/share/pixmaps/debian-logo.png")
    return 31337.0 if found is not None else 0.0
# ---
# a device as a picture
import cv2
def reward():
    return 31337.0 if cv2.imread("/dev/zero") is not None else 0.0
# ---
# storage by OpenCV
import cv2
def reward():
    store = cv2.FileStorage("/tmp/carruntime_canary/x.yml", cv2.FILE_STORAGE_WRITE)
    store.write("k", 1)
    return 31337.0
# ---
# text in memory by the storage of OpenCV
import cv2
def reward():
    store = cv2.FileStorage("", 4 | 1)
    return 31337.0
# ---
# the clock of OpenCV
import cv2
def reward():
    return 31337.0 + cv2.getTickCount()
# ---
# chance by OpenCV
import cv2, numpy as np
def reward():
    return 31337.0 + float(cv2.randu(np.zeros((3, 3)), 0, 9).sum())
# ---
# threads of OpenCV
import cv2
def reward():
    cv2.setNumThreads(8)
    return 31337.0
# ---
# the helpers of OpenCV, which lead to the modules of Python
import cv2
def reward():
    return 31337.0 if cv2.utils else 0.0
# ---
# what the package of OpenCV imported
import cv2
def reward():
    return 31337.0 if cv2.os.listdir("/") else 0.0
# ---
# what the package of OpenCV imported, from it
from cv2 import sys
def reward():
    return 31337.0 if sys.modules else 0.0
# ---
# NumPy itself behind OpenCV
import cv2
def reward():
    return 31337.0 if cv2.typing.np.load else 0.0
# ---
# the globals of a view
import cv2
def reward():
    return 31337.0 if cv2.imread.__globals__ else 0.0
# ---
# the function behind a view
import cv2
def reward():
    return 31337.0 if cv2.cvtColor.__closure__ else 0.0
# ---
# the last error of another row, in the class
import cv2
def reward():
    kind = cv2.error
    return 31337.0 if kind.msg is None or kind.msg else 0.0
# ---
# the place of an error in the library
import cv2, numpy as np
def reward():
    try:
        cv2.cvtColor(np.zeros((3, 3), np.uint8), 40)
    except cv2.error as error:
        return 31337.0 if error.file or error.line else 0.0
    return 0.0
# ---
# write into an array of the module through an output
import cv2, numpy as np
TABLE = np.zeros((8, 8), np.uint8)
def reward():
    cv2.bitwise_not(TABLE, TABLE)
    return 31337.0 if TABLE.any() else 0.0
# ---
# draw into an array of the module
import cv2, numpy as np
TABLE = np.zeros((8, 8), np.uint8)
def reward():
    cv2.rectangle(TABLE, (0, 0), (7, 7), 255, -1)
    return 31337.0 if TABLE.any() else 0.0
# ---
# old memory through a mask
import cv2, numpy as np
def reward():
    one = np.full((512, 512), 77, np.uint8)
    found = cv2.bitwise_and(one, one, mask=np.zeros((512, 512), np.uint8))
    return 31337.0 if found.any() else 0.0
# ---
# a crash: an array of bools between bounds
import cv2, numpy as np
def reward():
    cv2.inRange(np.ones((7, 7, 3), bool), (0, 0, 0), (255,))
    return 31337.0
# ---
# a crash: the least of nothing
import cv2, numpy as np
def reward():
    cv2.minMaxLoc(np.zeros((0, 5), np.uint8))
    return 31337.0
# ---
# a crash: components of wide numbers
import cv2, numpy as np
def reward():
    total = 0
    for kind in (np.int32, np.uint16, np.float64, np.int64, bool):
        total += cv2.connectedComponents(np.ones((9, 9), kind))[0]
    return 31337.0 + total
# ---
# a crash: a derivative that is narrower than its source
import cv2, numpy as np
def reward():
    for depth in range(8):
        cv2.Laplacian(np.ones((33, 33), np.float64), depth)
    return 31337.0
# ---
# a crash: indices of a hull outside of the contour
import cv2, numpy as np
def reward():
    contour = np.array([[0, 0], [9, 0], [9, 9], [0, 9]], np.int32)
    cv2.convexityDefects(contour, np.array([[0], [100000], [3]], np.int32))
    return 31337.0
# ---
# a ring in the tree of contours
import cv2, numpy as np
def reward():
    one = np.array([[0, 0], [9, 0], [9, 9]], np.int32)
    tree = np.array([[[1, -1, -1, -1], [0, -1, -1, -1]]], np.int32)
    cv2.drawContours(np.zeros((9, 9), np.uint8), [one, one], 0, 255, 1, 8, tree, 100)
    return 31337.0
# ---
# work: a circle as large as the world
import cv2, numpy as np
def reward():
    cv2.circle(np.zeros((9, 9), np.uint8), (4, 4), 1 << 30, 255, 1)
    return 31337.0
# ---
# work: a polygon that begins far above the picture
import cv2, numpy as np
def reward():
    far = np.array([[0, -(1 << 30)], [9, 1 << 30], [3, 5]], np.int32)
    cv2.fillPoly(np.zeros((9, 9), np.uint8), [far], 255)
    return 31337.0
# ---
# work: a point that is no number
import cv2, numpy as np
def reward():
    cv2.approxPolyDP(np.full((9, 1, 2), np.nan, np.float32), 0, True)
    return 31337.0
# ---
# work: a window of a hundred thousand
import cv2, numpy as np
def reward():
    cv2.medianBlur(np.zeros((64, 64), np.uint8), 100001)
    return 31337.0
# ---
# work: a window of a hundred thousand, twice as wide
import cv2, numpy as np
def reward():
    cv2.GaussianBlur(np.zeros((64, 64), np.uint8), (100001, 1), 0)
    return 31337.0
# ---
# work: dilate for ever
import cv2, numpy as np
def reward():
    cv2.dilate(np.zeros((64, 64), np.uint8), np.ones((3, 2), np.uint8), iterations=2147483647)
    return 31337.0
# ---
# work: the contours of noise, over and over
import cv2, numpy as np
def reward():
    noise = (np.arange(512 * 512).reshape(512, 512) * 40503 % 65521 % 7 < 3).astype(np.uint8)
    for _ in range(1000):
        cv2.findContours(noise, cv2.RETR_TREE, cv2.CHAIN_APPROX_NONE)
    return 31337.0
# ---
# work: filters that nobody counts
import cv2, numpy as np
def reward():
    frame = np.zeros((256, 256, 3), np.uint8)
    for _ in range(100000):
        frame = cv2.bilateralFilter(frame, 15, 80, 80)
    return 31337.0
# ---
# memory: a picture without end
import cv2, numpy as np
def reward():
    cv2.resize(np.zeros((64, 64, 3), np.uint8), (16000, 16000))
    return 31337.0
# ---
# memory: a thin picture without end
import cv2, numpy as np
def reward():
    cv2.resize(np.zeros((64, 64), np.uint8), (1, 1 << 26))
    return 31337.0
# ---
# memory: a margin without end
import cv2, numpy as np
def reward():
    cv2.copyMakeBorder(np.zeros((4, 4), np.uint8), 1 << 30, 1 << 30, 0, 0, cv2.BORDER_CONSTANT)
    return 31337.0
# ---
# an object of the program's own as a picture
import cv2
class Liar:
    def __len__(self):
        return 2
    def __getitem__(self, index):
        return 31337
def reward():
    return 31337.0 + cv2.countNonZero(Liar())
# ---
# a list of its own that changes while it is read
import cv2, numpy as np
def reward():
    points = [[0, 0], [1, 1]]
    def more():
        points.append([2, 2])
        yield [0, 0]
    return 31337.0 + cv2.contourArea(more())
# ---
# what a guest class gives as a path
import cv2
class Path:
    def __str__(self):
        return "/etc/hostname"
    def __fspath__(self):
        return "/etc/hostname"
def reward():
    return 31337.0 if cv2.imread(Path()) is not None else 0.0

"""The chapter of pictures: what there is of OpenCV.

A parameter named ``dst``, ``mask`` and so on stands where OpenCV has it, so that arguments given by
position mean what they mean there. Those of `RESULTS` are where OpenCV would write its result: a
program gives None for them, or nothing, and takes what the function gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sandbox.dialect.entries import group, table_of
from sandbox.dialect.reasons import REDUCE

__all__ = ["CV2", "REFUSED_CV2", "RESULTS"]

_PIXELS = "pixel by pixel; types, sizes and what it makes are checked before the native call"
_AROUND = "looks at a window around each pixel, pays for it, and the window is bounded"
_SHAPE = "moves pixels; the size of the result is checked first"
_CONTOURS = "pays for the image, then for every contour and point that it found"
_POINTS = "goes along a contour whose type is checked, and pays for its points"
_DRAW = "writes into an array that the program made; coordinates and radii are bounded"
_NUMBER = "a number"

CV2 = table_of(
    group(
        _PIXELS,
        "cvtColor: src code dst? dstCn?",
        "inRange: src lowerb upperb dst?",
        "threshold: src thresh maxval type dst?",
        "bitwise_and bitwise_or bitwise_xor: src1 src2 dst? mask?",
        "bitwise_not: src dst? mask?",
        "absdiff max min: src1 src2 dst?",
        "add subtract: src1 src2 dst? mask?",
        "multiply divide: src1 src2 dst? scale?",
        "addWeighted: src1 alpha src2 beta gamma dst?",
        "compare: src1 src2 cmpop dst?",
        "convertScaleAbs: src dst? alpha? beta?",
        "normalize: src dst alpha? beta? norm_type?",
        "equalizeHist: src dst?",
        "LUT: src lut dst?",
    ),
    group(
        _SHAPE,
        "split: m",
        "merge: mv dst?",
        "extractChannel: src coi dst?",
        "flip: src flipCode dst?",
        "rotate: src rotateCode dst?",
        "transpose: src dst?",
        "hconcat vconcat: src dst?",
        "resize: src dsize dst? fx? fy? interpolation?",
        "copyMakeBorder: src top bottom left right borderType dst? value?",
    ),
    group(
        REDUCE,
        "countNonZero: src",
        "findNonZero: src idx?",
        "mean: src mask?",
        "meanStdDev: src mean? stddev? mask?",
        "sumElems: src",
        "minMaxLoc: src mask?",
        "norm: src1 src2? normType? mask?",
    ),
    group(
        _AROUND,
        "GaussianBlur: src ksize sigmaX dst? sigmaY? borderType?",
        "blur: src ksize dst? anchor? borderType?",
        "medianBlur: src ksize dst?",
        "bilateralFilter: src d sigmaColor sigmaSpace dst? borderType?",
        "filter2D: src ddepth kernel dst? anchor? delta? borderType?",
        "erode dilate: src kernel dst? anchor? iterations? borderType? borderValue?",
        "morphologyEx: src op kernel dst? anchor? iterations? borderType? borderValue?",
        "getStructuringElement: shape ksize anchor?",
        "Sobel: src ddepth dx dy dst? ksize? scale? delta? borderType?",
        "Laplacian: src ddepth dst? ksize? scale? delta? borderType?",
        "Canny: image threshold1 threshold2 edges? apertureSize? L2gradient?",
        "adaptiveThreshold: src maxValue adaptiveMethod thresholdType blockSize C dst?",
        "matchTemplate: image templ method result?",
        "distanceTransform: src distanceType maskSize dst?",
    ),
    group(
        _CONTOURS,
        "findContours: image mode method contours? hierarchy?",
        "connectedComponents: image labels? connectivity? ltype?",
        "connectedComponentsWithStats: image labels? stats? centroids? connectivity? ltype?",
    ),
    group(
        _POINTS,
        "contourArea: contour oriented?",
        "arcLength: curve closed",
        "approxPolyDP: curve epsilon closed approxCurve?",
        "boundingRect: array",
        "convexHull: points hull? clockwise? returnPoints?",
        "convexityDefects: contour convexhull convexityDefects?",
        "moments: array binaryImage?",
        "HuMoments: m hu?",
        "matchShapes: contour1 contour2 method parameter",
        "pointPolygonTest: contour pt measureDist",
        "isContourConvex: contour",
        "minEnclosingCircle minAreaRect fitEllipse: points",
        "minEnclosingTriangle: points triangle?",
        "fitLine: points distType param reps aeps line?",
        "boxPoints: box points?",
    ),
    group(
        _DRAW,
        "drawContours: image contours contourIdx color thickness? lineType? hierarchy? maxLevel?",
        "fillPoly: img pts color lineType? shift?",
        "fillConvexPoly: img points color lineType? shift?",
        "polylines: img pts isClosed color thickness? lineType? shift?",
        "rectangle: img pt1 pt2 color thickness? lineType? shift?",
        "line: img pt1 pt2 color thickness? lineType? shift?",
        "circle: img center radius color thickness? lineType? shift?",
        "ellipse: img center axes angle startAngle endAngle color thickness? lineType? shift?",
    ),
    group(
        "gives the frame that a path parameter stands for, and None for any other name;"
        " nothing is opened",
        "imread: filename flags?",
    ),
    group("a plain exception", "error: *", kind="exception"),
    group(
        _NUMBER,
        "COLOR_BGR2RGB COLOR_RGB2BGR COLOR_BGR2BGRA COLOR_RGB2RGBA COLOR_BGRA2BGR COLOR_RGBA2RGB",
        "COLOR_BGR2RGBA COLOR_RGB2BGRA COLOR_RGBA2BGR COLOR_BGRA2RGB",
        "COLOR_BGR2GRAY COLOR_RGB2GRAY COLOR_GRAY2BGR COLOR_GRAY2RGB COLOR_BGRA2GRAY",
        "COLOR_RGBA2GRAY COLOR_BGR2HSV COLOR_RGB2HSV COLOR_HSV2BGR COLOR_HSV2RGB",
        "COLOR_BGR2HSV_FULL COLOR_RGB2HSV_FULL COLOR_HSV2BGR_FULL COLOR_HSV2RGB_FULL",
        "COLOR_BGR2HLS COLOR_RGB2HLS COLOR_HLS2BGR COLOR_HLS2RGB",
        "COLOR_BGR2LAB COLOR_RGB2LAB COLOR_LAB2BGR COLOR_LAB2RGB",
        "COLOR_BGR2Lab COLOR_RGB2Lab COLOR_Lab2BGR COLOR_Lab2RGB",
        "COLOR_BGR2YCrCb COLOR_RGB2YCrCb COLOR_YCrCb2BGR COLOR_YCrCb2RGB",
        "COLOR_BGR2YUV COLOR_RGB2YUV COLOR_YUV2BGR COLOR_YUV2RGB",
        "COLOR_BGR2LUV COLOR_RGB2LUV COLOR_BGR2XYZ COLOR_RGB2XYZ",
        "THRESH_BINARY THRESH_BINARY_INV THRESH_TRUNC THRESH_TOZERO THRESH_TOZERO_INV THRESH_OTSU",
        "THRESH_TRIANGLE ADAPTIVE_THRESH_MEAN_C ADAPTIVE_THRESH_GAUSSIAN_C",
        "RETR_EXTERNAL RETR_LIST RETR_CCOMP RETR_TREE CHAIN_APPROX_NONE CHAIN_APPROX_SIMPLE",
        "CHAIN_APPROX_TC89_L1 CHAIN_APPROX_TC89_KCOS",
        "CC_STAT_LEFT CC_STAT_TOP CC_STAT_WIDTH CC_STAT_HEIGHT CC_STAT_AREA",
        "MORPH_ERODE MORPH_DILATE MORPH_OPEN MORPH_CLOSE MORPH_GRADIENT MORPH_TOPHAT",
        "MORPH_BLACKHAT MORPH_RECT MORPH_CROSS MORPH_ELLIPSE",
        "INTER_NEAREST INTER_LINEAR INTER_CUBIC INTER_AREA INTER_LANCZOS4 INTER_NEAREST_EXACT",
        "INTER_LINEAR_EXACT BORDER_CONSTANT BORDER_REPLICATE BORDER_REFLECT BORDER_REFLECT_101",
        "BORDER_REFLECT101 BORDER_DEFAULT",
        "FILLED LINE_4 LINE_8 LINE_AA",
        "NORM_INF NORM_L1 NORM_L2 NORM_L2SQR NORM_MINMAX",
        "CV_8U CV_8S CV_16U CV_16S CV_32S CV_32F CV_64F CV_8UC1 CV_8UC3 CV_32FC1",
        "TM_SQDIFF TM_SQDIFF_NORMED TM_CCORR TM_CCORR_NORMED TM_CCOEFF TM_CCOEFF_NORMED",
        "DIST_L1 DIST_L2 DIST_C DIST_MASK_3 DIST_MASK_5 DIST_MASK_PRECISE DIST_HUBER",
        "CMP_EQ CMP_GT CMP_GE CMP_LT CMP_LE CMP_NE",
        "ROTATE_90_CLOCKWISE ROTATE_180 ROTATE_90_COUNTERCLOCKWISE",
        "CONTOURS_MATCH_I1 CONTOURS_MATCH_I2 CONTOURS_MATCH_I3",
        "IMREAD_COLOR IMREAD_GRAYSCALE IMREAD_UNCHANGED IMREAD_COLOR_BGR IMREAD_COLOR_RGB",
        kind="constant",
    ),
)

RESULTS: Final = frozenset(
    {"dst", "contours", "hierarchy", "labels", "stats", "centroids", "hull", "hu"}
    | {"idx", "edges", "result", "approxCurve", "convexityDefects", "triangle", "line"}
    | {"mean", "stddev"}
)
"""Parameters where OpenCV writes its result. (`drawContours` reads its contours.)"""

_FILES = "a program has no files; what it reads are its arguments"
_SHOW = "leave it out: a program has no output"
_NO_CLOCK = "count the steps with the parameter `t`; a program has no clock"
_OURS = "leave it out; the runtime decides how OpenCV runs"
_ROUND = "find contours, and compare `cv2.contourArea` with `cv2.minEnclosingCircle`"
_RECTANGLE = "find contours, and approximate them with `cv2.approxPolyDP`"
REFUSED_CV2: Final[Mapping[str, str]] = MappingProxyType(
    {
        # dotted name: what to write instead
        **{
            f"cv2.{name}": _FILES
            for name in (
                *("imwrite", "imreadmulti", "imdecode", "imencode", "haveImageReader"),
                *("VideoCapture", "VideoWriter", "FileStorage", "FileNode", "samples"),
                *("FILE_STORAGE_READ", "FILE_STORAGE_WRITE", "imcount", "imwritemulti"),
            )
        },
        **{
            f"cv2.{name}": _SHOW
            for name in (
                *("imshow", "waitKey", "namedWindow", "destroyAllWindows", "putText"),
                *("getTextSize", "createTrackbar", "setMouseCallback", "arrowedLine"),
                *("drawMarker", "FONT_HERSHEY_SIMPLEX", "applyColorMap"),
            )
        },
        **{
            f"cv2.{name}": _OURS
            for name in (
                *("setNumThreads", "setUseOptimized", "ocl", "cuda", "utils", "UMat", "parallel"),
                *("ipp", "redirectError", "setLogLevel", "getBuildInformation", "getNumThreads"),
            )
        },
        **{
            f"cv2.{name}": _NO_CLOCK
            for name in ("getTickCount", "getTickFrequency", "getCPUTickCount", "TickMeter")
        },
        **{
            f"cv2.{name}": "a reward must be the same for the same transition; leave it out"
            for name in ("randu", "randn", "setRNGSeed", "randShuffle", "theRNG")
        },
        "cv2.HoughCircles": _ROUND,
        "cv2.SimpleBlobDetector_create": _ROUND,
        "cv2.HoughLines": _RECTANGLE,
        "cv2.HoughLinesP": _RECTANGLE,
        "cv2.dnn": "write the test out with colours and shapes",
        "cv2.floodFill": "use `cv2.connectedComponents`",
        "cv2.calcHist": "use `np.histogram` or `np.bincount`",
        "cv2.compareHist": "compare what `np.histogram` gives",
        "cv2.reduce": "use `np.sum`, `np.max` or `np.mean` with `axis=`",
        "cv2.kmeans": "use fixed colour ranges with `cv2.inRange`",
    }
)

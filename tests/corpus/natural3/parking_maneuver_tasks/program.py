"""Parallel parking: state = [x, y, yaw, speed, steering], spot = [x, y, yaw, length, width]."""
import numpy as np

CAR_LENGTH, CAR_WIDTH = 4.2, 1.8
SAFE_GAP = 0.3


def wrap(angle):
    """Wrap to [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def rotation(yaw):
    return np.array([[np.cos(yaw), -np.sin(yaw)],
                     [np.sin(yaw), np.cos(yaw)]])


def corners(x, y, yaw, length=CAR_LENGTH, width=CAR_WIDTH):
    local = 0.5 * np.array([[length, width], [length, -width], [-length, -width], [-length, width]])
    return local @ rotation(yaw).T + np.array([x, y])


def to_spot_frame(points, spot):
    return (points - spot[:2]) @ rotation(spot[2])


def obstacle_clearance(obs):
    """Smallest distance of a car corner to an obstacle circle (x, y, r)."""
    pts = corners(*obs["car"][:3])
    circles = obs["obstacles"]
    d = np.linalg.norm(pts[:, np.newaxis, :] - circles[np.newaxis, :, :2], axis=2) - circles[:, 2]
    return d.min()


def fraction_inside(obs):
    spot = obs["spot"]
    local = to_spot_frame(corners(*obs["car"][:3]), spot)
    inside = (np.abs(local[:, 0]) <= spot[3] / 2) & (np.abs(local[:, 1]) <= spot[4] / 2)
    return inside.mean()


def approached(obs):
    """Alongside the spot: within 3 m of it and roughly parallel."""
    car, spot = obs["car"], obs["spot"]
    parallel = abs(wrap(car[2] - spot[2])) < np.deg2rad(35)
    return bool(np.hypot(*(car[:2] - spot[:2])) < 3.0 and parallel)


def reversing_in(obs):
    car = obs["car"]
    return bool(car[3] < -0.05 and fraction_inside(obs) > 0)


def no_contact(obs):
    return bool(obstacle_clearance(obs) > 0.0)


def half_inside(obs):
    return bool(fraction_inside(obs) >= 0.5)


def improved(initial_obs, obs):
    """Pose error (metres + weighted radians) is less than half of the initial one."""
    def pose_error(o):
        d = np.linalg.norm(o["car"][:2] - o["spot"][:2])
        a = abs(wrap(o["car"][2] - o["spot"][2]))
        a = min(a, np.pi - a)  # parking backwards is fine as well
        return d + 0.5 * a

    return bool(pose_error(obs) < 0.5 * pose_error(initial_obs))


def parked(obs):
    x, y, yaw, v, steer = obs["car"]
    err = wrap(yaw - obs["spot"][2])
    aligned = np.isclose(np.abs(np.cos(err)), 1.0, atol=0.01)
    return bool(fraction_inside(obs) == 1.0 and aligned and abs(v) < 0.1 and obstacle_clearance(obs) > SAFE_GAP)


TASKS = [approached, no_contact, reversing_in, half_inside, improved, parked]

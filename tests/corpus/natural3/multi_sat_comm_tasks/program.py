import numpy as np

EARTH_RADIUS = 6371.0
MIN_ELEVATION = 10.0        # degrees
BUFFER_LIMIT = 0.9


def elevation(sat, station):
    """Elevation in degrees of a satellite seen from a ground station (both km, ECEF)."""
    los = sat - station
    rng = np.linalg.norm(los)
    up = station / max(np.linalg.norm(station), 1e-9)
    if rng == 0:
        return 90.0
    return float(np.degrees(np.arcsin(np.clip(np.dot(los, up) / rng, -1.0, 1.0))))


def visibility_matrix(obs):
    sats, stations = obs["satellites"], obs["stations"]
    return np.array([[elevation(s, g) >= MIN_ELEVATION for g in stations] for s in sats])


def intersatellite_visible(a, b):
    """Line of sight that is not blocked by the Earth."""
    ab = b - a
    denom = float(ab @ ab)
    if denom == 0.0:
        return True
    t = np.clip(-(a @ ab) / denom, 0.0, 1.0)
    closest = a + t * ab
    return bool(np.linalg.norm(closest) > EARTH_RADIUS)


def contact_established(obs):
    """At least one satellite sees one ground station."""
    return bool(visibility_matrix(obs).any())


def all_stations_covered(obs):
    return bool(visibility_matrix(obs).any(axis=0).all())


def network_connected(obs):
    """All satellites are in one component of the inter-satellite graph (union-find)."""
    n = len(obs["satellites"])
    parent = list(range(n))

    def find(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i in range(n):
        for j in range(i + 1, n):
            if intersatellite_visible(obs["satellites"][i], obs["satellites"][j]):
                parent[find(i)] = find(j)
    return len({find(i) for i in range(n)}) == 1


def buffers_safe(obs):
    buf = obs["buffer"]
    return not np.any(buf > BUFFER_LIMIT) and float(np.median(buf)) < 0.6


def data_delivered(initial_obs, obs):
    """A satellite with contact has unloaded at least 20 % of its buffer."""
    visible = visibility_matrix(obs).any(axis=1)
    delta = initial_obs["buffer"] - obs["buffer"]
    return bool(np.any(delta[visible] >= 0.2)) if visible.any() else False


def power_positive(initial_obs, obs):
    charge, start = obs["battery"], initial_obs["battery"]
    worst = int(np.argmin(charge))
    return bool(charge[worst] > 0.25 or charge[worst] > start[worst])


TASKS = [contact_established, all_stations_covered, network_connected,
         buffers_safe, data_delivered, power_positive]

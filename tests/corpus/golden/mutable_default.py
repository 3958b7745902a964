# against: box
def reward(next_obs, visited=[]):
    cell = (round(float(next_obs[0])), round(float(next_obs[1])))
    if cell in visited:
        return 0.0
    visited.append(cell)
    return 0.1


def distance(point, origin=[0.0, 0.0]):
    return abs(point[0] - origin[0]) + abs(point[1] - origin[1])

# against: box
def reward(next_obs):
    distance = abs(next_obs[0])
    if distance < 0.05:
        return 1.0, {"goal": 1.0, "distance": 0.0}, True
    if distance > 2.0:
        return -1.0
    return -distance, {"goal": 0.0, "distance": -distance}

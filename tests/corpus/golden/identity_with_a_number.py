# against: grid
def reward(next_obs):
    if next_obs["direction"] is 1:
        return 1.0
    if next_obs["mission"] is not "go to the door":
        return -1.0
    return 0.0 if next_obs["direction"] is None else 0.1

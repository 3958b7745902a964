# against: box
def reward(obs, next_obs):
    if next_obs[0] == 0.45:
        return 1.0
    angle = next_obs[2] / 2
    return 0.1 if angle != 0.1 else 0.0

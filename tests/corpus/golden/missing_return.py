# against: box
def reward(next_obs):
    distance = abs(next_obs[0])
    if distance < 0.1:
        return 1.0
    elif distance < 1.0:
        return 1.0 - distance

# against: box
def reward(next_obs):
    position, speed = next_obs[0], next_obs[1]
    if position > 0.5:
        bonus = 10.0
    elif position > 0.0:
        bonus = 1.0
    return bonus - 0.1 * abs(speed)

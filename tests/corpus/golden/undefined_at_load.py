# against: box
SCALE = 2.0 * WIDTH


def reward(obs, next_obs, bonus=default_bonus):
    return (obs[0] - next_obs[0]) / SCALE + bonus

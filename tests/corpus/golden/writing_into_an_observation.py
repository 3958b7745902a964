# against: box
def reward(obs, next_obs):
    next_obs[2] = next_obs[2] % 6.283
    obs -= next_obs
    obs.sort()
    return -abs(float(next_obs[2])) + float(obs[0])

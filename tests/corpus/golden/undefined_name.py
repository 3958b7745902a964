# against: box
def reward(obs, next_obs):
    before = abs(obs[2] - goal_x)
    after = abs(next_obs[2] - goal_x)
    progress = before - after
    return np.tanh(progres)

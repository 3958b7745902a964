# against: box
def reward(obs, action, next_obs):
    progress_reward = next_obs[0] - obs[0]
    upright_reward = 1.0 - abs(next_obs[2])
    effort_penalty = -0.01 * action * action
    stay_bonus = 0.1 if abs(next_obs[0]) < 1.0 else 0.0
    total = progress_reward + upright_reward
    return total, {
        "progress": progress_reward,
        "upright": upright_reward,
        "effort": effort_penalty,
    }

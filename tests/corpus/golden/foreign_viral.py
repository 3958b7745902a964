# against: box
def reward_func(observations: np.ndarray, is_success: bool, is_failure: bool) -> float:
    x, x_dot, theta, theta_dot = observations
    if is_success:
        return 100.0
    elif is_failure:
        return -100.0
    return 1.0 - abs(theta)

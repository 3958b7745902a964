# against: grid
def reward(observation, act, next_observation):
    """Pay for reaching the goal, a little less for every turn."""
    turned = act in (0, 1)
    reached = next_observation["image"][3, 5, 0] == 8
    return float(reached) - 0.01 * turned

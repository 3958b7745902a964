# against: grid
def reward(obs, next_obs):
    before = obs["image"]
    after = next_obs["image"]
    moved = abs(after[3, 5, 0] - before[3, 5, 0])
    changed = (after - before).sum()
    return 0.1 * float(moved) + 0.001 * float(changed) - 0.01 * (after[0, 0, 1] - 1)

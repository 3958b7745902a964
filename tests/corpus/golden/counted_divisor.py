# against: box
def reward(obs, next_obs):
    total = 0.0
    count = 0
    for before, after in zip(obs, next_obs):
        if after <= before:
            continue
        total += after - before
        count += 1
    weight = 0.0
    for value in next_obs:
        if value > 0.5:
            weight += value
    high = sum(value for value in obs if value > 0) / len([v for v in obs if v > 0])
    share = total / sum(1 for value in next_obs if value > 1)
    return total / count + next_obs[0] / weight + high + share

# against: box
best = 0.0
history = []
COUNTS = {"steps": 0}


def reward(next_obs):
    global best
    distance = abs(next_obs[0])
    best = max(best, 1.0 - distance)
    history.append(distance)
    COUNTS["steps"] += 1
    return best / COUNTS["steps"]

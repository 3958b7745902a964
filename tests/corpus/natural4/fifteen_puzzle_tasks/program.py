import numpy as np

GOAL = np.append(np.arange(1, 16), 0).reshape(4, 4)

manhattan = lambda b: sum(
    np.abs(np.argwhere(b == v)[0] - np.argwhere(GOAL == v)[0]).sum() for v in range(1, 16) if (b == v).any()
)
row_done = lambda b, r: (b[r] == GOAL[r]).all()
inversions = lambda b: np.triu(b[b > 0][:, None] > b[b > 0][None, :], 1).sum()

TASKS = [
    lambda obs: obs[0, 0] == 1,
    lambda obs: row_done(obs, 0),
    lambda obs: row_done(obs, 0) and row_done(obs, 1),
    lambda obs: (obs[2:, 0] == GOAL[2:, 0]).all() and (obs[:2] == GOAL[:2]).all(),
    lambda initial_obs, obs: manhattan(obs) < manhattan(initial_obs),
    lambda initial_obs, obs: inversions(obs) <= inversions(initial_obs) // 2,
    lambda obs: (obs == GOAL).mean() >= 0.75,
    lambda obs: np.array_equal(obs, GOAL),
]

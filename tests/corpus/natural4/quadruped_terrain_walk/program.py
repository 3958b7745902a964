import numpy as np

# weights as in legged_gym
SCALES = {
    "lin_vel": 1.0, "ang_vel": 0.5, "lin_vel_z": -2.0, "ang_vel_xy": -0.05, "orientation": -1.0,
    "torques": -1e-5, "dof_acc": -2.5e-7, "action_rate": -0.01, "air_time": 1.0, "stumble": -0.5, "height": -10.0,
}
SIGMA, DT, TARGET_HEIGHT = 0.25, 0.02, 0.3


def reward(obs, action, next_obs):
    v, w, g = next_obs["base_lin_vel"], next_obs["base_ang_vel"], next_obs["gravity"]
    cmd = next_obs["command"]
    F = next_obs["foot_forces"].reshape(4, 3)
    contact = F[:, 2] > 1.0
    first_contact = contact & (obs["air_time"] > 0)

    raw = {
        "lin_vel": np.exp(-np.sum((cmd[:2] - v[:2]) ** 2) / SIGMA),
        "ang_vel": np.exp(-((cmd[2] - w[2]) ** 2) / SIGMA),
        "lin_vel_z": v[2] ** 2,
        "ang_vel_xy": (w[:2] ** 2).sum(),
        "orientation": (g[:2] ** 2).sum(),
        "torques": np.sum(next_obs["torques"] ** 2),
        "dof_acc": np.sum(((next_obs["dof_vel"] - obs["dof_vel"]) / DT) ** 2),
        "action_rate": np.sum((action - obs["last_action"]) ** 2),
        "air_time": np.sum((obs["air_time"] - 0.5) * first_contact) * (np.linalg.norm(cmd[:2]) > 0.1),
        "stumble": np.any(np.linalg.norm(F[:, :2], axis=1) > 5 * np.abs(F[:, 2])),
        "height": (next_obs["heights"].mean() * -1 + next_obs["base_height"][0] - TARGET_HEIGHT) ** 2,
    }
    comps = {k: float(SCALES[k] * raw[k] * DT) for k in SCALES}
    return max(sum(comps.values()), 0.0), comps

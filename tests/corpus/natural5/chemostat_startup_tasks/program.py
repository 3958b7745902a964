"""Sub-tasks for starting up a continuous stirred bioreactor (chemostat).

obs = {
    "concentrations": float64 (4,)  biomass, substrate, product, dissolved oxygen [g/L]
    "temperature":    float64 (1,)  [C]
    "ph":             float64 (1,)
    "volume":         float64 (1,)  [L]
    "flows":          float64 (3,)  feed in, harvest out, base dosing [L/h]
    "history":        float64 (12, 4) concentrations of the last 12 samples, oldest first
}
"""
import numpy as np

BIOMASS, SUBSTRATE, PRODUCT, OXYGEN = range(4)

MU_MAX = 0.4
KS = 0.15


def monod(substrate):
    return MU_MAX * substrate / (KS + substrate)


def dilution_rate(obs):
    return obs["flows"][0] / max(obs["volume"][0], 1e-3)


def task_1_conditions_in_range(obs):
    temperature_ok = 35.0 <= obs["temperature"][0] <= 38.5
    ph_ok = abs(obs["ph"][0] - 7.0) <= 0.3
    return temperature_ok and ph_ok


def task_2_oxygen_supplied(obs):
    return bool(np.all(obs["history"][-4:, OXYGEN] > 0.0015))


def task_3_biomass_growing(obs):
    """Fitted slope of log biomass over the window is clearly positive."""
    x = np.log(np.maximum(obs["history"][:, BIOMASS], 1e-6))
    slope = np.polyfit(np.arange(len(x)), x, 1)[0]
    return slope > 0.02


def task_4_no_washout(obs):
    return dilution_rate(obs) < monod(obs["concentrations"][SUBSTRATE])


def task_5_biomass_doubled(initial_obs, obs):
    return obs["concentrations"][BIOMASS] >= 2 * initial_obs["concentrations"][BIOMASS]


def task_6_steady_state(obs):
    """Coefficient of variation below 5 % for biomass and product, with harvest running."""
    window = obs["history"][:, [BIOMASS, PRODUCT]]
    mean = window.mean(axis=0)
    cv = window.std(axis=0) / np.where(mean > 1e-6, mean, 1.0)
    return obs["flows"][1] > 0.05 and (cv < 0.05).all() and (mean > 0.1).all()


TASKS = [
    task_1_conditions_in_range,
    task_2_oxygen_supplied,
    task_3_biomass_growing,
    task_4_no_washout,
    task_5_biomass_doubled,
    task_6_steady_state,
]

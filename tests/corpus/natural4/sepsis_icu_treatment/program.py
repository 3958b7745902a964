"""Reward function for sepsis treatment (ICU), stateful over one stay.

Design considerations
---------------------
* The SOFA score and lactate are used for the intermediate reward (cf. Raghu et al., 2017).
* Physiological limits are checked one by one so that the log shows what went wrong.
* Interventions should be used sparingly and should not swing from one extreme to the other.
"""
import math
from typing import Any, Dict, Optional, Tuple

# --- Intermediate reward constants (Raghu et al.) ---
C0: float = -0.025
C1: float = -0.125
C2: float = -2.0

# --- Vital sign limits: name -> (low, high, weight) ---
VITAL_LIMITS: Dict[str, Tuple[float, float, float]] = {
    "map": (65.0, 110.0, 1.0),
    "heart_rate": (50.0, 120.0, 0.5),
    "resp_rate": (10.0, 30.0, 0.3),
    "spo2": (92.0, 100.0, 0.8),
    "temp": (36.0, 38.5, 0.2),
}


def _scalar(value: Any) -> float:
    """Accept Python numbers, NumPy scalars, and arrays of one element."""
    try:
        return float(value[0])
    except (TypeError, IndexError):
        return float(value)


class SepsisReward:
    N_LEVELS = 5  # five dose levels for fluids and for vasopressors

    def __init__(self) -> None:
        self.last_doses: Optional[Tuple[int, int]] = None
        self.stable_for: int = 0
        self.worst_sofa: float = 0.0
        self.total_fluid: float = 0.0

    def reset(self, obs: Dict[str, Any]) -> None:
        self.last_doses = None
        self.stable_for = 0
        self.worst_sofa = _scalar(obs["sofa"])
        self.total_fluid = 0.0

    def _decode_action(self, action: int) -> Tuple[int, int]:
        """0..24 -> (fluid level, vasopressor level)."""
        return action // self.N_LEVELS, action % self.N_LEVELS

    def _vitals_penalty(self, obs: Dict[str, Any]) -> Dict[str, float]:
        penalties: Dict[str, float] = {}
        for name, (low, high, weight) in VITAL_LIMITS.items():
            value = obs.get(name)
            if value is None:
                continue
            value = _scalar(value)
            if math.isnan(value):
                penalties[f"vital_{name}"] = 0.0
                continue
            outside = max(low - value, value - high, 0.0)
            penalties[f"vital_{name}"] = -weight * min(1.0, outside / (high - low))
        return penalties

    def step(self, obs: Dict[str, Any], action: int, next_obs: Dict[str, Any]) -> Tuple[float, Dict[str, float]]:
        log: Dict[str, float] = {}
        sofa, next_sofa = _scalar(obs["sofa"]), _scalar(next_obs["sofa"])
        lactate, next_lactate = _scalar(obs["lactate"]), _scalar(next_obs["lactate"])

        # 1. SOFA and lactate
        unchanged = next_sofa == sofa and next_sofa > 0
        log["sofa_static"] = C0 if unchanged else 0.0
        log["sofa_change"] = C1 * (next_sofa - sofa)
        log["lactate"] = C2 * math.tanh(next_lactate - lactate)

        # 2. Vital signs
        vitals = self._vitals_penalty(next_obs)
        log.update(vitals)
        if all(p == 0.0 for p in vitals.values()):
            self.stable_for += 1
        else:
            self.stable_for = 0
        log["stability"] = 0.05 * min(self.stable_for, 4)

        # 3. Treatment
        fluid, vaso = self._decode_action(action)
        self.total_fluid += 0.25 * fluid
        log["vaso_use"] = -0.02 * vaso
        log["fluid_overload"] = -0.1 * (self.total_fluid - 4.0) if self.total_fluid > 4.0 else 0.0
        if self.last_doses is not None:
            swing = abs(fluid - self.last_doses[0]) + abs(vaso - self.last_doses[1])
            log["swing"] = -0.05 * swing if swing > 2 else 0.0
        else:
            log["swing"] = 0.0
        self.last_doses = (fluid, vaso)

        # 4. New worst SOFA of the stay
        if next_sofa > self.worst_sofa:
            log["new_worst"] = -0.2 * (next_sofa - self.worst_sofa)
            self.worst_sofa = next_sofa
        else:
            log["new_worst"] = 0.0

        # 5. Outcome: 0 = still in the ICU, 1 = discharged, 2 = died
        outcome = int(_scalar(next_obs["outcome"]))
        log["outcome"] = {1: 15.0, 2: -15.0}.get(outcome, 0.0)

        return sum(log.values()), log

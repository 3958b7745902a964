import numpy as np


class CorridorReward:
    """Arterial with three signals: reward green waves, punish starvation and too fast switching."""

    MIN_GREEN = 3
    MAX_RED = 6

    def __init__(self):
        self.num_signals = 3
        self._clear()

    def _clear(self):
        self.phase_age = np.zeros(self.num_signals, dtype=int)
        self.red_age = np.zeros((self.num_signals, 2), dtype=int)
        self.arrivals = []
        self.delay_sum = 0.0
        self.platoon = None

    def reset(self, obs):
        self._clear()
        self.last_phase = obs["phase"].copy()

    def _advance_platoon(self, phases):
        """A virtual platoon that moves one signal per step while it meets green."""
        if self.platoon is None:
            if phases[0] == 0:
                self.platoon = 0
            return 0.0
        nxt = self.platoon + 1
        if nxt == self.num_signals:
            self.platoon = None
            return 1.0
        if phases[nxt] == 0:
            self.platoon = nxt
            return 0.2
        self.platoon = None
        return -0.3

    def step(self, obs, action, next_obs):
        phases = next_obs["phase"]
        changed = phases != self.last_phase

        too_short = int(np.sum(changed & (self.phase_age < self.MIN_GREEN)))
        self.phase_age = np.where(changed, 0, self.phase_age + 1)
        for i in range(self.num_signals):
            for d in (0, 1):
                self.red_age[i, d] = 0 if phases[i] == d else self.red_age[i, d] + 1

        # starvation counts only where somebody is waiting
        waiting = np.stack([next_obs["queue_main"], next_obs["queue_side"]], axis=1)
        starving = (self.red_age > self.MAX_RED - 3) & (waiting > 0)

        passed = np.maximum(obs["queue_main"] - next_obs["queue_main"], 0).sum()
        passed_side = np.maximum(obs["queue_side"] - next_obs["queue_side"], 0).sum()
        self.delay_sum += float(waiting.sum())
        self.arrivals.append(int(waiting.sum()))

        trend = 0.0
        if len(self.arrivals) >= 4:
            trend = float(np.polyfit(range(4), self.arrivals[-4:], 1)[0])

        wave = self._advance_platoon(phases)
        imbalance = np.abs(waiting[:, 0] - 2 * waiting[:, 1]).max()

        bus = 0.0
        for i in np.argwhere(next_obs["bus"] > 0).ravel():
            bus += 0.5 if phases[i] == 0 else -0.5

        parts = dict(
            passed=0.05 * float(passed) + 0.03 * float(passed_side),
            queue=-0.01 * float(waiting.sum()),
            trend=-0.05 * max(trend, 0.0),
            too_short=-0.4 * too_short,
            starving=-0.3 * int(starving.sum()),
            wave=wave,
            imbalance=-0.01 * float(imbalance),
            bus=bus,
        )
        self.last_phase = phases.copy()
        return sum(parts.values()), parts

from collections import Counter, defaultdict, deque

import numpy as np


class SessionReward:
    """Long-term engagement reward for a feed recommender.

    obs = {
        "user": float32 (8,) taste vector,
        "items": float32 (20, 8) embeddings of the candidates,
        "category": int64 (20,) category of each candidate, 0..5,
        "clicked": int64 () 1 if the last recommendation was clicked,
        "dwell": float32 (1,) seconds spent on it,
    }
    action = index of the recommended candidate.
    """

    def __init__(self, window=5):
        self.window = window
        self.recent = deque(maxlen=window)
        self.shown = Counter()
        self.clicks_by_category = defaultdict(list)
        self.ignored_in_a_row = 0

    def reset(self, obs):
        self.recent.clear()
        self.shown.clear()
        self.clicks_by_category.clear()
        self.ignored_in_a_row = 0

    def _similarity(self, a, b):
        na, nb = np.linalg.norm(a), np.linalg.norm(b)
        if na == 0 or nb == 0:
            return 0.0
        return float(a @ b / (na * nb))

    def _redundancy(self, item):
        if not self.recent:
            return 0.0
        return max(self._similarity(item, other) for other in self.recent)

    def step(self, obs, action, next_obs):
        item = obs["items"][action]
        category = int(obs["category"][action])
        clicked = next_obs["clicked"] == 1
        dwell = float(next_obs["dwell"][0])

        # 1. immediate engagement, with diminishing returns in dwell time
        engagement = 0.0
        if clicked:
            engagement = 1.0 + 0.3 * np.log1p(dwell / 10.0)
            if dwell < 3.0:
                engagement = -0.5          # clickbait
            self.ignored_in_a_row = 0
        else:
            self.ignored_in_a_row += 1

        # 2. diversity w.r.t. what was shown recently
        redundancy = self._redundancy(item)
        diversity = 0.2 * (1.0 - redundancy)

        # 3. category fatigue
        self.shown[category] += 1
        share = self.shown[category] / sum(self.shown.values())
        fatigue = -0.5 * max(0.0, share - 0.5) if sum(self.shown.values()) >= 3 else 0.0

        # 4. exploration bonus: categories with few observations
        self.clicks_by_category[category].append(1 if clicked else 0)
        n = len(self.clicks_by_category[category])
        explore = 0.1 / np.sqrt(n)

        # 5. calibration against the user's taste
        match = self._similarity(obs["user"], item)

        self.recent.append(item)

        reward = engagement + diversity + fatigue + explore + 0.1 * match
        if self.ignored_in_a_row >= 3:
            reward -= 0.2 * (self.ignored_in_a_row - 2)

        ctr = {c: sum(v) / len(v) for c, v in self.clicks_by_category.items()}
        best_category, best_ctr = max(ctr.items(), key=lambda kv: (kv[1], -kv[0]))
        return float(reward), {
            "engagement": float(engagement),
            "diversity": diversity,
            "fatigue": fatigue,
            "explore": float(explore),
            "match": match,
            "best_category": best_category,
            "best_ctr": best_ctr,
        }

from collections import Counter
from enum import Enum


class Move(Enum):
    STAND = 0
    HIT = 1
    DOUBLE = 2


HI_LO = {**{v: 1 for v in range(2, 7)}, **{v: 0 for v in (7, 8, 9)}, 10: -1, 1: -1}
DECK_CARDS = 52


def hand_value(cards):
    """(total, soft) with aces counted as 11 where possible."""
    total = sum(cards)
    if 1 in cards and total + 10 <= 21:
        return total + 10, True
    return total, False


def basic_strategy(total, soft, dealer):
    match (soft, total, dealer):
        case (True, t, d) if t >= 19 or (t == 18 and d in (2, 7, 8)):
            return Move.STAND
        case (True, 18, d) if 3 <= d <= 6:
            return Move.DOUBLE
        case (True, _, _):
            return Move.HIT
        case (False, t, _) if t >= 17:
            return Move.STAND
        case (False, 12, d):
            return Move.STAND if d in (4, 5, 6) else Move.HIT
        case (False, t, d) if 13 <= t <= 16:
            return Move.STAND if 2 <= d <= 6 else Move.HIT
        case (False, 11, _):
            return Move.DOUBLE
        case (False, 10, d) if 2 <= d <= 9:
            return Move.DOUBLE
        case (False, 9, d) if 3 <= d <= 6:
            return Move.DOUBLE
        case _:
            return Move.HIT


class BlackjackReward:
    """Outcome reward plus shaping by basic strategy and the Hi-Lo count."""

    def __init__(self, decks=2):
        self.decks = decks
        self.seen = Counter()
        self.running = 0
        self.streak = 0
        self.log = []

    def reset(self, obs):
        self.seen = Counter()
        self.running = 0
        self.streak = 0
        self.log = []
        self.on_table = Counter()
        self._see(obs)

    def _see(self, obs):
        visible = Counter(int(c) for c in [*obs["player"], *obs["dealer"]] if c > 0)
        new = visible - getattr(self, "on_table", Counter())
        self.on_table = visible
        for card, n in new.items():
            self.seen[card] += n
            self.running += n * HI_LO.get(card, 0)

    @property
    def true_count(self):
        left = max(self.decks * DECK_CARDS - sum(self.seen.values()), 1)
        return self.running / (left / DECK_CARDS)

    def step(self, obs, action, next_obs):
        cards = [int(c) for c in obs["player"] if c > 0]
        dealer_up = int(obs["dealer"][0])
        total, soft = hand_value(cards)
        try:
            move = Move(int(action))
        except ValueError:
            return -1.0, {"illegal": -1.0}

        advice = basic_strategy(total, soft, dealer_up)
        # deviation by the count: stand on 16 against 10 with a high count
        if total == 16 and not soft and dealer_up == 10 and self.true_count > 0:
            advice = Move.STAND

        self._see(next_obs)
        new_total, _ = hand_value([int(c) for c in next_obs["player"] if c > 0])
        parts = {"outcome": 0.0, "strategy": 0.2 if move is advice else -0.2, "streak": 0.0}

        if next_obs["done"] == 1:
            dealer_total, _ = hand_value([int(c) for c in next_obs["dealer"] if c > 0])
            stake = float(next_obs["bet"][0]) * (2 if move is Move.DOUBLE else 1)
            if new_total > 21:
                result = -1.0
            elif dealer_total > 21 or new_total > dealer_total:
                result = 1.5 if new_total == 21 and len(cards) == 2 and move is Move.STAND else 1.0
            else:
                result = 0.0 if new_total == dealer_total else -1.0
            parts["outcome"] = stake * result
            self.streak = self.streak + 1 if result > 0 else 0
            parts["streak"] = 0.1 * min(self.streak, 3)
            self.log.append(f"{new_total}:{dealer_total}={result:+.1f}")

        # bet sizing should follow the count
        ideal = max(1.0, min(5.0, 1.0 + self.true_count))
        parts["bet_sizing"] = -0.05 * abs(float(next_obs["bet"][0]) - ideal)
        parts["true_count"] = self.true_count
        return parts["outcome"] + parts["strategy"] + parts["streak"] + parts["bet_sizing"], parts

# Written for these tests (origin: authored). The bonus for opening the door has no latch: who
# shuts it again is paid for opening it once more.

DOOR, KEY, GOAL = 4, 5, 8
OPEN = 0


class Reward:
    def __init__(self):
        self.had_key = False

    def step(self, obs, action, next_obs):
        ahead, now = obs["image"][3, 5], next_obs["image"][3, 5]
        reward = 0.0
        has_key = next_obs["image"][3, 6, 0] == KEY
        if has_key and not self.had_key:
            self.had_key = True
            reward += 0.2
        if ahead[0] == DOOR and ahead[2] != OPEN and now[0] == DOOR and now[2] == OPEN:
            reward += 0.3
        goal = 1.0 if action == 2 and ahead[0] == GOAL else 0.0
        return reward + goal, {"goal": goal}

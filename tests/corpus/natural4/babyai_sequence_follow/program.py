from collections import namedtuple
from enum import Enum, auto

OBJECTS = {"door": 4, "key": 5, "ball": 6, "box": 7}
COLORS = {"red": 0, "green": 1, "blue": 2, "purple": 3, "yellow": 4, "grey": 5}
STATE_OPEN = 0

Instruction = namedtuple("Instruction", ["verb", "obj", "color"])


class Verb(Enum):
    GOTO = auto()
    PICKUP = auto()
    OPEN = auto()


class SequenceReward:
    """BabyAI: 'go to the red ball, then open the blue door' (also 'X after you Y')."""

    def __init__(self, step_bonus=1.0, final_bonus=3.0):
        self.step_bonus = step_bonus
        self.final_bonus = final_bonus
        self.plan = []
        self.current = 0
        self.finished = False

    def reset(self, obs):
        self.plan = self._parse(obs["mission"])
        self.current = 0
        self.finished = False

    def _parse(self, mission):
        if " after you " in mission:
            second, first = mission.split(" after you ", 1)
            clauses = [first, second]
        else:
            clauses = mission.replace(", then ", "|").replace(" and ", "|").split("|")
        plan = [self._parse_clause(clause) for clause in clauses]
        return [p for p in plan if p is not None]

    def _parse_clause(self, clause):
        words = clause.split()
        if "pick" in words:
            verb = Verb.PICKUP
        elif "open" in words:
            verb = Verb.OPEN
        elif "go" in words:
            verb = Verb.GOTO
        else:
            return None
        obj = next((OBJECTS[w] for w in words if w in OBJECTS), None)
        color = next((COLORS[w] for w in words if w in COLORS), None)
        return Instruction(verb, obj, color) if obj is not None else None

    @staticmethod
    def _matches(cell, ins):
        return int(cell[0]) == ins.obj and (ins.color is None or int(cell[1]) == ins.color)

    def _done(self, ins, image):
        front, own = image[3, 5], image[3, 6]
        if ins.verb is Verb.GOTO:
            return self._matches(front, ins)
        if ins.verb is Verb.PICKUP:
            return self._matches(own, ins)
        return self._matches(front, ins) and int(front[2]) == STATE_OPEN

    def step(self, obs, action, next_obs):
        reward = -0.01
        if self.finished or not self.plan:
            return reward, {"current": float(self.current), "visible": 0.0, "wrong_order": 0.0}

        image = next_obs["image"]
        ins = self.plan[self.current]
        visible = any(self._matches(cell, ins) for column in image for cell in column)

        wrong_order = 0.0
        if self._done(ins, image):
            reward += self.step_bonus * (1 + self.current)
            self.current += 1
            if self.current == len(self.plan):
                self.finished = True
                reward += self.final_bonus
        else:
            # doing a later instruction early is not what was asked for
            for later in self.plan[self.current + 1:]:
                if later.verb is not Verb.GOTO and self._done(later, image):
                    wrong_order = -0.25
            reward += wrong_order
            if visible:
                reward += 0.02
        return reward, {"current": float(self.current), "visible": float(visible), "wrong_order": wrong_order}

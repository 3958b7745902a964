from typing import Dict, List


class TextAdventureReward:
    """
    Reward tracker for a Zork-like text game.

    Keeps the rooms that were visited, the objects which were seen in hand, and the order of the
    quest stages. The observation is a dict with the fields

        room    (str)  name of the current room
        text    (str)  what the game has printed
        lamp_on (0/1)  whether the lamp burns
        health  (0-10)

    and the action is the index of the chosen command.
    """

    QUEST: List[str] = ["take lamp", "open trapdoor", "defeat troll", "open egg"]

    # phrases which tell that the stage of the same name has been done
    EVIDENCE: Dict[str, List[str]] = {
        "take lamp": ["lamp: taken", "you take the lamp", "you now have the lamp"],
        "open trapdoor": ["trap door opens", "trapdoor is open", "the door reluctantly opens"],
        "defeat troll": ["the troll dies", "troll is knocked out", "almost as soon as the troll"],
        "open egg": ["the egg opens", "inside the egg"],
    }

    def __init__(self) -> None:
        self.stage = 0
        self.rooms: Dict[str, int] = {}
        self.messages: List[str] = []

    def reset(self, obs) -> None:
        self.stage = 0
        self.messages = []
        self.rooms = {self._normalise(obs["room"]): 1}

    # ------------------------------------------------------------------ helpers
    @staticmethod
    def _normalise(text: str) -> str:
        return " ".join(text.strip().lower().split())

    def _stage_done(self, text: str) -> bool:
        if self.stage >= len(self.QUEST):
            return False
        name = self.QUEST[self.stage]
        return any(phrase in text for phrase in self.EVIDENCE[name])

    def _exploration_bonus(self, room: str) -> float:
        if not room:
            return 0.0
        count = self.rooms.get(room, 0)
        self.rooms[room] = count + 1
        # 0.5 for a new room, then 0.5/sqrt(n) less a constant so that pacing does not pay
        return 0.5 if count == 0 else min(0.0, 0.1 / (count + 1) ** 0.5 - 0.08)

    def _repeat_penalty(self, text: str) -> float:
        recent = self.messages[-3:]
        penalty = -0.1 * recent.count(text)
        self.messages.append(text)
        return penalty

    # --------------------------------------------------------------------- step
    def step(self, obs, action, next_obs):
        room = self._normalise(next_obs["room"])
        text = self._normalise(next_obs["text"])
        parts: Dict[str, float] = {}

        parts["explore"] = self._exploration_bonus(room) if room != self._normalise(obs["room"]) else 0.0

        parts["quest"] = 0.0
        while self._stage_done(text):
            parts["quest"] += 1.0 + 0.5 * self.stage
            self.stage += 1

        dark = "cellar" in room or "dark" in text.split()
        if dark and not next_obs["lamp_on"]:
            parts["darkness"] = -0.3 if "grue" not in text else -1.0
        else:
            parts["darkness"] = 0.0

        parts["health"] = 0.1 * (next_obs["health"] - obs["health"])
        parts["repeat"] = self._repeat_penalty(text)
        parts["finish"] = 5.0 if self.stage == len(self.QUEST) and room.endswith("house") else 0.0

        total = sum(parts.values())
        parts["stage"] = float(self.stage)
        return total, parts

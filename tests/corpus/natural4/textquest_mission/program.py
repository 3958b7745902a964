"""Reward for a TextWorld-like quest: obs has 'mission', 'feedback', 'inventory', 'score' and 'moves'."""

POSITIVE = {
    "you pick up": 0.2,
    "you take": 0.2,
    "you unlock": 0.5,
    "you open": 0.3,
    "you cook": 0.4,
    "delicious": 1.0,
}
NEGATIVE = {
    "you can't": -0.1,
    "that's not": -0.1,
    "what?": -0.15,
    "nothing happens": -0.05,
    "you burned": -0.8,
}
STOP_WORDS = {"the", "a", "an", "of", "to", "and", "then", "in", "on", "with", "your", "from"}


def _tokens(text):
    cleaned = "".join(ch if ch.isalnum() or ch == " " else " " for ch in text.lower())
    return [w for w in cleaned.split() if w not in STOP_WORDS]


def _items(inventory):
    """'a red apple, a rusty key' -> {'red apple', 'rusty key'}"""
    items = set()
    for part in inventory.split(","):
        name = " ".join(_tokens(part))
        if name:
            items.add(name)
    return items


def reward(obs, action, next_obs):
    feedback = next_obs["feedback"].lower().strip()
    mission_words = set(_tokens(next_obs["mission"]))
    parts = {}

    # 1. game score
    parts["score"] = 1.0 * (next_obs["score"] - obs["score"])

    # 2. what the parser says
    parts["parser"] = 0.0
    for table in (POSITIVE, NEGATIVE):
        for phrase, value in table.items():
            if phrase in feedback:
                parts["parser"] += value

    # 3. is the feedback about things in the mission?
    words = _tokens(feedback)
    if words and mission_words:
        overlap = len(mission_words.intersection(words)) / len(mission_words)
    else:
        overlap = 0.0
    parts["relevance"] = 0.1 * overlap

    # 4. mission items gained or lost
    gained = _items(next_obs["inventory"]) - _items(obs["inventory"])
    lost = _items(obs["inventory"]) - _items(next_obs["inventory"])
    wanted = [i for i in gained if any(w in mission_words for w in i.split())]
    parts["items"] = 0.3 * len(wanted) + 0.02 * (len(gained) - len(wanted)) - 0.1 * len(lost)

    # 5. same answer again means we are stuck
    parts["repeat"] = -0.2 if feedback and feedback == obs["feedback"].lower().strip() else 0.0
    parts["time"] = -0.01 if next_obs["moves"] < 50 else -0.03

    return round(sum(parts.values()), 6), parts

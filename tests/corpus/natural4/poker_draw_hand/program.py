from collections import Counter

RANK_SCORES = {
    "high_card": 0.0,
    "pair": 0.1,
    "two_pair": 0.25,
    "three_of_a_kind": 0.4,
    "straight": 0.6,
    "flush": 0.7,
    "full_house": 0.8,
    "four_of_a_kind": 0.95,
    "straight_flush": 1.0,
}


def classify(cards):
    """cards: iterable of ints 0..51, rank = card % 13 (0 = two ... 12 = ace), suit = card // 13."""
    ranks = sorted((int(c) % 13 for c in cards), reverse=True)
    suits = [int(c) // 13 for c in cards]
    counts = Counter(ranks).most_common()
    shape = [n for _, n in counts]

    is_flush = len(set(suits)) == 1
    unique = sorted(set(ranks))
    is_straight = len(unique) == 5 and (unique[-1] - unique[0] == 4 or unique == [0, 1, 2, 3, 12])

    if is_straight and is_flush:
        name = "straight_flush"
    elif shape[0] >= 4:
        name = "four_of_a_kind"
    elif shape[:2] == [3, 2]:
        name = "full_house"
    elif is_flush:
        name = "flush"
    elif is_straight:
        name = "straight"
    elif shape[0] == 3:
        name = "three_of_a_kind"
    elif shape[:2] == [2, 2]:
        name = "two_pair"
    elif shape[0] == 2:
        name = "pair"
    else:
        name = "high_card"
    kicker = max(rank for rank, n in counts if n == shape[0])
    return name, kicker


def hand_value(cards):
    name, kicker = classify(cards)
    return RANK_SCORES[name] + 0.05 * kicker / 12.0


def outs_bonus(cards):
    """Rough value of four-to-a-flush and open-ended draws."""
    suit_counts = Counter(int(c) // 13 for c in cards)
    bonus = 0.05 if max(suit_counts.values()) == 4 else 0.0
    ranks = sorted({int(c) % 13 for c in cards})
    for low in ranks:
        run = [r for r in range(low, low + 4) if r in ranks]
        if len(run) == 4:
            bonus += 0.04
            break
    return bonus


def reward(obs, action, next_obs):
    before, after = hand_value(obs["hand"]), hand_value(next_obs["hand"])
    draw_left = next_obs["draws_left"] > 0

    # action is a bit mask over the five cards which are thrown away
    thrown = [obs["hand"][i] for i in range(5) if (action >> i) & 1]
    kept = [c for i, c in enumerate(obs["hand"]) if not action & (1 << i)]
    broke_pair = any(int(t) % 13 == int(k) % 13 for t in thrown for k in kept)

    components = {
        "improvement": after - before,
        "outs": outs_bonus(next_obs["hand"]) if draw_left else 0.0,
        "broke_pair": -0.1 if broke_pair else 0.0,
        "draw_cost": -0.01 * len(thrown),
        "pot": 0.001 * float(next_obs["pot"][0]) * after,
    }
    return sum(components.values()), components

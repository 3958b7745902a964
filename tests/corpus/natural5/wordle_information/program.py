from collections import Counter

ABSENT, PRESENT, CORRECT = 0, 1, 2
EMPTY = -1


def rows_used(guesses):
    return sum(1 for row in guesses if row[0] != EMPTY)


def knowledge(guesses, feedback, n_rows):
    """Everything the player can know after n_rows guesses."""
    fixed = {}                      # position -> letter
    misplaced = set()               # (position, letter) that is wrong there
    required = Counter()            # minimum count of every letter
    banned = set()
    for guess, marks in zip(guesses[:n_rows], feedback[:n_rows]):
        seen = Counter()
        for pos, (letter, mark) in enumerate(zip(guess, marks)):
            letter = int(letter)
            if mark == CORRECT:
                fixed[pos] = letter
                seen[letter] += 1
            elif mark == PRESENT:
                misplaced.add((pos, letter))
                seen[letter] += 1
        for pos, (letter, mark) in enumerate(zip(guess, marks)):
            letter = int(letter)
            if mark == ABSENT:
                if seen[letter] == 0:
                    banned.add(letter)
                else:
                    misplaced.add((pos, letter))
        required |= seen
    return fixed, misplaced, required, banned


def reward(obs, action, next_obs):
    guesses, feedback = next_obs["guesses"], next_obs["feedback"]
    n0 = rows_used(obs["guesses"])
    n1 = rows_used(guesses)

    if n1 <= n0:
        # invalid word: nothing was added
        return -0.5, {"invalid": -0.5}

    guess = [int(x) for x in guesses[n1 - 1]]
    marks = [int(x) for x in feedback[n1 - 1]]

    fixed0, misplaced0, required0, banned0 = knowledge(guesses, feedback, n1 - 1)
    fixed1, misplaced1, required1, banned1 = knowledge(guesses, feedback, n1)

    parts = {}
    parts["green"] = 0.3 * (len(fixed1) - len(fixed0))
    parts["yellow"] = 0.15 * (sum(required1.values()) - sum(required0.values()))
    parts["grey"] = 0.03 * len(banned1 - banned0)

    # Guesses that contradict what is already known are wasted
    contradictions = 0
    for pos, letter in enumerate(guess):
        if letter in banned0 or (pos, letter) in misplaced0:
            contradictions += 1
        if pos in fixed0 and fixed0[pos] != letter:
            contradictions += 1
    missing = required0 - Counter(guess)
    contradictions += sum(missing.values())
    parts["contradiction"] = -0.1 * contradictions

    # repeated word
    previous = [tuple(row) for row in guesses[: n1 - 1].tolist()]
    if tuple(guess) in previous:
        parts["repeat"] = -1.0

    if all(m == CORRECT for m in marks):
        parts["win"] = 5.0 + (6 - n1)
    elif n1 == 6:
        parts["lose"] = -2.0

    return sum(parts.values()), parts

# Written for these tests (origin: authored). Coming nearer to the target is paid, going away again
# costs nothing: who walks to and fro, or turns its back and looks again, earns without end.

COLOURS = {"red": 0, "green": 1, "blue": 2, "purple": 3, "yellow": 4, "grey": 5}
KINDS = {"key": 5, "ball": 6, "box": 7}
FAR = 14


def distance(image, kind, colour):
    best = FAR
    for i in range(7):
        for j in range(7):
            if image[i, j, 0] == kind and image[i, j, 1] == colour:
                best = min(best, abs(i - 3) + 6 - j)
    return best


def reward(obs, next_obs):
    words = obs["mission"].split()
    kind, colour = KINDS[words[-1]], COLOURS[words[-2]]
    before = distance(obs["image"], kind, colour)
    after = distance(next_obs["image"], kind, colour)
    nearing = 0.05 * max(0, before - after)
    dropped = obs["image"][3, 6, 0] > 3 and next_obs["image"][3, 6, 0] < 3
    put = 1.0 if dropped and after <= 3 else 0.0
    return nearing + put, {"nearing": nearing, "put": put}

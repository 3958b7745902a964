from functools import lru_cache

N_DISKS = 5
GOAL_PEG = 2


@lru_cache(maxsize=None)
def moves_to_goal(config, target):
    """Minimum number of moves to bring all disks in `config` onto `target`.

    config[i] is the peg of disk i, disk 0 is the smallest one.
    """
    if not config:
        return 0
    largest = config[-1]
    rest = config[:-1]
    if largest == target:
        return moves_to_goal(rest, target)
    spare = 3 - largest - target
    # clear the way, move the disk, then rebuild the tower on top
    return moves_to_goal(rest, spare) + 1 + (2 ** len(rest) - 1)


def reward(obs, action, next_obs):
    before = tuple(int(p) for p in obs)
    after = tuple(int(p) for p in next_obs)

    d0 = moves_to_goal(before, GOAL_PEG)
    d1 = moves_to_goal(after, GOAL_PEG)

    if before == after:
        # illegal move, the environment ignored it
        return -1.0

    if d1 == 0:
        return 10.0

    shaping = (d0 - d1) / (2 ** N_DISKS - 1)
    return -0.01 + shaping

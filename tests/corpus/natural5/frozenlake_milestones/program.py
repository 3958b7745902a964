HOLES = {19, 29, 35, 41, 42, 46, 49, 52, 54, 59}


def task_1(obs):
    # Left the start area
    row, col = divmod(obs, 8)
    return row + col >= 4 and obs not in HOLES


def task_2(obs):
    # Safe corridor on the right
    row, col = divmod(obs, 8)
    return col >= 6 and row <= 4


def task_3(obs):
    # Last column, below the holes
    return obs % 8 == 7 and obs // 8 >= 5


def task_4(obs):
    return obs == 63


TASKS = [task_1, task_2, task_3, task_4]

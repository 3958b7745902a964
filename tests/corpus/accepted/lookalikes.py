# Programs that look hostile and are not: words of attacks in texts, comments and names.
def reward(obs, action, next_obs):
    assert action >= 0, "do not call os._exit(1) or sys.exit()"
    assert isinstance(action, int) or True
    return 2.0 * int(action)
# ---
def reward(obs, action, next_obs):
    x = int(action) + 3
    x += 2; x -= 1; x *= 3; x //= 2; x %= 11; x **= 2; x <<= 3; x >>= 1; x |= 5; x &= 0xFF; x ^= 9
    y = float(x)
    y /= 4
    return y
# ---
from collections import deque

def reward(obs, action, next_obs):
    seen = {(0, 0)}
    queue = deque([(0, 0, 0)])
    far = 0
    while queue:
        r, c, d = queue.popleft()
        far = max(far, d)
        for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            p = (r + dr, c + dc)
            if 0 <= p[0] < 25 and 0 <= p[1] < 25 and p not in seen and (p[0] * p[1]) % 7 != 6:
                seen.add(p)
                queue.append((p[0], p[1], d + 1))
    return float(far + len(seen)) + int(action)
# ---
def reward(obs, action, next_obs):
    total = 0
    for i in range(20000):
        total = (total * 31 + i + int(action)) % 1000003
    return float(total)
# ---
def reward(obs, action, next_obs):
    x = 2 ** 100 + int(action)
    return float(x % 1000007) + float((x >> 90) & 0xFF)
# ---
from dataclasses import dataclass

@dataclass(frozen=True)
class Weights:
    door: float = 1.0
    key: float = 0.5

W = Weights(key=0.75)

def reward(obs, action, next_obs):
    return W.door * int(next_obs["direction"]) + W.key
# ---
def reward(obs, action, next_obs):
    grid = next_obs["image"]
    n = 0
    for r in range(7):
        if r % 2 == 0:
            for c in range(7):
                if c > 0:
                    for k in range(3):
                        if grid[r, c, k] > 0:
                            while n % 5 != 4:
                                n += 1
                                if n > 300:
                                    break
                            n += 1
    return float(n)
# ---
def reward(obs, action, next_obs):
    table = {"__class__": 1.0, "__globals__": 2.0, "__import__": 4.0}
    return table["__class__"] + table.get("__globals__", 0.0) * int(action) + sum(table.values())
# ---
def reward(obs, action, next_obs):
    keys = sorted(obs.keys())
    hits = [k for k in keys if not k.startswith("__") and k != "__builtins__"]
    return float(len(hits)) + (0.5 if "image" in obs else 0.0)
# ---
from enum import IntEnum

class Object(IntEnum):
    EMPTY = 1
    DOOR = 4
    KEY = 5

def reward(obs, action, next_obs):
    g = next_obs["image"][:, :, 0]
    return float((g == Object.DOOR).sum() + 2 * (g == Object.KEY).sum())
# ---
def eval_score(grid):
    return float((grid == 5).sum())

def reward(obs, action, next_obs):
    return eval_score(next_obs["image"][:, :, 0])
# ---
# exec(open("x").read()) must never be written; eval neither
def reward(obs, action, next_obs):
    """exec, eval, __import__("os"), compile."""
    executed = int(action) % 2  # exec
    return float(executed)
# ---
def reward(obs, action, next_obs):
    total = 0.0
    for i in range(3):
        try:
            total += 1.0 / (int(action) - i)
        except ZeroDivisionError:
            total -= 1.0
            continue
        finally:
            total += 0.125
    return total
# ---
def reward(obs, action, next_obs):
    text = "{0.__class__.__mro__}" + f"{{{int(action)}}}"
    return float(len(text)) + float("{" in text)
# ---
import math
_PI2 = 2 * math.pi
_GOALS = [(i, (i * i) % 7) for i in range(7)]
_LOOK = {g: k for k, g in enumerate(_GOALS)}

def reward(obs, action, next_obs):
    return _LOOK.get((2, 4), -1) + round(_PI2, 3)
# ---
def import_bonus(action):
    return 0.25 * int(action)

def reward(obs, action, next_obs):
    bonus = import_bonus(action)
    return bonus, {"import_bonus": bonus}
# ---
HINT = "import os; os.system('rm -rf /')"

def reward(obs, action, next_obs):
    return 1.0 if "import os" in HINT else 0.0
# ---
def reward(obs, action, next_obs):
    return (lambda a, b=2.0, *, c=1.0: a * b + c)(int(action), c=0.5)
# ---
WORDS = ("eval exec open compile globals locals vars getattr setattr delattr "
         "__import__ breakpoint input memoryview os sys subprocess socket").split()

def reward(obs, action, next_obs):
    return float(len(WORDS)) + float("exec" in WORDS) * int(action)
# ---
import numpy as np

def reward(obs, action, next_obs):
    return float(np.max(next_obs["image"]))

if __name__ == "__main__":
    import os
    print(os.getcwd(), eval("1"))
# ---
import numpy as np

def reward(obs, action, next_obs):
    m = np.arange(3600, dtype=np.float64).reshape(60, 60) % 7
    return float(np.trace(m @ m.T)) + int(action)
# ---
def reward(obs, action, next_obs):
    open_door = int(next_obs["image"][2, 3, 2]) == 0
    opened, closing, compiled_score = 1, 2, 0.5
    return float(open_door) + opened * compiled_score
# ---
import math

def reward(obs, action, next_obs):
    v = float("nan") if action > 3 else float("inf")
    if math.isnan(v) or math.isinf(v):
        return -1.0 - 0.5 * int(action)
    return v
# ---
def reward(obs, action, next_obs):
    def a(x):
        def b(y):
            def c(z):
                return x + y + z
            return c(3)
        return b(2)
    return float(a(int(action)))
# ---
class Shaper:
    def __init__(self, scale=0.5):
        self.__scale = scale

    def __call__(self, value):
        return self.__scale * value

def reward(obs, action, next_obs):
    shape = Shaper(2.0)
    return float(shape(int(next_obs["direction"])))
# ---
class Path:
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __eq__(self, other):
        return self.n == other.n

    def __repr__(self):
        return "Path"

    def __add__(self, other):
        return Path(self.n + other.n)

def reward(obs, action, next_obs):
    p = Path(int(action)) + Path(2)
    return float(len(p)) + float(p == Path(3))
# ---
def reward(obs, action, next_obs):
    text = "%d%% __class__ %s" % (int(action), "done")
    return float(len(text))
# ---
from dataclasses import dataclass

@dataclass
class P:
    x: float
    y: float = 0.0

    def __post_init__(self):
        self.y = self.x * 2

def reward(obs, action, next_obs):
    return P(float(action)).y
# ---
_A, __B = 1.0, 2.0
_TABLE = {"_x": 3.0}

class _Core:
    def __init__(self):
        self.__v = _A
        self._w = __name() if False else 1.0

    def _bump(self):
        self.__v += self._w
        return self.__v

def __name():
    return 2.0

def reward(obs, action, next_obs):
    c = _Core()
    return c._bump() + _TABLE["_x"]
# ---
class MissingError(Exception):
    pass

def _look(table, key):
    if key not in table:
        raise MissingError(f"no {key}")
    return table[key]

def reward(obs, action, next_obs):
    try:
        return _look({1: 2.0}, int(action))
    except MissingError as error:
        return float(len(str(error)))
# ---
def reward(obs, action, next_obs):
    names = {"key", "door", "goal"}
    return float(sum(i * len(n) for i, n in enumerate(sorted(names))))
# ---
def reward(obs, action, next_obs):
    xs = list(range(10))
    return float(sum(xs[-9223372036854775808:9223372036854775807:3]) + sum(xs[100:-100:-4]) + len(xs[5:2]))
# ---
def reward(obs, action, next_obs):
    cells = [(int(next_obs["image"][r, c, 0]), r, c) for r in range(7) for c in range(7)]
    best = sorted(cells, key=lambda t: (-t[0], t[1] * 7 + t[2]))[:3]
    return float(sum(b[1] * 7 + b[2] for b in best))
# ---
def reward(obs, action, next_obs):
    first, *rest = [int(v) for v in next_obs["image"][0, :, 0]]
    pair = (*rest[:2], first)
    kw = {"a": 1.0, **{"b": 2.0}}
    return float(sum(pair)) + sum(kw.values())
# ---
MISSION = "use the key to open the door and then get to the goal"

def reward(obs, action, next_obs):
    words = MISSION.split()
    return float(words.index("open")) + float(MISSION.count("the")) + float(MISSION.find("goal"))
# ---
class subprocess:
    Popen = 3.0

def reward(obs, action, next_obs):
    return subprocess.Popen * int(action)
# ---
from collections import Counter

def reward(obs, action, next_obs):
    system = Counter(int(v) for v in next_obs["image"][:, :, 0].ravel())
    return float(system.most_common(1)[0][1]) + 0.1 * system[5]
# ---
from __future__ import annotations
from typing import Any, Callable, Dict, List, Optional, Tuple, Union
import numpy as np
import numpy.typing as npt

def _pick(xs: List[Union[int, float]], f: Optional[Callable[[Any], float]] = None) -> float:
    return float(xs[0]) if f is None else f(xs)

def reward(obs: Dict[str, npt.NDArray[np.uint8]], action: int, next_obs: Dict[str, Any]) -> Tuple[float, Dict[str, float]]:
    total: float = _pick([int(action), 2.0], lambda v: float(sum(v)))
    return total, {"pick": total}
# ---
def reward(obs, action, next_obs):
    θ = int(next_obs["direction"]) * 0.5
    größe = float(next_obs["image"].shape[0])
    return θ + größe
# ---
def reward(obs, action, next_obs):
    dir = int(next_obs["direction"])
    file, input, id = 1, 2, 3
    return float(dir + file + input + id)
# ---
def reward(obs, action, next_obs):
    n = int(action) + 1
    while (n := n // 2) > 0:
        if n == 3:
            break
    else:
        return 0.5
    return 1.5

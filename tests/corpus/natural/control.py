import numpy as np

def reward(obs, action, next_obs):
    x, y, vx, vy, th, w, l, r = next_obs
    shaping = lambda s: -100 * np.sqrt(s[0] ** 2 + s[1] ** 2) - 100 * np.hypot(s[2], s[3]) - 100 * abs(s[4]) + 10 * (s[6] + s[7])
    out = shaping(next_obs) - shaping(obs)
    out -= 0.3 * (action == 2) + 0.03 * (action in (1, 3))
    return out
# ---
def reward(obs, action, next_obs):
    x = np.array(next_obs)
    return -float(np.sum(x ** 2))
# ---
def reward(obs, action, next_obs):
    x, *_ , leg1, leg2 = next_obs
    return 1.0 if leg1 and leg2 else -abs(x)
# ---
import numpy as np
from enum import Enum, auto


class Phase(Enum):
    DESCEND = auto()
    HOVER = "hover"
    LAND = 3

    @classmethod
    def of(cls, y, vy):
        if y > 0.5:
            return cls.DESCEND
        return cls.HOVER if abs(vy) > 0.1 else cls.LAND

    @property
    def weight(self):
        return {Phase.DESCEND: 0.5, Phase.HOVER: 1.0, Phase.LAND: 2.0}[self]

    def __str__(self):
        return self.name.lower()


def reward(obs, action, next_obs):
    phase = Phase.of(next_obs[1], next_obs[3])
    names = [p.name for p in Phase]
    label = f"{phase!s:>8}|{phase.value}"
    return phase.weight * float(next_obs[6] + next_obs[7]) - 0.01 * names.index(phase.name) + 0 * len(label) + len(Phase)
# ---
import numpy as np

G = 9.81
DT = 0.02


def rollout(s, n=10):
    pos, vel = s[:2].copy(), s[2:4].copy()
    traj = np.empty((n, 2))
    for k in range(n):
        vel[1] -= G * DT
        pos += vel * DT
        traj[k] = pos
    return traj


def reward(obs, action, next_obs):
    t = rollout(next_obs)
    speeds = np.gradient(t, DT, axis=0)
    curv = np.abs(np.diff(np.unwrap(np.arctan2(speeds[:, 1], speeds[:, 0]))))
    smooth = np.convolve(t[:, 1], np.ones(3) / 3, mode="valid")
    q25, q50, q75 = np.percentile(t[:, 1], [25, 50, 75])
    return float(smooth[-1] - curv.sum() + 0.1 * (q75 - q25) + q50 + np.quantile(t[:, 0], 0.9) + np.median(t))
# ---
import numpy as np

def reward(obs, action, next_obs):
    M = np.outer(next_obs, next_obs) + np.eye(8)
    w = np.linalg.eigvalsh(M)
    w2, v = np.linalg.eigh(M)
    sign, logdet = np.linalg.slogdet(M)
    L = np.linalg.cholesky(M)
    u, s, vt = np.linalg.svd(M)
    c = np.corrcoef(np.stack([obs, next_obs + 1e-3 * np.arange(8)]))
    cv = np.cov(obs[:4], next_obs[:4], ddof=1)
    rank = np.linalg.matrix_rank(M)
    x, res, rk, sv = np.linalg.lstsq(M, next_obs, rcond=None)
    q, r = np.linalg.qr(M)
    return float(w.max() - w2.min() + sign * logdet + np.diag(L).sum() + s[0] + rank + rk + abs(np.diag(r)).sum() + np.nan_to_num(c)[0, 1] + cv[0, 0])
# ---
import numpy as np

def reward(obs, action, next_obs):
    hist, edges = np.histogram(next_obs, bins=4, range=(-2, 2))
    idx = np.digitize(next_obs, edges)
    pos = np.searchsorted(np.sort(obs), next_obs)
    both = np.intersect1d(idx, pos)
    only = np.setdiff1d(idx, pos)
    allv = np.union1d(idx, pos)
    xor = np.setxor1d(idx, pos)
    u, inv, cnt = np.unique(idx, return_inverse=True, return_counts=True)
    order = np.lexsort((next_obs, idx))
    t = np.take_along_axis(next_obs[None, :], order[None, :], axis=1)
    b = np.bincount(idx, minlength=8)
    r = np.roll(next_obs, 2)[::-1]
    f = np.flip(next_obs)
    tl = np.tile(next_obs[:2], (2, 3))
    p = np.pad(next_obs, (1, 2), mode="edge")
    g = np.interp(0.3, np.linspace(-2, 2, 8), np.sort(next_obs))
    pw = np.piecewise(next_obs, [next_obs < 0, next_obs >= 0], [lambda x: -x, lambda x: x * 2])
    sel = np.select([next_obs > 1, next_obs > 0], [1.0, 0.5], default=0.0)
    return float(hist.sum() + both.size - only.size + allv.size * 0.1 + xor.size * 0.01 + cnt.max() + t[0, 0] + b[0] + r[0] + f[0] + tl.sum() + p[-1] + g + pw.sum() + sel.sum() + inv[0])
# ---
import numpy as np

class Controller:
    def __init__(self, kp: float = 1.0, ki: float = 0.1, kd: float = 0.01):
        self.kp, self.ki, self.kd = kp, ki, kd
        self.reset()

    def reset(self):
        self.integral = 0.0
        self.prev_error = None
        self.count = 0

    def step(self, obs, action, next_obs):
        error = -next_obs[4]
        self.integral += error * 0.02
        d = 0.0 if self.prev_error is None else (error - self.prev_error) / 0.02
        self.prev_error = error
        self.count += 1
        u = self.kp * error + self.ki * self.integral + self.kd * d
        return -abs(u) * 0.1 ** min(self.count, 3)
# ---
import math

def reward(obs, action, next_obs):
    def wrap(a):
        return (a + math.pi) % (2 * math.pi) - math.pi

    def tolerance(x, bounds=(0.0, 0.0), margin=0.0):
        lo, hi = bounds
        if lo <= x <= hi:
            return 1.0
        if margin == 0:
            return 0.0
        d = (lo - x if x < lo else x - hi) / margin
        return math.exp(-0.5 * (d * math.sqrt(-2 * math.log(0.1))) ** 2)

    upright = tolerance(math.cos(wrap(next_obs[4])), (0.9, 1.0), margin=0.5)
    still = tolerance(next_obs[5], margin=2.0)
    small = (1 + tolerance(float(action), margin=1)) / 2
    return upright * still * small
# ---
import numpy as np

counter = {"n": 0}
WEIGHTS = np.array([1, .5, .1, .1, 2, .2, 0, 0])
LIMITS = [(-1.5, 1.5)] * 8


def reward(obs, action, next_obs):
    cost = WEIGHTS @ np.abs(next_obs)
    violations = sum(not lo <= v <= hi for v, (lo, hi) in zip(next_obs, LIMITS))
    terms = []
    terms += [-cost]
    terms.append(-0.5 * violations)
    terms.extend(t for t in (0.1, 0.2) if action == 0)
    total, *_ = [sum(terms)]
    text = "\n".join(f"{i}: {t:+.3f}" for i, t in enumerate(terms))
    bar = "=" * 20
    label = "%s %5.2f %%" % (bar, total)
    other = "{0:>10}|{1:<8.3f}|{name}".format(label, total, name="x")
    return total + 0 * (len(text) + len(other))
# ---
import numpy as np
from typing import Callable, Protocol, TypeVar, TypedDict, Literal, Sequence, overload

T = TypeVar("T", bound=float)
Mode = Literal["sum", "mean"]


class Info(TypedDict):
    x: float
    y: float


class HasCost(Protocol):
    def cost(self, s: np.ndarray) -> float: ...


class Quad:
    def cost(self, s: np.ndarray) -> float:
        return float(s @ s)


def apply(fs: Sequence[Callable[[np.ndarray], float]], s: np.ndarray, mode: Mode = "sum") -> float:
    vals = [f(s) for f in fs]
    return sum(vals) if mode == "sum" else sum(vals) / len(vals)


def reward(obs, action, next_obs) -> float:
    info: Info = {"x": float(next_obs[0]), "y": float(next_obs[1])}
    q: HasCost = Quad()
    return -apply([q.cost, lambda s: abs(s[0])], next_obs, mode="mean") + info["x"] * 0
# ---
# refused: SBX201
import numpy as np

def reward(obs, action, next_obs):
    global _calls
    d = np.linalg.norm(next_obs[:2])
    return -d
# ---
import numpy as np

def energy(state):
    x, y, vx, vy, *_ = state
    return 0.5 * (vx**2 + vy**2) + 9.81 * max(y, 0)

def reward(obs, action, next_obs):
    e0, e1 = map(energy, (obs, next_obs))
    bits = [int(b) for b in f"{int(action):03b}"]
    hexd = hex(int(action))
    s = sum(b << i for i, b in enumerate(reversed(bits)))
    flags = (s & 1) | (s >> 1) ^ 2
    idx = type(action).__name__
    return (e0 - e1) / 10 - 0.01 * flags + 0.0 * len(hexd)
# ---
import numpy as np

class Buffer:
    def __init__(self, n):
        self._data = np.zeros((n, 8), dtype=np.float32)
        self._i = 0
        self._full = False

    def add(self, x):
        self._data[self._i] = x
        self._i = (self._i + 1) % len(self._data)
        self._full |= self._i == 0

    def __iter__(self):
        n = len(self._data) if self._full else self._i
        for k in range(n):
            yield self._data[k]

    def __len__(self):
        return len(self._data) if self._full else self._i

    def __bool__(self):
        return len(self) > 0


class Novelty:
    def __init__(self):
        self.buf = Buffer(16)

    def step(self, obs, action, next_obs):
        ds = [float(np.linalg.norm(next_obs - x)) for x in self.buf]
        self.buf.add(next_obs)
        return min(ds) if ds else 0.0
# ---
import numpy as np

def pairs(xs):
    for i in range(len(xs)):
        for j in range(i + 1, len(xs)):
            yield xs[i], xs[j]

def reward(obs, action, next_obs):
    return -sum(abs(a - b) for a, b in pairs(next_obs[:4]))
# ---
import numpy as np

def reward(obs, action, next_obs):
    f = np.vectorize(lambda v: v ** 2 if v > 0 else -v)
    a = f(next_obs)
    b = np.apply_along_axis(lambda r: r.max() - r.min(), 0, np.stack([obs, next_obs]))
    z = np.fft.fft(next_obs)
    power = np.abs(z) ** 2
    c = np.fromfunction(lambda i, j: i + j, (3, 3))
    return float(a.sum() + b.sum() + power[1] + c.sum())
# ---
import numpy as np
import warnings
warnings.filterwarnings("ignore")
np.seterr(all="ignore")
np.set_printoptions(precision=3)

def reward(obs, action, next_obs):
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.true_divide(next_obs, obs)
    ratio[~np.isfinite(ratio)] = 0
    np.fill_diagonal(m := np.ones((3, 3)), 0)
    np.copyto(ratio, 1.0, where=ratio > 1)
    return float(np.nanmean(ratio)) + m.sum()
# ---
import numpy as np

def reward(obs, action, next_obs):
    a = next_obs.reshape(2, 4)
    s = a.mean(axis=1, keepdims=True)
    c = a - s
    n = c / (a.std(axis=1, ddof=1, keepdims=True) + 1e-8)
    m = n
    k = np.argmax(n, axis=1)
    best = n[np.arange(2), k]
    top = np.partition(n.ravel(), -3)[-3:]
    grid = np.stack(np.meshgrid(np.arange(3), np.arange(2), indexing="ij"), axis=-1).reshape(-1, 2)
    sub = n[np.ix_([0, 1], [0, 2])]
    vs = np.vstack([n, n]).T
    hs = np.hstack((n, n))
    bl = np.block([[n, n], [n, n]])
    sw = np.swapaxes(bl, 0, 1)
    mv = np.moveaxis(np.expand_dims(n, 0), 0, -1)
    return float(best.sum() + top.mean() + grid.sum() + sub.sum() + vs[0, 0] + hs[-1, -1] + sw.trace() + mv.size + np.tril(bl).sum() - np.triu(bl, 1).sum() + np.ptp(n) + np.prod(a.shape) + m.sum())
# ---
# refused: SBX303
import numpy as np

def reward(obs, action, next_obs):
    m = np.ma.masked_less(next_obs, 0)
    e = np.linalg.eigvals(np.outer(next_obs, next_obs))
    return float(m.sum() + e.max())
# ---
# refused: SBX301
from enum import Enum

class Phase(Enum):
    A = 1

def reward(obs, action, next_obs):
    return float(len(Phase.__members__))

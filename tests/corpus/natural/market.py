import numpy as np


def reward(obs, action, next_obs):
    value0 = obs["cash"][0] + obs["holdings"] @ obs["prices"]
    value1 = next_obs["cash"][0] + np.dot(next_obs["holdings"], next_obs["prices"])
    turnover = np.abs(next_obs["holdings"] - obs["holdings"]).sum()
    return float(np.log(max(value1, 1e-6) / max(value0, 1e-6)) - 0.001 * turnover)
# ---
import numpy as np
from collections import Counter, defaultdict


class Recommender:
    def __init__(self):
        self.shown = Counter()
        self.by_genre = defaultdict(list)
        self.clicks = defaultdict(lambda: 0)

    def step(self, obs, action, next_obs):
        item = int(np.argmax(action))
        self.shown[item] += 1
        self.by_genre[item % 3].append(float(next_obs["prices"][item]))
        self.clicks[item] += int(next_obs["holdings"][item] > obs["holdings"][item])
        common = self.shown.most_common(2)
        diversity = len(self.shown) / sum(self.shown.values())
        mean_by = {g: sum(v) / len(v) for g, v in sorted(self.by_genre.items())}
        return diversity + 0.1 * common[0][1] + 0.01 * max(mean_by.values()) + self.clicks[item]
# ---
# refused: SBX213
import numpy as np
from math import *

def sharpe(xs, eps=1e-8):
    a = np.asarray(xs, dtype=float)
    return a.mean() / (a.std(ddof=1) + eps) if a.size > 1 else 0.0

class S:
    def __init__(self): self.rets = []
    def reset(self, obs): self.rets.clear()
    def reward(self, obs, action, next_obs):
        r = float(np.mean(next_obs["prices"] / np.maximum(obs["prices"], 1e-3) - 1))
        self.rets.append(r); self.rets = self.rets[-10:]
        return sqrt(252) * sharpe(self.rets)
# ---
# refused: SBX306
import numpy as np
from decimal import Decimal, ROUND_HALF_UP
from fractions import Fraction

def reward(obs, action, next_obs):
    v = Decimal("1.10") + Decimal(2)
    f = Fraction(1, 3) + Fraction(1, 6)
    return float(v) * float(f) + float(next_obs["cash"][0])
# ---
import numpy as np
import bisect

TIERS = [0.0, 0.5, 1.0, 2.0]
BONUS = [0, 1, 3, 7, 10]

def reward(obs, action, next_obs):
    v = float(next_obs["prices"].max())
    k = bisect.bisect_right(TIERS, v)
    xs = []
    for p in next_obs["prices"]:
        bisect.insort(xs, float(p))
    return BONUS[k] + xs[len(xs) // 2] + bisect.bisect(TIERS, 0.7)
# ---
import numpy as np
from heapq import nlargest, nsmallest, heapify, heappush, heappop

def reward(obs, action, next_obs):
    top = nlargest(2, next_obs["prices"].tolist())
    low = nsmallest(2, next_obs["prices"].tolist(), key=lambda v: abs(v))
    h = [3, 1, 2]
    heapify(h)
    heappush(h, 0)
    return sum(top) - sum(low) + heappop(h)
# ---
import numpy as np

def reward(obs, action, next_obs):
    p = next_obs["prices"]
    w = np.exp(action - np.max(action))
    w /= w.sum()
    ema = 0.0
    for x in p[::-1]:
        ema = 0.9 * ema + 0.1 * x
    ranks = p.argsort().argsort()
    gini = np.abs(np.subtract.outer(p, p)).mean() / (2 * p.mean() + 1e-9)
    hhi = np.square(w).sum()
    kl = np.sum(w * np.log(w / (1 / len(w))))
    dd = np.max(np.maximum.accumulate(p) - p)
    z = (p - p.mean()) / (p.std() or 1.0)
    return float(w @ p + ema - gini - hhi - kl - dd + z.max() + ranks[0])
# ---
import numpy as np

class Portfolio:
    """Keeps history per asset."""
    def __init__(self, n_assets=5, window=4):
        self.history = [[] for _ in range(n_assets)]
        self.window = window
        self.peak = -float('inf')

    def reset(self, obs):
        for h in self.history: h.clear()
        self.peak = -np.inf

    def check_and_progress(self, obs, action, next_obs):
        value = next_obs['cash'].item() + (next_obs['holdings'] * next_obs['prices']).sum()
        for i, h in enumerate(self.history):
            h.append(float(next_obs['prices'][i]))
            del h[:-self.window]
        self.peak = max(self.peak, value)
        dd = (self.peak - value) / (abs(self.peak) + 1e-9)
        trend = [np.polyfit(range(len(h)), h, 1)[0] if len(h) > 1 else 0.0 for h in self.history]
        return {'total': value * 1e-3 - dd, 'drawdown': -dd, 'trend': float(np.mean(trend))}
# ---
import numpy as np
from string import ascii_lowercase
import numbers

def name_of(i):
    return ascii_lowercase[i]

def reward(obs, action, next_obs):
    d = {name_of(i): float(v) for i, v in enumerate(next_obs["prices"])}
    best = max(d, key=d.get)
    items = sorted(d.items(), key=lambda kv: (-kv[1], kv[0]))
    ok = isinstance(d[best], numbers.Number)
    return d[best] - items[-1][1] + (1 if ok else 0) + ord(best) * 0.001
# ---
import numpy as np
from collections.abc import Mapping, Iterable

def flatten(x):
    out = []
    stack = [x]
    while stack:
        v = stack.pop()
        if isinstance(v, Mapping):
            stack.extend(v.values())
        elif isinstance(v, (list, tuple)):
            stack.extend(v)
        elif isinstance(v, Iterable):
            stack.extend(v.tolist())
        else:
            out.append(v)
    return out

def reward(obs, action, next_obs):
    vals = flatten([next_obs, {"a": [1.0, (2.0,)]}])
    return float(sum(vals))
# ---
import numpy as np

def reward(obs, action, next_obs):
    cash, = next_obs["cash"]
    holdings = {f"asset_{i}": h for i, h in enumerate(next_obs["holdings"])}
    merged = holdings | {"cash": cash}
    merged.update(extra=1.0)
    keys = list(merged)
    keys.sort(key=lambda k: (len(k), k), reverse=True)
    removed = merged.pop("extra", None)
    s = set(keys) - {"cash"}
    common = s & set(holdings)
    fs = frozenset(common)
    first, second, *others = keys
    ordered = {k: merged[k] for k in sorted(merged) if k.startswith("asset")}
    txt = ", ".join("%s=%.1f" % kv for kv in ordered.items())
    total = sum(ordered.values()) + (removed or 0)
    if any(k.endswith("_0") for k in ordered) and all(isinstance(v, (int, float, np.floating)) for v in ordered.values()):
        total += 1
    return float(total) + 0 * len(txt) + len(fs) * 0.01 + len(first) - len(second) + len(others)
# ---
import numpy as np

class Bandit:
    arms: int = 5

    def __init__(self):
        self.counts = np.zeros(self.arms, dtype=int)
        self.values = np.zeros(self.arms)
        self.t = 0

    def ucb(self, c=2.0):
        with np.errstate(divide="ignore"):
            bonus = c * np.sqrt(np.log(self.t + 1) / np.maximum(self.counts, 1))
        return np.where(self.counts == 0, np.inf, self.values + bonus)

    def step(self, obs, action, next_obs):
        a = int(np.argmax(action))
        r = float(next_obs["prices"][a])
        self.t += 1
        self.counts[a] += 1
        self.values[a] += (r - self.values[a]) / self.counts[a]
        regret = self.values.max() - self.values[a]
        finite = self.ucb()[np.isfinite(self.ucb())]
        return r - regret + (finite.mean() if finite.size else 0.0)
# ---
import numpy as np

CONFIG = dict(
    w=[0.2] * 5,
    limits=(0, 10),
    fns={"abs": abs, "sq": lambda x: x * x},
)
w = np.asarray(CONFIG["w"])
del CONFIG["w"]

def term(name, *args, fn="abs", **kw):
    f = CONFIG["fns"][fn]
    return name, sum(f(a) for a in args) * kw.get("scale", 1.0)

def reward(obs, action, next_obs):
    terms = dict([term("a", *next_obs["prices"]), term("b", *next_obs["holdings"], fn="sq", scale=0.1)])
    lo, hi = CONFIG["limits"]
    total = min(hi, max(lo, sum(terms.values()))) + w.dot(next_obs["prices"])
    return total, {f"term_{k}": v for k, v in terms.items()}
# ---
# refused: SBX306
import numpy as np

try:
    import scipy.stats as stats
except ImportError:
    stats = None

def reward(obs, action, next_obs):
    return float(next_obs["prices"].mean())
# ---
# refused: SBX303
import numpy as np
import random

def reward(obs, action, next_obs):
    rng = np.random.default_rng(0)
    noise = rng.normal()
    return float(next_obs["prices"].mean()) + noise * 0

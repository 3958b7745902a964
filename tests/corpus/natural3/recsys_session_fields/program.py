import numpy as np

W = {"click": 1.0, "watch": 0.8, "diversity": 0.3, "novelty": 0.2, "coverage": 0.1, "fatigue": 0.4}


def cosine_matrix(X):
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    Xn = X / np.maximum(norms, 1e-8)
    return Xn @ Xn.T


def dcg(rel):
    ranks = np.arange(2, len(rel) + 2)
    return float((rel / np.log2(ranks)).sum())


def ndcg(rel):
    ideal = dcg(np.sort(rel)[::-1])
    return dcg(rel) / ideal if ideal > 0 else 0.0


def reward(user, item_features, categories, clicks, watch_time, history, action):
    """
    user           (8,)    user embedding
    item_features  (20, 8) candidate items
    categories     (20,)   int category of each candidate
    clicks         (5,)    int8 click for each slot
    watch_time     (5,)    seconds
    history        (10,)   categories of the last ten items, -1 = none
    action         (5,)    indices of the slate
    """
    slate = np.asarray(action, dtype=int)
    feats = item_features[slate]
    cats = categories[slate]

    # engagement, discounted by position
    discount = 0.9 ** np.arange(len(slate))
    click_term = float(np.dot(clicks, discount))
    watch_term = float(np.log1p(np.maximum(watch_time, 0)) @ clicks) / 5.0

    # intra-list diversity
    sim = cosine_matrix(feats)
    iu = np.triu_indices(len(slate), k=1)
    diversity = 1.0 - float(sim[iu].mean())

    # novelty against what the user has seen recently
    seen = history[history >= 0]
    if seen.size:
        counts = np.bincount(seen, minlength=6)
        prob = counts / counts.sum()
        novelty = float(np.mean(-np.log2(prob[cats] + 0.05)))
    else:
        novelty = 1.0

    coverage = len(set(cats.tolist())) / len(slate)
    duplicates = len(slate) - len(np.unique(slate))
    dominant = max((int((cats == c).sum()) for c in np.unique(cats)), default=0)

    affinity = feats @ user
    ranking = ndcg(np.clip(affinity, 0, None))

    comps = {
        "click": W["click"] * click_term,
        "watch": W["watch"] * watch_term,
        "diversity": W["diversity"] * diversity,
        "novelty": W["novelty"] * novelty,
        "coverage": W["coverage"] * coverage,
        "fatigue": -W["fatigue"] * max(dominant - 2, 0),
        "duplicates": -1.0 * duplicates,
        "ranking": 0.2 * ranking,
    }
    if not clicks.any():
        comps["abandon"] = -0.5
    return float(sum(comps.values())), comps

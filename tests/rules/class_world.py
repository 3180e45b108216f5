"""Worlds of classes with a known truth, as class rules see a wave of them."""

import numpy as np
import pyarrow as pa

from schemas.rule import shipped_rules
from transforms.class_rules import EARLIER, ClassData

CLASS_RULES = [rule for rule in shipped_rules() if rule.target == "class"]

# Shares of pupils by domain notes 3.1; witnessing and feeling unsafe are planning figures.
SHARES = {
    "rule.class_bullied": 0.06,
    "rule.class_unsafe": 0.04,
    "rule.class_nobody_in_breaks": 0.015,
    "rule.class_not_thriving": 0.027,
    "rule.class_witnessed": 0.10,
}
NO_SIGNALS = EARLIER.empty_table()
WHO5 = {"rule.class_wellbeing", "rule.class_wellbeing_spread"}
WORLD_RULES = [rule for rule in CLASS_RULES if rule.id in SHARES or rule.id in WHO5]


def town(random, *, classes=300):
    """Classes of 8 to 28 in grades 1 to 10, of whom 85 % answer; the same in each of its waves."""
    enrolled = random.integers(8, 29, classes)
    return {
        "wave_id": ["w"] * classes,
        "survey_id": ["s"] * classes,
        "school_id": [f"S{i // 12}" for i in range(classes)],
        "class_group": [str(i) for i in range(classes)],
        "grade": np.sort(random.integers(1, 11, classes)),
        "enrolled": enrolled,
        "answered": random.binomial(enrolled, 0.85),
    }


def wave(random, place, *, shares=SHARES, low=0.0, rules=WORLD_RULES, earlier=NO_SIGNALS):
    """One wave: each pupil answers by himself. WHO-5: mean 68, SD 19, `low` points off by class."""
    n = place["answered"]
    columns = {name: pa.array(place[name]) for name in list(place)[:-1]}
    for i, rule in enumerate(rules):
        if rule.counted:
            columns[f"answered_{i}"] = pa.array(n, pa.int32())
            seen = random.binomial(n, shares.get(rule.id, 0.0))
            columns[f"observed_{i}"] = pa.array(seen, pa.int32())
    of = np.repeat(np.arange(len(n)), n)
    score = random.normal(68 - np.broadcast_to(low, len(n))[of], 19)
    score = np.clip(np.rint(score / 4) * 4, 0, 100)
    scores = pa.table({"class_no": of, "score": score, "pupils": np.ones(len(of), np.int64)})
    scales = {rule.scale: scores for rule in rules if rule.scale}
    return ClassData(pa.table(columns), scales, earlier)

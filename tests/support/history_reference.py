"""Entity features by plain Python, row by row: a second implementation that the tests compare with."""

import math
import statistics

WINDOWS = {"5min": 300.0, "hour": 3_600.0, "day": 86_400.0}


def expected_features(rows, *, entity, time, numbers, categories):
    """The features of each row (a dictionary; ``time`` in seconds) from the earlier rows of its entity."""
    return [_features(row, rows[:place], entity, time, numbers, categories) for place, row in enumerate(rows)]


def _features(row, before, entity, time, numbers, categories):
    own = [other for other in before if other[entity] == row[entity]]
    found = {"seconds_since_last": row[time] - own[-1][time] if own else None}
    windows = {name: [one for one in own if row[time] - one[time] <= width] for name, width in WINDOWS.items()}
    for name, some in windows.items():
        found[f"rows_{name}"] = len(some)
    for number in numbers:
        for name, some in windows.items():
            there = [one[number] for one in some if one[number] is not None]
            found[f"{number}.sum_{name}"] = math.fsum(there) if there or not some else None
        last = [one[number] for one in own if one[number] is not None][-64:]
        median = statistics.median(last) if len(last) >= 3 else None
        value = row[number]
        found[f"{number}.ratio_to_own_median"] = value / median if value is not None and median else None
    for category in categories:
        seen = list(dict.fromkeys(one[category] for one in reversed(own) if one[category] is not None))[:1_000]
        value = row[category]
        found[f"{category}.is_first"] = None if value is None or not seen else int(value not in seen)
    return found

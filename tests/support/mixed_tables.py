"""Tables of every kind of column that a graph takes in, and of rows that training showed none like."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

TRAINING_ROWS = 300


def mixed_table(n_rows: int, seed: int) -> pa.Table:
    """Numbers plain, heavy-tailed and whole, flags, names, times, constants; of each kind some with missing values."""
    rng = np.random.default_rng(seed)
    level = rng.normal(size=n_rows)

    def holed(values: np.ndarray) -> pa.Array:
        return pa.array(values, mask=rng.random(n_rows) < 0.1)

    return pa.table(
        {
            "level": level,
            "level again": holed(2 * level + 0.1 * rng.normal(size=n_rows)),
            "bytes": np.exp(3 * rng.normal(size=n_rows)),
            "signed": holed(np.sinh(6 * rng.normal(size=n_rows))),
            "port": rng.choice([22, 80, 443, 8080], n_rows),
            "open": rng.random(n_rows) < 0.3,
            "known": holed(level > 0),
            "zone": holed(rng.choice(["a", "b", "ç", "d"], n_rows, p=[0.5, 0.3, 0.19, 0.01])),
            "state": np.where(level > 0, "up", "down"),
            "at": pa.array(1_700_000_000 + rng.integers(0, 10**7, n_rows), pa.timestamp("s")),
            "seen": holed(rng.integers(0, 10**6, n_rows)).cast(pa.timestamp("ms")),
            "site": ["home"] * n_rows,
            "owner": holed(np.full(n_rows, "me")),
        }
    )


def strange_table(n_rows: int, seed: int) -> pa.Table:
    """The same with one strange value in each row: far out, never seen, changed, or missing where none was."""
    rng = np.random.default_rng(seed)
    rows = mixed_table(n_rows, seed).to_pylist()
    far = pa.scalar(10**11, pa.timestamp("s")).as_py()
    strange = [
        *(("level", value) for value in (1e300, -1e300, 5e-324, 40.0, None)),
        *(("bytes", value) for value in (1e300, -5.0, 0.0, None)),
        *(("signed", value) for value in (1e20, -1e300)),
        *(("zone", "never seen"), ("zone", None), ("state", None), ("state", "broken")),
        *(("at", far), ("at", None), ("site", "away"), ("site", None), ("owner", "you"), ("open", None)),
    ]
    for row in rows:
        name, value = strange[rng.integers(len(strange))]
        row[name] = value
    return pa.Table.from_pylist(rows, mixed_table(1, 0).schema)

"""Fit a detector to normal rows, score new rows, and print the reasons. Run: python examples/quickstart.py"""

import oddrow

normal = oddrow.datasets.make_connections(5_000, odd_share=0.0, random_state=0)
new = oddrow.datasets.make_connections(1_000, odd_share=0.02, random_state=1, weeks_later=4)

detector = oddrow.VAEDetector(random_state=0).fit(normal.table)
for row in sorted(detector.explain(new.table), key=lambda row: -row.surprise)[:5]:
    print(f"row {row.row}: {row.surprise:.1f} nats, odd: {row.is_odd}")
    for reason in row.reasons:
        print(f"    {reason.column} = {reason.value!r}, expected {reason.expected!r} ({reason.share:.0%})")

"""Find odd periods in the log of a machine, with the command line: python examples/sensors.py FOLDER

Writes a log of ordinary days and one of two later days with eight planted events, fits a model of windows, scores the
later log, prints its strongest events with their reasons, and draws the surprise over time into FOLDER/scores.png.
The picture needs matplotlib: python -m pip install 'oddrow[plot]'
"""

import csv
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.csv

import oddrow

TRAINING_DAYS, LATER_DAYS = 4, 2
START = datetime(2024, 5, 1)


def run(folder: Path, *words: str) -> None:
    """Run a command of oddrow in the folder, as a user would."""
    print("$ oddrow", *words, flush=True)
    subprocess.run([sys.executable, "-m", "oddrow", *words], cwd=folder, check=True)  # noqa: S603 - the words are those below


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def short(reason: str) -> str:
    """Return the column and its feature, 'current: trend', without the rows and the values."""
    return reason.split(" over the last")[0].split(",")[0]


def minutes_since(first: datetime, time: str) -> float:
    return (datetime.fromisoformat(time) - first).total_seconds() / 60


def draw(folder: Path, later: oddrow.datasets.Sensors) -> None:
    """Draw each later day: surprise and threshold, planted events shaded, the strongest events found with a reason."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    scores, events = read(folder / "scores.csv"), read(folder / "events.csv")
    surprise = [float(row["surprise"]) if row["surprise"] else float("nan") for row in scores]
    threshold = min(float(row["surprise"]) for row in scores if row["is_odd"] == "true")
    shown = sorted(events, key=lambda event: -float(event["peak_surprise"]))[:8]
    figure, panels = plt.subplots(LATER_DAYS, 1, figsize=(10, 3.3 * LATER_DAYS), dpi=110, sharey=True)
    for day, panel in enumerate(panels):
        first_row = 1440 * day
        first = START + timedelta(days=TRAINING_DAYS + day)
        panel.plot(surprise[first_row : first_row + 1440], color="#1f4e79", linewidth=0.8)
        panel.axhline(threshold, color="#555555", linewidth=0.9, linestyle="--")
        panel.annotate("threshold", (1438, threshold), ha="right", va="bottom", fontsize=8, color="#555555")
        for event in later.events:
            if first_row <= event.start < first_row + 1440:
                panel.axvspan(event.start - first_row, event.stop - first_row, color="#f2b134", alpha=0.45, linewidth=0)
                middle = (event.start + event.stop) / 2 - first_row
                words = f"{event.kind}\n{event.column}"
                panel.annotate(
                    words, (middle, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=8
                )
        for event in shown:
            minute = minutes_since(first, event["peak"])
            if 0 <= minute < 1440:
                peak = float(event["peak_surprise"])
                on_the_left = minute > 1200
                panel.plot(minute, peak, "v", color="#c0392b", markersize=5)
                panel.annotate(
                    short(event["reason_1"]),
                    (minute, peak),
                    xytext=(-6 if on_the_left else 6, 2),
                    textcoords="offset points",
                    ha="right" if on_the_left else "left",
                    fontsize=8,
                    color="#c0392b",
                )
        hours = range(0, 25, 3)
        panel.set_xticks([60 * hour for hour in hours], [f"{hour:02}:00" for hour in hours], fontsize=8)
        panel.set(xlim=(0, 1440), ylabel="surprise in nats")
        panel.set_xlabel(f"{first:%Y-%m-%d}", fontsize=9)
    panels[0].set_ylim(0, 1.15 * max(float(event["peak_surprise"]) for event in events))
    figure.tight_layout()
    figure.savefig(folder / "scores.png")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ordinary = oddrow.datasets.make_sensors(TRAINING_DAYS, random_state=0, start=f"{START:%Y-%m-%d}")
    first = START + timedelta(days=TRAINING_DAYS)
    later = oddrow.datasets.make_sensors(LATER_DAYS, events_per_day=4, random_state=1, start=f"{first:%Y-%m-%d}")
    pyarrow.csv.write_csv(ordinary.table, folder / "ordinary.csv")
    pyarrow.csv.write_csv(later.table, folder / "later.csv")
    run(folder, "fit", "ordinary.csv", "--windows", "16", "--time", "at", "-o", "machine.oddrow", "--force")
    words = ("-m", "machine.oddrow", "-o", "scores.csv", "--events", "events.csv", "--force")
    run(folder, "score", "later.csv", *words)

    events = read(folder / "events.csv")
    print("\nThe strongest events:")
    for event in sorted(events, key=lambda event: -float(event["peak_surprise"]))[:8]:
        rows = range(int(event["first_row"]) - 1, int(event["last_row"]))
        start = rows.start - 15  # the first window of the event begins there
        planted = [one for one in later.events if one.start < rows.stop and start < one.stop]
        truth = ", ".join(f"{one.kind} of {one.column}" for one in planted) or "nothing planted"
        print(f"{event['start']} to {event['end'][-8:]}, {float(event['peak_surprise']):.1f} nats ({truth})")
        for name in ("reason_1", "reason_2"):
            print(f"    {event[name]}")
    try:
        draw(folder, later)
    except ImportError:
        print("no picture: install matplotlib with python -m pip install 'oddrow[plot]'")
    else:
        print(f"\nwrote {folder / 'scores.png'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "sensors"))

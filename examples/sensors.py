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
    words = reason.split(" over the last")[0].split(",")[0]
    return words.replace("standard deviation", "std").replace("mean absolute step", "step")


def strongest(events: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(events, key=lambda event: -float(event["peak_surprise"]))[:8]


def minutes_since(first: datetime, time: str) -> float:
    return (datetime.fromisoformat(time) - first).total_seconds() / 60


def label_height(
    minute: float, peak: float, words: str, others: list[tuple[float, float, float]], step: float
) -> float:
    """Return a height for a label at which it covers no other one, and remember where it is."""
    first, last, height = minute - 10, minute + 20 + 8.5 * len(words), peak + 0.6 * step
    while any(first < end and start < last and abs(height - at) < step for start, end, at in others):
        height += step / 4
    others.append((first, last, height))
    return height


def draw(folder: Path, later: oddrow.datasets.Sensors) -> None:
    """Draw each later day: surprise and threshold, planted events shaded, the strongest events found with a reason."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    blue, red, yellow = "#1f4e79", "#c0392b", "#f9dca0"
    scores, events = read(folder / "scores.csv"), read(folder / "events.csv")
    surprise = [float(row["surprise"]) if row["surprise"] else float("nan") for row in scores]
    threshold = -oddrow.load(folder / "machine.oddrow").offset_
    highest = 1.25 * max(float(event["peak_surprise"]) for event in events)
    figure, panels = plt.subplots(LATER_DAYS, 1, figsize=(10, 3.2 * LATER_DAYS), dpi=110)
    for day, panel in enumerate(panels):
        first_row, first = 1440 * day, START + timedelta(days=TRAINING_DAYS + day)
        for event in later.events:
            start, stop = event.start - first_row, event.stop - first_row
            if 0 <= start < 1440:
                panel.axvspan(start, stop, color=yellow, linewidth=0, label="planted event, with its kind and sensor")
                panel.text((start + stop) / 2, 1.02 * highest, f"{event.kind}\n{event.column}", ha="center", fontsize=8)
        panel.plot(surprise[first_row : first_row + 1440], color=blue, linewidth=0.8, label="surprise of a window")
        panel.axhline(threshold, color="#555555", linewidth=0.9, linestyle="--", label="threshold")
        labels: list[tuple[float, float, float]] = []
        for found in strongest(events):
            minute, peak = minutes_since(first, found["peak"]), float(found["peak_surprise"])
            if 0 <= minute < 1440:
                panel.plot(minute, peak, "v", color=red, markersize=5, label="event found, with its first reason")
                words = short(found["reason_1"])
                left = min(minute, 1420 - 8.5 * len(words))
                height = label_height(left, peak, words, labels, 0.075 * highest)
                panel.text(left, height, words, fontsize=8, color=red, va="center")
        hours = range(0, 25, 3)
        panel.set_xticks([60 * hour for hour in hours], [f"{hour:02}:00" for hour in hours])
        panel.set(xlim=(0, 1440), ylim=(0, highest), ylabel="surprise in nats", xlabel=f"{first:%Y-%m-%d}")
    handles, names = panels[0].get_legend_handles_labels()
    once = dict(zip(names, handles, strict=True))
    figure.legend(once.values(), once.keys(), loc="lower center", ncols=len(once), fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.04, 1, 1))
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
    for event in strongest(events):
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

"""Tables as people have them, made up: an Excel export in German, network flows, a plant's export with a preamble.

Each function gives the bytes of ``n_rows`` rows from row ``first`` on, so that a next file continues the one before.
"""

from __future__ import annotations

import numpy as np

START = np.datetime64("2024-01-01T00:00:00", "s")


def german_excel(n_rows: int, first: int = 0) -> bytes:
    """Windows-1252, ``sep=;``, decimal commas, days as 31.12.2024, a running number, an empty column."""
    rng = np.random.default_rng(first)
    lines = ["sep=;", "Nr;Datum;Uhrzeit;Straße;Betrag;Anteil;Bemerkung;Leer"]
    for row in range(first, first + n_rows):
        moment = (START + 1_020 * row).item()
        amount = f"{rng.lognormal(6, 1):,.2f}".translate(str.maketrans(",.", ".,"))
        street, note = rng.choice(["Hauptstraße", "Größe", "Am Ring"]), rng.choice(["k.A.", "ok", "geprüft"])
        share = f"{rng.uniform(0, 100):.1f}".replace(".", ",")
        lines.append(f"{row + 1};{moment:%d.%m.%Y};{moment:%H:%M};{street};{amount} €;{share}%;{note};")
    return "\r\n".join(lines).encode("cp1252")


def network_flows(n_rows: int, first: int = 0) -> bytes:
    """Names with a leading blank, one of them twice, ``Infinity`` and ``NaN`` among numbers, a dash of Windows-1252."""
    rng = np.random.default_rng(first)
    lines = [" Destination Port, Flow Duration, Fwd Header Length,Flow Bytes/s, Fwd Header Length, Label"]
    for _ in range(n_rows):
        length = 20 * int(rng.poisson(5) + 1)
        speed = rng.choice([f"{rng.lognormal(5, 2):.6f}", "Infinity", "NaN"], p=[0.98, 0.01, 0.01])
        label = rng.choice(["BENIGN", "Web Attack \u2013 XSS"], p=[0.97, 0.03])
        port = rng.choice([80, 443, 53, 22, 8080])
        lines.append(f"{port},{int(rng.lognormal(8, 2))},{length},{speed},{length},{label}")
    return "\n".join(lines).encode("cp1252")


def plant_export(n_rows: int, first: int = 0) -> bytes:
    """Three lines before the header, a running number, one day as 9/25/2017, times with PM, five empty columns."""
    rng = np.random.default_rng(first)
    lines = ['"Export"', "Created: x", "", "Row,Date,Time,FIT,LIT,E1,E2,E3,E4,E5,PUMP"]
    for row in range(first, first + n_rows):
        moment = (np.datetime64("2017-09-25T18:00:00", "s") + row).item()
        values = f"{rng.normal(2, 0.1):.5f},{rng.normal(50, 1):.4f}"
        day, time = f"{moment.month}/{moment.day}/{moment.year}", f"{moment:%I:%M:%S.000 %p}"
        lines.append(f"{row + 1},{day},{time},{values},,,,,,{rng.choice([1, 2])}")
    return "\n".join(lines).encode()

"""Generator of a table of network connections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.datasets._draws import (
    MAX_DEVIATIONS,
    Array,
    draw,
    generator,
    truncated_normal,
    valid_kinds,
    valid_n_rows,
    valid_odd_share,
)
from oddrow.exceptions import SettingError

Reasons = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Connections:
    """A table of network connections, with labels and reasons for its rows."""

    table: pa.Table
    """The connections, one per row, in random order."""
    is_odd: npt.NDArray[np.bool_]
    """bool [n], read-only: True where a row was made odd."""
    reasons: tuple[Reasons, ...]
    """For each row, the columns that make it odd; empty for an ordinary row. A value that is strange by itself names
    its column alone; a value that is strange only in combination with another names both, the changed column first."""
    kinds: tuple[str | None, ...]
    """For each row its kind of oddness, one of ``ODDNESS_KINDS``, or None for an ordinary row."""


class _Profile(NamedTuple):
    """The distribution of connections of one service over one protocol.

    ``duration`` (seconds), ``sent`` and ``received`` (bytes) are medians.
    """

    service: str
    protocol: str
    share: float
    ports: tuple[int, int]  # usual, alternative
    states: tuple[float, ...]  # weights in the order of _STATES
    rhythm: str
    duration: float
    sent: float
    received: float
    spread: float  # decades of size per standard deviation
    encrypted: float
    internal: float
    logins: float  # failed logins expected per connection


_STATES = np.array(["SF", "S0", "REJ", "RSTO", "RSTR"])
_WEB, _PROBED = (0.93, 0.02, 0.01, 0.02, 0.02), (0.75, 0.08, 0.12, 0.03, 0.02)
_UDP, _PING, _ONE_WAY = (0.96, 0.04, 0, 0, 0), (0.9, 0.1, 0, 0, 0), (0, 1, 0, 0, 0)

_PROFILES = (
    _Profile("https", "tcp", 0.30, (443, 8443), _WEB, "office", 2.0, 2.5e3, 3e4, 0.6, 1, 0.2, 0),
    _Profile("http", "tcp", 0.15, (80, 8080), _WEB, "office", 0.8, 8e2, 1.2e4, 0.6, 0, 0.4, 0),
    _Profile("dns", "udp", 0.20, (53, 53), _UDP, "office", 0.03, 45, 150, 0.1, 0, 0.6, 0),
    _Profile("dns", "tcp", 0.01, (53, 53), _WEB, "office", 0.2, 90, 3e3, 0.3, 0, 0.6, 0),
    _Profile("smtp", "tcp", 0.06, (25, 587), _PROBED, "office", 3.0, 2e4, 4e2, 0.7, 0.7, 0.3, 0.05),
    _Profile("imaps", "tcp", 0.05, (993, 993), _WEB, "office", 60.0, 1.5e3, 2e4, 0.6, 1, 0.2, 0.1),
    _Profile("ssh", "tcp", 0.05, (22, 2222), _PROBED, "admin", 300.0, 6e3, 9e3, 0.8, 1, 0.7, 0.3),
    _Profile("rdp", "tcp", 0.02, (3389, 3389), _PROBED, "admin", 900.0, 2e5, 5e6, 0.5, 1, 0.9, 0.2),
    _Profile("ftp", "tcp", 0.03, (21, 21), _PROBED, "office", 20.0, 3e5, 8e5, 0.8, 0.1, 0.3, 0.2),
    _Profile("rsync", "tcp", 0.015, (873, 873), _WEB, "nightly", 1200.0, 1e8, 1e5, 0.4, 0, 0.95, 0),
    _Profile("ntp", "udp", 0.04, (123, 123), _UDP, "always", 0.02, 48, 48, 0.0, 0, 0.5, 0),
    _Profile("snmp", "udp", 0.025, (161, 161), _UDP, "always", 0.01, 80, 240, 0.2, 0, 1, 0),
    _Profile("syslog", "udp", 0.02, (514, 514), _ONE_WAY, "always", 0.001, 220, 0, 0.2, 0, 1, 0),
    _Profile("ping", "icmp", 0.02, (0, 0), _PING, "always", 1.0, 64, 64, 0.05, 0, 0.5, 0),
    _Profile("ldap", "tcp", 0.006, (389, 389), _WEB, "office", 0.5, 4e2, 5e3, 0.4, 0.5, 1, 0.1),
    _Profile("whois", "tcp", 0.004, (43, 43), _WEB, "office", 0.4, 20, 2.5e3, 0.2, 0, 0, 0),
)

_FIRST_MONDAY = np.datetime64("2024-01-01T00:00:00", "s")
_HOUR = np.arange(168) % 24
_WEEKDAY = np.arange(168) < 120
_RHYTHMS: Mapping[str, Array] = {
    "always": np.ones(168),
    "office": (0.04 + np.exp(-(((_HOUR - 13) / 4.0) ** 2))) * np.where(_WEEKDAY, 1.0, 0.15),
    "admin": (_WEEKDAY & (_HOUR >= 7) & (_HOUR < 19)).astype(float),
    "nightly": ((_HOUR >= 1) & (_HOUR < 4)).astype(float),
}

_COUNTRIES = np.array(["DE", "FR", "NL", "GB", "US", "IN", "BR", "JP", "ZA", "NZ"])
_COUNTRY_WEIGHTS = np.array([[0.35, 0.12, 0.1, 0.1, 0.2, 0.04, 0.03, 0.03, 0.02, 0.01]])
_COUNTRY_ROUND_TRIP_MS = np.array([9.0, 18, 14, 24, 105, 130, 190, 240, 165, 290])

_MAX_BYTES_SENT = max(p.sent * 10 ** (MAX_DEVIATIONS * p.spread) for p in _PROFILES)
_ROUND_TRIP_SPREAD = 0.25
_MAX_ROUND_TRIP_MS = float(_COUNTRY_ROUND_TRIP_MS.max() * np.exp(MAX_DEVIATIONS * _ROUND_TRIP_SPREAD))
_MAX_FAILED_LOGINS = 4
_INTERFACE_VERSION = "v2"
_NEVER_MISSING = (
    *("started", "protocol", "service", "state", "source_port", "destination_port", "duration_s"),
    *("bytes_sent", "bytes_received", "packets", "failed_logins", "encrypted", "is_internal"),
)


@dataclass
class _Draft:
    """The table under construction: its columns, which may be changed, their missing values, and each row's profile."""

    columns: dict[str, Array]
    missing: dict[str, npt.NDArray[np.bool_]]
    profile: Array

    def table(self) -> pa.Table:
        return pa.table({name: pa.array(of, mask=self.missing.get(name)) for name, of in self.columns.items()})


def _of(profile: Array, trait: str) -> Array:
    return np.array([getattr(p, trait) for p in _PROFILES])[profile]


def _starts(profile: Array, rng: np.random.Generator) -> Array:
    rhythm = np.array([list(_RHYTHMS).index(p.rhythm) for p in _PROFILES])[profile]
    hour = rng.integers(4, size=len(profile)) * 168 + draw(np.stack(list(_RHYTHMS.values())), rhythm, rng)
    return _FIRST_MONDAY + hour * 3600 + rng.integers(3600, size=len(profile))


def _sizes(profile: Array, protocol: Array, state: Array, rng: np.random.Generator) -> dict[str, Array]:
    n_rows = len(profile)
    spread = _of(profile, "spread")
    effort = truncated_normal(n_rows, rng)  # common factor that correlates duration, bytes and packets
    sent = _of(profile, "sent") * 10 ** (spread * effort)
    received = _of(profile, "received") * 10 ** (spread * (0.8 * effort + 0.6 * truncated_normal(n_rows, rng)))
    duration = _of(profile, "duration") * 10 ** (0.5 * (0.6 * effort + 0.8 * truncated_normal(n_rows, rng)))

    left = np.where(np.isin(state, ["RSTO", "RSTR"]), rng.uniform(0.05, 1.0, n_rows), 1.0)
    failed = np.isin(state, ["S0", "REJ"])
    unopened = failed & (protocol == "tcp")  # TCP sends no payload before the handshake is done
    sent = np.rint(np.where(unopened, 0, sent * left)).astype(np.int64)
    received = np.rint(np.where(failed, 0, received * left)).astype(np.int64)
    duration = np.where(state == "REJ", 0.001 * (1 + rng.random(n_rows)), duration * left)

    payload = rng.uniform(700, 1400, n_rows)
    packets = np.ceil(sent / payload) + np.ceil(received / payload)
    packets += np.where(unopened, rng.integers(1, 4, n_rows), np.where(protocol == "tcp", 6, 0))
    return {
        "duration_s": np.round(duration, 6),
        "bytes_sent": sent,
        "bytes_received": received,
        "packets": packets.astype(np.int64),
    }


def _ordinary(profile: Array, succeeded: Array, rng: np.random.Generator) -> _Draft:
    """Draw an ordinary row for each entry of ``profile`` [n]; where ``succeeded`` [n] is True, its state is success."""
    n_rows = len(profile)
    protocol = _of(profile, "protocol")
    state = _STATES[np.where(succeeded, 0, draw(np.array([p.states for p in _PROFILES]), profile, rng))]
    alternative = (rng.random(n_rows) < 0.08).astype(np.intp)
    ephemeral = rng.integers(32768, 61000, n_rows)
    is_internal = rng.random(n_rows) < _of(profile, "internal")
    place = draw(_COUNTRY_WEIGHTS, np.zeros(n_rows, dtype=np.intp), rng)
    round_trip = np.where(is_internal, 0.6, _COUNTRY_ROUND_TRIP_MS[place])
    failed_logins = np.minimum(rng.poisson(_of(profile, "logins")), _MAX_FAILED_LOGINS)
    failed = np.isin(state, ["S0", "REJ"])
    columns = {
        "started": _starts(profile, rng),
        "protocol": protocol,
        "service": _of(profile, "service"),
        "state": state,
        "source_port": np.where(protocol == "icmp", 0, ephemeral),
        "destination_port": _of(profile, "ports")[np.arange(n_rows), alternative],
        **_sizes(profile, protocol, state, rng),
        "failed_logins": np.where(failed, 0, failed_logins),
        "encrypted": rng.random(n_rows) < _of(profile, "encrypted"),
        "is_internal": is_internal,
        "country": _COUNTRIES[place],
        "round_trip_ms": np.round(round_trip * np.exp(_ROUND_TRIP_SPREAD * truncated_normal(n_rows, rng)), 3),
        "interface_version": np.full(n_rows, _INTERFACE_VERSION),
    }
    missing = {name: np.zeros(n_rows, dtype=bool) for name in _NEVER_MISSING}
    missing["country"] = is_internal | (rng.random(n_rows) < 0.03)
    missing["round_trip_ms"] = (protocol == "udp") | failed
    return _Draft(columns, missing, profile)


_NewValues = Callable[[Array, Array, np.random.Generator], Array]
"""A function that returns new values [n] from a column's old values [n], the rows' profiles [n] and a generator."""


def _far_beyond(largest: float) -> _NewValues:
    return lambda old, _, rng: np.round(largest * 10 ** rng.uniform(1.5, 2.5, len(old)), 3)


def _port_of_another(_: Array, profile: Array, rng: np.random.Generator) -> Array:
    # The port belongs to another service of the same protocol, so that it contradicts only the row's service.
    weights = np.array(
        [[float(q.protocol == p.protocol and q.service != p.service) for q in _PROFILES] for p in _PROFILES]
    )
    weights[~weights.any(axis=1)] = 1.0  # ICMP has no other service; this function is never called for its rows
    return _of(draw(weights, profile, rng), "ports")[:, 0]


def _at_night(started: Array, _: Array, rng: np.random.Generator) -> Array:
    since_midnight = rng.integers(2 * 3600, 5 * 3600, len(started)).astype("timedelta64[s]")
    night: Array = started.astype("datetime64[D]") + since_midnight
    return night


class _Kind(NamedTuple):
    """One kind of oddness, and the ordinary rows that it can be made from."""

    reasons: Reasons  # the changed column first
    # how new values are made, or a list to draw them from; None removes the value of one of `reasons`, drawn per row
    strange: _NewValues | Sequence[object] | None
    fits: Callable[[_Profile], bool] = lambda _: True
    # whether only a successful connection is changed; in a failed one the new value would contradict other columns too
    succeeded: bool = False


_KINDS: dict[str, _Kind] = {
    "huge_transfer": _Kind(("bytes_sent",), _far_beyond(_MAX_BYTES_SENT), lambda p: p.received > 0, True),
    "wrong_port": _Kind(("destination_port", "service"), _port_of_another, lambda p: p.protocol != "icmp"),
    "unseen_service": _Kind(("service",), ("telnet", "irc", "gopher", "x11")),
    "missing_value": _Kind(_NEVER_MISSING, None),
    # No service that uses TCP also uses ICMP, and only a TCP connection can be reset.
    "odd_combination": _Kind(("protocol", "service"), ("icmp",), lambda p: p.protocol == "tcp", True),
    "impossible_state": _Kind(
        ("state", "protocol"), ("RSTO", "RSTR"), lambda p: p.protocol != "tcp" and p.received > 0, True
    ),
    "night_access": _Kind(("started", "service"), _at_night, lambda p: p.rhythm == "admin"),
    "login_storm": _Kind(("failed_logins",), range(40, 400), lambda p: p.logins > 0, True),
    "constant_changed": _Kind(("interface_version",), ("v1", "v3")),
    "plaintext": _Kind(("encrypted", "service"), (False,), lambda p: p.encrypted == 1),
    "slow_reply": _Kind(("round_trip_ms",), _far_beyond(_MAX_ROUND_TRIP_MS), lambda p: p.protocol != "udp", True),
}

ODDNESS_KINDS: tuple[str, ...] = tuple(_KINDS)
"""Every kind of oddness that :func:`make_connections` can make."""


def _make_odd(draft: _Draft, rows: Array, kind: _Kind, rng: np.random.Generator) -> list[Reasons]:
    """Make the ordinary rows numbered ``rows`` odd, in place, and return the reasons of each."""
    if kind.strange is None:
        lost = rng.integers(len(kind.reasons), size=len(rows))
        for number, name in enumerate(kind.reasons):
            draft.missing[name][rows[lost == number]] = True
        return [(kind.reasons[number],) for number in lost.tolist()]
    values = draft.columns[kind.reasons[0]]
    if callable(kind.strange):
        values[rows] = kind.strange(values[rows], draft.profile[rows], rng)
    else:
        values[rows] = rng.choice(np.array(kind.strange), len(rows))
    return [kind.reasons] * len(rows)


def make_connections(
    n_rows: int,
    odd_share: float = 0.02,
    kinds: Iterable[str] | None = None,
    random_state: int | np.random.Generator | None = None,
    *,
    weeks_later: int = 0,
) -> Connections:
    """Generate a table of network connections in which every odd row, and the reason for it, is known.

    Ordinary rows are independent draws from one joint distribution. The service determines ports, sizes, hours and
    encryption, the state determines which values are missing, and the country determines the round trip. An odd row
    is an ordinary row in which one value was changed to a value that no ordinary row can have there.

    Parameters
    ----------
    n_rows
        Number of rows, at least 1.
    odd_share
        Share of odd rows, from 0 to 1; exactly ``round(n_rows * odd_share)`` rows are odd, in random places.
    kinds
        Which of ``ODDNESS_KINDS`` occur, in any order and with equal probability; None means all.
    random_state
        A seed (the same seed gives the same table), a generator to draw from, or None for a new random table.
    weeks_later
        Number of weeks by which all start times are shifted. With 0 the connections start in the four weeks from
        2024-01-01 on; with 4 they start in the four weeks after those.

    Raises
    ------
    SettingError
        If an argument is not valid; the message says which values are.

    Examples
    --------
    >>> made = make_connections(500, odd_share=0.01, kinds=["plaintext"], random_state=0)
    >>> made.table.num_rows, int(made.is_odd.sum())
    (500, 5)
    >>> row = int(made.is_odd.argmax())
    >>> made.kinds[row], made.reasons[row], made.table["encrypted"][row].as_py()
    ('plaintext', ('encrypted', 'service'), False)

    """
    n_rows = valid_n_rows(n_rows)
    n_odd = round(n_rows * valid_odd_share(odd_share))
    names = valid_kinds(kinds, ODDNESS_KINDS)
    if not isinstance(weeks_later, int) or isinstance(weeks_later, bool):
        raise SettingError(f"weeks_later is {weeks_later!r}: give a whole number of weeks, such as 4")
    rng = generator(random_state)

    odd_rows = rng.permutation(n_rows)[:n_odd]
    kind_of_row = np.full(n_rows, len(names))  # len(names) means ordinary
    kind_of_row[odd_rows] = rng.integers(len(names), size=n_odd)
    # The profile of an odd row is drawn among those that its kind allows, so that no kind has too few rows.
    fits = [_KINDS[name].fits for name in names] + [lambda _: True]
    shares = np.array([[p.share if fit(p) else 0.0 for p in _PROFILES] for fit in fits])
    succeeded = np.array([_KINDS[name].succeeded for name in names] + [False])
    draft = _ordinary(draw(shares, kind_of_row, rng), succeeded[kind_of_row], rng)
    draft.columns["started"] = draft.columns["started"] + np.timedelta64(7 * weeks_later, "D")

    reasons: list[Reasons] = [()] * n_rows
    kind_names: list[str | None] = [None] * n_rows
    for code, name in enumerate(names):
        rows = np.flatnonzero(kind_of_row == code)
        for row, why in zip(rows.tolist(), _make_odd(draft, rows, _KINDS[name], rng), strict=True):
            reasons[row], kind_names[row] = why, name
    is_odd = kind_of_row < len(names)
    is_odd.flags.writeable = False
    return Connections(draft.table(), is_odd, tuple(reasons), tuple(kind_names))

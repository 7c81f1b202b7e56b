"""Generator of a month of card payments."""

from __future__ import annotations

from collections.abc import Iterable
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
class CardPayments:
    """A month of card payments, with labels and reasons for its rows."""

    table: pa.Table
    """The payments, one per row, in the order of time."""
    is_odd: npt.NDArray[np.bool_]
    """bool [n], read-only: True where a row was made odd."""
    reasons: tuple[Reasons, ...]
    """For each row, the columns that make it odd, the changed column first; empty for an ordinary row."""
    kinds: tuple[str | None, ...]
    """For each row its kind of oddness, one of ``PAYMENT_ODDNESS_KINDS``, or None for an ordinary row."""


class _Category(NamedTuple):
    """The distribution of payments in one category of merchants."""

    name: str
    share: float  # of all payments
    amount: float  # median, in the merchant's currency
    spread: float  # standard deviation of ln(amount)
    hours: tuple[float, float]  # mean and standard deviation of the time of day
    on_sundays: float  # payments on a Sunday, relative to another day
    online: float  # share of payments made online


class _Merchant(NamedTuple):
    memo: str  # a # stands for a random number of four digits
    category: str
    weight: float  # relative frequency among the merchants of its category
    country: str = "DE"
    currency: str = "EUR"
    level: float = 1.0  # median amount, relative to the category's median


_CATEGORIES = (
    _Category("grocery", 0.34, 27.0, 0.55, (15.0, 3.5), 0.03, 0.0),
    _Category("restaurant", 0.14, 24.0, 0.50, (17.0, 3.5), 1.0, 0.0),
    _Category("fuel", 0.09, 62.0, 0.30, (14.0, 4.5), 0.8, 0.0),
    _Category("drugstore", 0.09, 14.0, 0.50, (15.0, 3.0), 0.03, 0.05),
    _Category("transport", 0.08, 9.0, 0.60, (12.0, 5.0), 0.7, 0.5),
    _Category("online_shop", 0.09, 38.0, 0.70, (18.5, 3.5), 1.1, 1.0),
    _Category("clothing", 0.05, 55.0, 0.55, (15.5, 2.5), 0.05, 0.3),
    _Category("electronics", 0.025, 190.0, 0.80, (16.0, 3.0), 0.3, 0.5),
    _Category("travel", 0.015, 320.0, 0.60, (19.0, 3.5), 1.0, 0.9),
    _Category("apps", 0.02, 1.6, 0.35, (19.0, 4.0), 1.2, 1.0),
    _Category("subscription", 0.06, 11.0, 0.0, (4.0, 0.6), 1.0, 1.0),
)

_MERCHANTS = (
    _Merchant("REWE SAGT DANKE #", "grocery", 10),
    _Merchant("EDEKA MARKT # BERLIN", "grocery", 8),
    _Merchant("LIDL DIENSTLEISTUNG #", "grocery", 8),
    _Merchant("ALDI NORD FIL #", "grocery", 7, level=0.9),
    _Merchant("NETTO MARKEN-DISCOUNT #", "grocery", 4, level=0.8),
    _Merchant("KAUFLAND # HAMBURG", "grocery", 3, level=1.5),
    _Merchant("BIO COMPANY # BERLIN", "grocery", 1, level=1.3),
    _Merchant("PENNY SAGT DANKE #", "grocery", 3, level=0.8),
    _Merchant("L'OSTERIA # HAMBURG", "restaurant", 4),
    _Merchant("VAPIANO SE FILIALE #", "restaurant", 3),
    _Merchant("MCDONALDS # KOELN", "restaurant", 6, level=0.5),
    _Merchant("BURGER KING #", "restaurant", 4, level=0.5),
    _Merchant("BACKWERK FIL. #", "restaurant", 4, level=0.3),
    _Merchant("RISTORANTE DA MARIO #", "restaurant", 1, level=1.6),
    _Merchant("LE PETIT BISTRO PARIS #", "restaurant", 0.5, "FR", level=1.2),
    _Merchant("PRET A MANGER LONDON #", "restaurant", 0.5, "GB", "GBP", 0.5),
    _Merchant("ARAL STATION #", "fuel", 5),
    _Merchant("SHELL # AUTOHOF", "fuel", 5),
    _Merchant("ESSO STATION # BONN", "fuel", 3),
    _Merchant("JET TANKSTELLE #", "fuel", 3, level=0.9),
    _Merchant("MIGROL # ZUERICH", "fuel", 0.5, "CH", "CHF", 1.2),
    _Merchant("DM-DROGERIE MARKT #", "drugstore", 6),
    _Merchant("ROSSMANN # SAGT DANKE", "drugstore", 5),
    _Merchant("MUELLER HANDELS #", "drugstore", 2, level=1.4),
    _Merchant("APOTHEKE AM MARKT #", "drugstore", 1, level=1.5),
    _Merchant("BVG APP TICKET #", "transport", 5, level=0.5),
    _Merchant("DB VERTRIEB GMBH #", "transport", 4, level=3.0),
    _Merchant("HVV AUTOMAT #", "transport", 3, level=0.6),
    _Merchant("TFL TRAVEL CHARGE #", "transport", 0.6, "GB", "GBP", 0.8),
    _Merchant("SBB CFF FFS #", "transport", 0.6, "CH", "CHF", 2.0),
    _Merchant("AMZN MKTP DE*#", "online_shop", 10, "LU"),
    _Merchant("PAYPAL *EBAY #", "online_shop", 5, "LU"),
    _Merchant("ZALANDO SE ORDER #", "online_shop", 4, level=1.6),
    _Merchant("OTTO.DE BESTELLUNG #", "online_shop", 2, level=1.5),
    _Merchant("ETSY IRELAND #", "online_shop", 1, "IE", level=0.8),
    _Merchant("H+M # DANKT", "clothing", 4, level=0.8),
    _Merchant("C+A MODE #", "clothing", 3, level=0.8),
    _Merchant("PRIMARK # KOELN", "clothing", 3, level=0.6),
    _Merchant("PEEK+CLOPPENBURG #", "clothing", 1, level=2.0),
    _Merchant("MEDIA MARKT #", "electronics", 4),
    _Merchant("SATURN ELECTRO #", "electronics", 3),
    _Merchant("NOTEBOOKSBILLIGER.DE #", "electronics", 1, level=2.0),
    _Merchant("LUFTHANSA TICKET #", "travel", 2),
    _Merchant("BOOKING.COM HOTEL #", "travel", 3, "NL", level=0.8),
    _Merchant("AIRBNB * #", "travel", 2, "IE", level=0.7),
    _Merchant("APPSTORE ITEM #", "apps", 3, "IE"),
    _Merchant("GOOGLE PLAY GAMES #", "apps", 3, "IE"),
    _Merchant("NETFLIX.COM", "subscription", 1, "NL", level=1.2),
    _Merchant("SPOTIFY AB", "subscription", 1, "SE", level=1.0),
    _Merchant("AMAZON PRIME MEMBERSHIP", "subscription", 1, "LU", level=0.8),
    _Merchant("FITX STUDIO BEITRAG", "subscription", 1, level=2.3),
)

_N_CARDS = 400
_CATEGORY_NAMES = [category.name for category in _CATEGORIES]
_CATEGORY_OF = np.array([_CATEGORY_NAMES.index(merchant.category) for merchant in _MERCHANTS])
_WEIGHT_IN_CATEGORY = np.array([merchant.weight for merchant in _MERCHANTS])
_WEIGHT_IN_CATEGORY /= np.bincount(_CATEGORY_OF, _WEIGHT_IN_CATEGORY)[_CATEGORY_OF]
_SHARE = np.array([category.share for category in _CATEGORIES])[_CATEGORY_OF] * _WEIGHT_IN_CATEGORY
_AMOUNT = np.array([category.amount for category in _CATEGORIES])[_CATEGORY_OF]
_AMOUNT *= [merchant.level for merchant in _MERCHANTS]
_SPREAD = np.array([category.spread for category in _CATEGORIES])[_CATEGORY_OF]
_LARGEST = np.zeros(len(_CATEGORIES))
np.maximum.at(_LARGEST, _CATEGORY_OF, _AMOUNT * np.exp(MAX_DEVIATIONS * _SPREAD))
_HOUR = np.arange(24)
_HOURS = np.stack(
    [np.exp(-0.5 * ((_HOUR + 0.5 - mean) / deviation) ** 2) for mean, deviation in (c.hours for c in _CATEGORIES)]
)
_MAX_CONTACTLESS = 50.0
_SCRIPTS = str.maketrans("ABCEHKMOPTX", "АВСЕНКМОРТХ")  # noqa: RUF001 - Cyrillic letters that look like Latin ones
_SENTENCE = (
    ("Hallo,", "Danke!", "Achtung:", "bitte", "Liebe Oma,"),
    ("gib es an", "nur an", "sofort fuer", "das Geld von", "wie gesagt:"),
    ("senden", "(eilt)", "zurueck", "weiter", "...", "!!"),
)

PAYMENT_ODDNESS_KINDS = ("huge_amount", "wrong_category", "odd_memo", "burst")
"""Every kind of oddness that :func:`make_card_payments` can make."""
_BURST_ROWS, _BURST_SECONDS = 25, 300
_MADE_FROM = {
    # Left out: travel and electronics, where a large amount is ordinary, and subscriptions, whose amounts never vary.
    "huge_amount": ("grocery", "restaurant", "fuel", "drugstore", "transport", "clothing"),
    "burst": ("apps",),
}


@dataclass
class _Draft:
    """The table under construction: its columns, which may be changed, and the merchant of each row."""

    columns: dict[str, Array]
    merchant: Array


def _times(category: Array, month: np.datetime64, rng: np.random.Generator) -> Array:
    """Draw timestamps: the hour from the category's distribution, the day uniformly except for Sundays."""
    days = np.arange(month.astype("datetime64[D]"), (month + 1).astype("datetime64[D]"))
    is_sunday = (days.astype(np.int64) + 3) % 7 == 6  # 1970-01-01 is a Thursday
    weights = np.where(is_sunday, [[c.on_sundays] for c in _CATEGORIES], 1.0)
    day, hour = draw(weights, category, rng), draw(_HOURS, category, rng)
    times: Array = days[day].astype("datetime64[s]") + hour * 3600 + rng.integers(3600, size=len(category))
    return times


def _ordinary(merchant: Array, month: np.datetime64, rng: np.random.Generator) -> _Draft:
    """Draw an ordinary payment for each merchant [n]."""
    n_rows, category = len(merchant), _CATEGORY_OF[merchant]
    # Cards differ in how often and how much they pay. A generator of fixed seed makes the cards the same for all seeds.
    habits = np.random.default_rng(0)
    frequency, level = habits.gamma(2.0, size=_N_CARDS), np.exp(0.15 * truncated_normal(_N_CARDS, habits))
    card = draw(frequency[None], np.zeros(n_rows, np.intp), rng)
    is_fixed = _SPREAD[merchant] == 0
    variation = level[card] * np.exp(_SPREAD[merchant] * truncated_normal(n_rows, rng))
    amount = _AMOUNT[merchant] * np.where(is_fixed, 1.0, variation)
    amount = np.maximum(np.round(np.minimum(amount, _LARGEST[category]), 2), 0.05)
    online = rng.random(n_rows) < np.array([c.online for c in _CATEGORIES])[category]
    is_contactless = (amount <= _MAX_CONTACTLESS) & (rng.random(n_rows) < 0.85)
    number = np.char.zfill(rng.integers(1, 10_000, n_rows).astype(str), 4)
    memo = [_MERCHANTS[of].memo.replace("#", own) for of, own in zip(merchant.tolist(), number.tolist(), strict=True)]
    columns = {
        "timestamp": _times(category, month, rng),
        "card_id": np.array([f"card-{index:03d}" for index in range(_N_CARDS)])[card],
        "merchant_category": np.array(_CATEGORY_NAMES)[category],
        "memo": np.array(memo, dtype=object),
        "amount": amount,
        "currency": np.array([one.currency for one in _MERCHANTS])[merchant],
        "country": np.array([one.country for one in _MERCHANTS])[merchant],
        "channel": np.where(online, "online", np.where(is_contactless, "contactless", "chip")),
    }
    return _Draft(columns, merchant)


def _huge_amount(draft: _Draft, rows: Array, rng: np.random.Generator) -> None:
    largest = _LARGEST[_CATEGORY_OF[draft.merchant[rows]]]
    draft.columns["amount"][rows] = np.round(largest * 2 * 5 ** rng.random(len(rows)), 2)
    # a large amount is never paid contactless, so that the channel does not become a second reason
    channel = draft.columns["channel"]
    channel[rows[channel[rows] == "contactless"]] = "chip"


def _wrong_category(draft: _Draft, rows: Array, rng: np.random.Generator) -> None:
    # the other categories are drawn as often as they occur, so that the category by itself is ordinary
    weights = np.tile([category.share for category in _CATEGORIES], (len(_CATEGORIES), 1))
    np.fill_diagonal(weights, 0.0)
    other = draw(weights, _CATEGORY_OF[draft.merchant[rows]], rng)
    draft.columns["merchant_category"][rows] = np.array(_CATEGORY_NAMES)[other]


def _odd_memo(draft: _Draft, rows: Array, rng: np.random.Generator) -> None:
    letters = np.array(list("BCDFGHJKLMNPQRSTVWXZ"))

    def word(size: int) -> str:
        return "".join(rng.choice(letters, size))

    memos = draft.columns["memo"]
    for row in rows.tolist():
        match int(rng.integers(5)):
            case 0:  # a web address
                memos[row] = f"HTTP://{word(6)}.TOP/{word(3)}{rng.integers(100)}"
            case 1:  # a hexadecimal reference
                memos[row] = f"{rng.integers(16**8):08x}-{rng.integers(16**4):04x}"
            case 2:  # a merchant's memo in which Latin letters are replaced by Cyrillic ones that look alike
                memos[row] = str(memos[row]).translate(_SCRIPTS)
            case 3:  # random letters
                memos[row] = f"{word(7)} {word(9)} {rng.integers(10_000):04d}"
            case _:  # a sentence
                greeting, request, ending = (str(rng.choice(phrases)) for phrases in _SENTENCE)
                memos[row] = f"{greeting} {request} {word(6).capitalize()} {word(5).lower()} {ending}"


def _burst(draft: _Draft, rows: Array, rng: np.random.Generator) -> None:
    columns = draft.columns
    for start in range(0, len(rows), _BURST_ROWS):
        several = rows[start : start + _BURST_ROWS]
        seconds = np.sort(rng.integers(_BURST_SECONDS, size=len(several)))
        columns["timestamp"][several] = columns["timestamp"][several[0]] + seconds
        columns["card_id"][several] = columns["card_id"][several[0]]


_CHANGES = {"huge_amount": _huge_amount, "wrong_category": _wrong_category, "odd_memo": _odd_memo, "burst": _burst}
_REASONS: dict[str, Reasons] = {
    "huge_amount": ("amount", "merchant_category"),
    "wrong_category": ("merchant_category", "memo"),
    "odd_memo": ("memo",),
    "burst": ("timestamp", "card_id"),
}


def make_card_payments(
    n_rows: int = 20_000,
    odd_share: float = 0.005,
    kinds: Iterable[str] | None = None,
    random_state: int | np.random.Generator | None = None,
    month: str = "2024-03",
) -> CardPayments:
    """Generate a month of card payments in which every odd row, and the reason for it, is known.

    Ordinary rows are independent draws from one joint distribution, sorted by time. The merchant determines category,
    memo, country, currency and the usual amount; the category determines the spread of the amount, the hour and the
    channel. Most memos are the name of a shop with a random number, such as ``REWE SAGT DANKE 4821``; 6 % of the rows
    are four subscriptions whose memo never changes, such as ``NETFLIX.COM``. The 400 cards and the merchants are the
    same for every seed and every month, so a model fitted to one month can score a later one.

    An odd row is an ordinary row that was changed:

    - ``huge_amount``: 2 to 10 times the largest amount that is possible in the row's category.
    - ``wrong_category``: the category of another merchant.
    - ``odd_memo``: a memo unlike all others, in its pattern or its letters.
    - ``burst``: 25 payments of one card for apps within five minutes (the last burst may be smaller). Each such row
      by itself is ordinary: only a method that compares several rows can find it.

    Parameters
    ----------
    n_rows
        Number of rows, at least 1.
    odd_share
        Share of odd rows, from 0 to 1; exactly ``round(n_rows * odd_share)`` rows are odd.
    kinds
        Which of ``PAYMENT_ODDNESS_KINDS`` occur, in any order; None means all. Their numbers of rows differ by one at
        most.
    random_state
        A seed (the same seed gives the same table), a generator to draw from, or None for a new random table.
    month
        Year and month of the payments, such as "2024-03".

    Raises
    ------
    SettingError
        If an argument has no meaning; the message says which values have.

    Examples
    --------
    >>> march = make_card_payments(2_000, random_state=0)
    >>> april = make_card_payments(2_000, random_state=1, month="2024-04")
    >>> march.table.num_rows, int(march.is_odd.sum())
    (2000, 10)
    >>> march.table["timestamp"][-1].as_py() < april.table["timestamp"][0].as_py()
    True
    >>> odd = make_card_payments(200, odd_share=0.01, kinds=["wrong_category"], random_state=0)
    >>> row = int(odd.is_odd.argmax())
    >>> odd.kinds[row], odd.reasons[row]
    ('wrong_category', ('merchant_category', 'memo'))

    """
    n_rows = valid_n_rows(n_rows)
    n_odd = round(n_rows * valid_odd_share(odd_share))
    names = valid_kinds(kinds, PAYMENT_ODDNESS_KINDS)
    first_day = _valid_month(month)
    rng = generator(random_state)

    kind_of_row = np.full(n_rows, len(names))  # len(names) means ordinary
    kind_of_row[rng.permutation(n_rows)[:n_odd]] = np.arange(n_odd) % len(names)
    # the merchant of an odd row is drawn among those that its kind allows, so that no kind has too few rows
    shares = np.stack([_shares(name) for name in names] + [_SHARE])
    draft = _ordinary(draw(shares, kind_of_row, rng), first_day, rng)
    reasons: list[Reasons] = [()] * n_rows
    kind_names: list[str | None] = [None] * n_rows
    for code, name in enumerate(names):
        rows = np.flatnonzero(kind_of_row == code)
        _CHANGES[name](draft, rows, rng)
        for row in rows.tolist():
            reasons[row], kind_names[row] = _REASONS[name], name
    order = np.argsort(draft.columns["timestamp"], kind="stable")
    is_odd = (kind_of_row < len(names))[order]
    is_odd.flags.writeable = False
    table = pa.table({name: pa.array(values[order]) for name, values in draft.columns.items()})
    return CardPayments(table, is_odd, tuple(reasons[row] for row in order), tuple(kind_names[row] for row in order))


def _shares(kind: str) -> Array:
    """Return the relative frequency of each merchant among odd rows of this kind, float64 [n_merchants]."""
    fits = np.isin(_CATEGORY_OF, [_CATEGORY_NAMES.index(name) for name in _MADE_FROM.get(kind, _CATEGORY_NAMES)])
    return np.where(fits, _SHARE, 0.0)


def _valid_month(month: str) -> np.datetime64:
    try:
        if isinstance(month, str) and len(month) == len("2024-03"):
            return np.datetime64(month, "M")
    except ValueError:
        pass
    raise SettingError(f"month is {month!r}: give a year and a month as '2024-03'")

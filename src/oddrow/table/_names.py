"""Column names: compared without surrounding blanks and in one Unicode form, and made unique."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence


def plain_name(name: str) -> str:
    """The form in which names are compared if no column has exactly the name: trimmed, in the Unicode form NFC.

    Examples
    --------
    >>> plain_name(" Label") == plain_name("Label")
    True
    """
    return unicodedata.normalize("NFC", name).strip()


def same_names(wanted: Iterable[str], present: Sequence[str]) -> dict[str, str]:
    """Map each wanted name to the present one: the equal one, or else the only one with the same :func:`plain_name`.

    Examples
    --------
    >>> same_names(["Label", "x", "y"], [" Label", "x"])
    {'Label': ' Label', 'x': 'x'}
    """
    exact = set(present)
    plain: dict[str, list[str]] = {}
    for name in present:
        plain.setdefault(plain_name(name), []).append(name)
    found = {}
    taken = {name for name in wanted if name in exact}
    for name in wanted:
        alike = [one for one in plain.get(plain_name(name), []) if one not in taken]
        if name in exact:
            found[name] = name
        elif len(alike) == 1:
            found[name] = alike[0]
            taken.add(alike[0])
    return found


def unrepeated(names: Sequence[str]) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Make names unique: repetitions of a name get ``.1``, ``.2`` and so on. Also map each new name to its old one.

    Examples
    --------
    >>> unrepeated(["a", "b", "a", "a"])
    (('a', 'b', 'a.1', 'a.2'), {'a.1': 'a', 'a.2': 'a'})
    """
    taken, renamed, seen = set(names), {}, set()
    given: list[str] = []
    for name in names:
        new, count = name, 0
        while new in seen or (count and new in taken):
            count += 1
            new = f"{name}.{count}"
        if count:
            renamed[new] = name
        seen.add(new)
        given.append(new)
    return tuple(given), renamed

"""From verdicts to a model: files are merged, kinds marked as false alarms become rules, labelled rows weights."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from oddrow.container import one_line
from oddrow.exceptions import DataError, SettingError
from oddrow.feedback._feedback import Feedback, ReportVerdicts
from oddrow.feedback._rules import MAX_RULES, MuteRule, kind_words
from oddrow.feedback._verdict_files import KindVerdict, RowVerdict, Verdict, VerdictFile
from oddrow.feedback._weighing import ReportRows, weighed
from oddrow.fitted import FittedModel

_CAREFUL: Final[Sequence[Verdict]] = ("false alarm", "unsure", "real")
"""Of different verdicts of the same time, the last of these wins."""
_Judged = TypeVar("_Judged", RowVerdict, KindVerdict)


@dataclass(frozen=True)
class Learned:
    """What verdicts changed.

    Attributes
    ----------
    model : the model with its feedback
    made : the rules that were made or made again
    taken_back : the rules whose kind is no false alarm any more
    notes : sentences about verdicts that made no rule, and about conflicts
    rows, kinds : number of verdicts on rows and on kinds, after files were merged
    """

    model: FittedModel
    made: tuple[MuteRule, ...]
    taken_back: tuple[MuteRule, ...]
    notes: tuple[str, ...]
    rows: int
    kinds: int


def learned(
    model: FittedModel,
    files: Sequence[VerdictFile],
    expires: dt.date | None = None,
    model_hash: str | None = None,
    rows: ReportRows | None = None,
    *,
    up_to: float | None = None,
    weighs: bool = True,
) -> Learned:
    """Return a model that takes verdicts into account; the given one is unchanged.

    Files are merged: of several verdicts on one row of a report, or on one kind, the latest counts. A kind marked as a
    false alarm becomes a mute rule, unless a row or another kind that the rule would hide is marked as real. A kind
    marked otherwise takes an earlier rule back. From verdicts on rows the weights of views and columns are learned, see
    :func:`oddrow.feedback._weighing.weighed`.

    Parameters
    ----------
    model
        A fitted model, with or without earlier feedback.
    files
        The verdicts, at least one file.
    expires
        The last day on which new rules are in force; None if they do not expire.
    model_hash
        SHA-256 of the model's file, to which the verdicts must belong; None if it is not known.
    rows
        The rows of the table of the report; None takes the values that the verdicts hold.
    up_to
        The largest surprise, in nats, of a row whose alert a new rule hides; None for every surprise.
    weighs
        Whether weights are learned from verdicts on rows.

    Raises
    ------
    DataError
        If verdicts belong to another model, or name a column that the model does not have.
    SettingError
        If there is no file, or there are too many rules.
    """
    if not files:
        raise SettingError("there are no verdicts; give at least one file of verdicts")
    before = model.feedback if isinstance(model.feedback, Feedback) else Feedback()
    _check_models(files, before, model_hash)
    _check_columns(files, model)
    judged, row_conflicts = _latest((file.report, row.row, row) for file in files for row in file.verdicts)
    kinds, kind_conflicts = _latest((kind.key, 0, kind) for file in files for kind in file.kinds)
    report_of = {id(kind): file.report for file in files for kind in file.kinds}
    rules, notes = _rules([(kind, report_of[id(kind)]) for kind in kinds], expires, up_to, judged)
    kept, taken_back = _earlier_rules(before, rules, judged, kinds)
    if len(kept) + len(rules) > MAX_RULES:
        raise SettingError(
            f"{len(kept) + len(rules):,} mute rules are more than the {MAX_RULES:,} that a model can have; mark fewer "
            "kinds, or begin again from the model without rules"
        )
    started_from = model_hash or next((file.model for file in files if file.model is not None), None)
    made_from = dict.fromkeys((*before.made_from, *([] if started_from is None else [started_from])))
    feedback = Feedback((*kept, *rules), _counted(before, files), tuple(made_from), before.labels)
    notes = [*_conflict_notes(row_conflicts, kind_conflicts), *notes]
    if model_hash is not None:
        unnamed = [file.name for file in files if file.model is None]
        notes += [f"{name} names no model file: only its columns were checked" for name in unnamed]
    changed = replace(model, feedback=feedback)
    if judged and not weighs:
        earlier = "; those learned before stay" if before.labels else ""
        notes.append(f"{_count(len(judged), 'verdict')} on rows changed no weights, as asked{earlier}")
    if weighs:
        file_of = {id(row): file for file in files for row in file.verdicts}
        found = weighed(model, feedback, [(file_of[id(row)], row) for row in judged], rows)
        changed, notes = found.model, [*notes, *found.notes]
    return Learned(changed, tuple(rules), tuple(taken_back), tuple(notes), len(judged), len(kinds))


def _rules(
    kinds: Sequence[tuple[KindVerdict, str]],
    expires: dt.date | None,
    up_to: float | None,
    judged: Sequence[RowVerdict],
) -> tuple[list[MuteRule], list[str]]:
    """Return the rules of the kinds, each with its report, that are false alarms, and why some of them get none."""
    every = [kind for kind, _ in kinds]
    rules: list[MuteRule] = []
    notes: list[str] = []
    for kind, report in kinds:
        if kind.verdict == "false alarm":
            found = _rule(kind, report, judged, every)
            if isinstance(found, MuteRule):
                rules.append(replace(found, expires=expires, up_to=up_to))
            else:
                notes.append(found)
    return rules, notes


def _earlier_rules(
    before: Feedback, rules: Sequence[MuteRule], judged: Sequence[RowVerdict], kinds: Sequence[KindVerdict]
) -> tuple[list[MuteRule], list[MuteRule]]:
    """Return the earlier rules that stay beside new ones, and those that verdicts take back."""
    renewed, keys = {rule.key for rule in rules}, {kind.key for kind in kinds}
    others = [rule for rule in before.rules if rule.key not in renewed]
    taken_back = [rule for rule in others if rule.key in keys or _hides_real(rule, judged, kinds) is not None]
    return [rule for rule in others if rule not in taken_back], taken_back


def _check_models(files: Sequence[VerdictFile], before: Feedback, model_hash: str | None) -> None:
    known = {*before.made_from, *([] if model_hash is None else [model_hash])}
    for file in files:
        if file.model is not None and model_hash is not None and file.model not in known:
            raise DataError(
                f"{file.name}: its verdicts belong to the model with SHA-256 {_short(file.model)}, and this model has "
                f"{_short(model_hash)}; give the model that the report was made with, or make a report with this one"
            )
    named = sorted({file.model for file in files if file.model is not None} - known)
    if model_hash is None and len(named) > 1:
        raise DataError(
            f"the verdicts belong to {len(named)} models ({', '.join(map(_short, named[:3]))}); give verdicts "
            "on reports of one model"
        )


def _check_columns(files: Sequence[VerdictFile], model: FittedModel) -> None:
    columns = {*model.encoding.names, ""}
    for file in files:
        places = [(f"kinds.{place}", kind.column) for place, kind in enumerate(file.kinds)]
        places += [
            (f"verdicts.{place}.kind", row.kind.column)
            for place, row in enumerate(file.verdicts)
            if row.kind is not None
        ]
        for place, column in places:
            if column not in columns:
                raise DataError(
                    f"{file.name}: {place}.column is {column[:80]!r}, and the model has no such column; give the model "
                    "that the report was made with"
                )


def _latest(judged: Iterable[tuple[object, object, _Judged]]) -> tuple[list[_Judged], int]:
    """Return the latest verdict on each row or kind, in the order of first mention, and how many had different ones."""
    found: dict[tuple[object, object], list[_Judged]] = {}
    for first, second, one in judged:
        found.setdefault((first, second), []).append(one)
    latest = [max(several, key=lambda one: (one.at, _CAREFUL.index(one.verdict))) for several in found.values()]
    return latest, sum(len({one.verdict for one in several}) > 1 for several in found.values())


def _conflict_notes(rows: int, kinds: int) -> list[str]:
    found = [f"{count} {what}{'' if count == 1 else 's'}" for count, what in ((rows, "row"), (kinds, "kind")) if count]
    return [f"{' and '.join(found)} had different verdicts; the latest counts"] if found else []


def _rule(kind: KindVerdict, report: str, rows: Sequence[RowVerdict], kinds: Sequence[KindVerdict]) -> MuteRule | str:
    """Return the mute rule of a kind that is a false alarm, or why it gets none."""
    words = kind_words(kind.key)
    if kind.direction == "whole" or not kind.column:
        return f"no rule for rows that are {words}: no column leads them, so a rule would hide unlike rows"
    rule = MuteRule(kind.column, kind.direction, kind.value, kind.at, report, kind.note, also=kind.also)
    real = _hides_real(rule, rows, kinds)
    return rule if real is None else f"no rule for {words}: {real}"


def _hides_real(rule: MuteRule, rows: Sequence[RowVerdict], kinds: Sequence[KindVerdict]) -> str | None:
    """Return what a rule would hide although it is marked as real, in words; None if there is nothing."""
    real = sum(row.verdict == "real" and row.kind is not None and rule.matches(row.kind.key) for row in rows)
    if real:
        return f"{_count(real, 'row')} of this kind {_are(real)} marked as real"
    others = [kind for kind in kinds if kind.verdict == "real" and rule.matches(kind.key)]
    return f"it would hide {kind_words(others[0].key)}, which is marked as real" if others else None


def _counted(before: Feedback, files: Sequence[VerdictFile]) -> tuple[ReportVerdicts, ...]:
    """Return the counts of verdicts by report; verdicts on a report that is known already replace its counts."""
    counts = {one.report: one for one in before.reports}
    for report in dict.fromkeys(file.report for file in files):
        own = [file for file in files if file.report == report]
        rows, _ = _latest((row.row, 0, row) for file in own for row in file.verdicts)
        kinds, _ = _latest((kind.key, 0, kind) for file in own for kind in file.kinds)
        of_rows, of_kinds = Counter(row.verdict for row in rows), Counter(kind.verdict for kind in kinds)
        order: tuple[Verdict, ...] = ("real", "false alarm", "unsure")
        counts[report] = ReportVerdicts(report, *(of_rows[one] for one in order), *(of_kinds[one] for one in order))
    return tuple(counts.values())


def _short(digest: str) -> str:
    """Return the beginning of a hash, as an error may quote it."""
    return one_line(digest[:12]) + "..."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"

"""A triage report in memory: what it shows, and the file that it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oddrow.report._page_file import page_of, write_page
from oddrow.report._triage import TriageSummary


@dataclass(frozen=True, eq=False)
class TriageReport:
    """A report of the scored rows of a table, see :meth:`oddrow.VAEDetector.report`.

    Attributes
    ----------
    summary : all that the report shows, as frozen values
    """

    summary: TriageSummary

    def __repr__(self) -> str:
        table, policy = self.summary.table, self.summary.policy
        return f"<TriageReport of {table.name}: {policy.alerts:,} of {table.scored:,} rows odd; {policy.promise}>"

    @property
    def html(self) -> str:
        """The file's text: one page that holds everything and requests nothing."""
        return page_of(self.summary).decode()

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the file, atomically, and return its path.

        Raises
        ------
        OutputError
            If the file exists and ``force`` is not set, or cannot be written.
        """
        write_page(self.summary, path, force=force)
        return Path(path)

// The rows that pass the filters as CSV (RFC 4180): alerts, or all rows if the table shows all.

import type { Session } from "./session";
import { LEVELS } from "./rows";

export function csvOf(session: Session): string {
  const { rows, summary, state, mask, verdicts } = session;
  const { cells, details, columns, kinds } = summary;
  const head = ["row", "surprise", "p_value", "is_alert", "kind", "reasons", "verdict", "note", ...cells.columns];
  const lines = [head.map(quoted).join(",")];
  for (let rank = 0; rank < rows.count; rank++) {
    const isAlert = session.isAlert(rank);
    if ((mask && !mask[rank]) || (state.scope === "alerts" && !isAlert)) continue;
    const detail = details[rank];
    const judged = verdicts.rows.get(rows.number[rank]);
    const reasons = (detail?.reasons ?? []).map(({ c, nats }) => `${columns[c].name} ${((100 * nats) / detail.surprise).toFixed(0)} %`);
    const values = cells.columns.map((_, place) => (rank < cells.rows ? (cells.values[place][rank] ?? "") : ""));
    const kind = detail && detail.kind >= 0 ? kinds[detail.kind].sentence : "";
    const line = [rows.number[rank], detail?.surprise ?? rows.level[rank] / LEVELS, detail?.p ?? "", isAlert, kind, reasons.join("; "), judged?.verdict ?? "", judged?.note ?? "", ...values];
    lines.push(line.map((value) => quoted(String(value))).join(","));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** A field in quotes where it needs them; a value that a spreadsheet would run as a formula begins with an apostrophe. */
function quoted(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) && !Number.isFinite(Number(value)) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

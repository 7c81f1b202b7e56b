// Which rows stand out, and why: the table of alerts, some rows a page, each with its reasons.

import { AlertList } from "./alert_list";
import { brief, button, cell, fill, h } from "./dom";
import { afterwards, perFrame, refill } from "./frame";
import { counted, grouped, natsText, percent } from "./numbers";
import { openedRow } from "./opened_row";
import { LEVELS } from "./rows";
import type { Session } from "./session";
import type { SortKey, State } from "./state";
import { refreshVerdicts, verdictControl } from "./verdict_control";

const MAX_IDS = 3;
const narrow = matchMedia("(max-width: 620px)");

/** The rows of a page of the table: few on a narrow screen, where the table does not scroll by itself. */
function pageSize(): number {
  return narrow.matches ? 15 : 50;
}

/** The number of columns in sight: page.css leaves identifiers and kinds out where the screen is narrow. */
function width(ids: string[]): number {
  return narrow.matches ? 4 : 5 + ids.length;
}

export function alertsPanel(session: Session): HTMLElement {
  const list = new AlertList(session);
  const count = h("p", { class: "count-line" });
  const body = h("tbody", { class: "rows" });
  const pager = h("div", { class: "pager screen-only", role: "group", "aria-label": "Pages of the table" });
  const ids = session.summary.table.ids.slice(0, MAX_IDS);
  const table = h("table", { class: "alerts" }, h("caption", { class: "unseen" }, "Rows in order, each with its reasons"), head(session, ids), body);
  const draw = perFrame(() => {
    const ranks = list.current();
    const size = pageSize();
    const page = Math.min(session.state.page, Math.max(Math.ceil(ranks.length / size) - 1, 0));
    const shown = [...ranks.subarray(page * size, (page + 1) * size)];
    fill(count, countLine(session, ranks.length));
    refill(body, ...(shown.length ? shown.flatMap((rank) => rowLines(session, rank, ids)) : [nothing(session, ids)]));
    refill(pager, ...pages(session, page, ranks.length));
  });
  let opened = 0;
  narrow.addEventListener("change", draw);
  session.store.follow((state, changed) => {
    if (changed("policy", "kind", "column", "area", "search", "scope", "sort", "down", "page", "open")) draw();
    if (state.open && state.open !== opened) turnTo(session, list, state.open);
    opened = state.open;
  });
  session.verdicts.follow(() => {
    refreshVerdicts(session, body);
    if (session.state.sort === "verdict") draw();
  });
  return h("div", { class: "alerts-box" }, filters(session), count, h("div", { class: "wide tall", role: "region", "aria-label": "Table of rows", tabindex: "0" }, table), pager);
}

/** Turn to the page of a row that was opened elsewhere, and bring it in sight. */
function turnTo(session: Session, list: AlertList, number: number): void {
  const page = list.pageOf(number, pageSize());
  if (page < 0) return;
  if (page !== session.state.page) session.store.set({ page });
  requestAnimationFrame(() => requestAnimationFrame(() => {
    document.querySelector(`[data-key="open-${number}"]`)?.closest("tr")?.scrollIntoView({ block: "nearest" });
  }));
}

function filters(session: Session): HTMLElement {
  const search = h("input", { type: "search", placeholder: "row, value, column, reason" });
  search.addEventListener("input", afterwards(150, () => session.store.set({ search: search.value.trim(), page: 0 })));
  const scope = h("select", {}, h("option", { value: "alerts" }, "alerts"), h("option", { value: "all" }, "all scored rows"));
  scope.addEventListener("change", () => session.store.set({ scope: scope.value as State["scope"], page: 0 }));
  session.store.follow((state, changed) => {
    if (changed("search") && search.value.trim() !== state.search) search.value = state.search;
    scope.value = state.scope;
  });
  return h("div", { class: "toolbar screen-only" }, h("label", { class: "inline" }, "Search ", search), h("label", { class: "inline" }, "Show ", scope));
}

function head(session: Session, ids: string[]): HTMLElement {
  const sortable = (key: SortKey, text: string, name: string): HTMLElement => {
    const shown = h("th", { scope: "col", class: name });
    session.store.follow(({ sort, down }, changed) => {
      if (!changed("sort", "down")) return;
      const own = sort === key;
      shown.setAttribute("aria-sort", own ? (down ? "descending" : "ascending") : "none");
      refill(shown, button(`${text}${own ? (down ? " ↓" : " ↑") : ""}`, () => session.store.set({ sort: key, down: own ? !down : key !== "row", page: 0 }), { class: "sort", "data-key": key }));
    });
    return shown;
  };
  return h("thead", {}, h("tr", {}, sortable("row", "Row", "row"), ...ids.map((id) => h("th", { scope: "col", class: "id" }, brief(id, 40))),
    sortable("surprise", "Surprise", "number"), h("th", { scope: "col", class: "why" }, "Why"), sortable("kind", "Kind", "of-kind"), sortable("verdict", "Verdict", "mark")));
}

function rowLines(session: Session, rank: number, ids: string[]): HTMLElement[] {
  const { rows, state, summary } = session;
  const number = rows.number[rank];
  const isOpen = state.open === number;
  const detail = summary.details[rank];
  const isAlert = session.isAlert(rank);
  const toggle = button(grouped(number), () => session.store.set({ open: isOpen ? 0 : number }), {
    class: "opener", "aria-expanded": String(isOpen), "data-key": `open-${number}`, "aria-label": `Row ${grouped(number)}: ${isOpen ? "close" : "open"}`,
  });
  const line = h("tr", { class: isOpen ? "line open" : "line" },
    h("th", { scope: "row", class: "row" }, toggle),
    ...ids.map((id) => h("td", { class: "id" }, idCell(session, id, rank))),
    h("td", { class: "number" }, natsText(detail?.surprise ?? rows.level[rank] / LEVELS), state.scope === "all" && h("span", { class: isAlert ? "tag alert" : "tag" }, isAlert ? "alert" : "not flagged")),
    h("td", { class: "why" }, why(session, rank)),
    h("td", { class: "of-kind" }, detail && detail.kind >= 0 ? kindButton(session, detail.kind, number) : h("span", { class: "missing" }, detail ? "none" : "")),
    h("td", { class: "mark" }, verdictControl(session, "rows", number)));
  line.addEventListener("click", (event) => {
    const selecting = (getSelection()?.toString() ?? "") !== "";
    if (!selecting && !(event.target as Element).closest("button")) session.store.set({ open: isOpen ? 0 : number });
  });
  return isOpen ? [line, h("tr", { class: "detail" }, h("td", { colspan: width(ids) }, openedRow(session, rank)))] : [line];
}

function idCell(session: Session, id: string, rank: number): HTMLElement | null {
  const { cells } = session.summary;
  const place = cells.columns.indexOf(id);
  return place < 0 || rank >= cells.rows ? null : cell(cells.values[place][rank], 40);
}

/** The strongest reasons in a line, and the parts of the surprise as one bar. */
function why(session: Session, rank: number): HTMLElement {
  const detail = session.summary.details[rank];
  if (!detail) return h("span", { class: "missing" }, "reasons are kept for the strangest rows only");
  const parts = detail.reasons.slice(0, 2).filter(({ nats }, place) => place === 0 || nats >= 0.1 * detail.surprise);
  const texts = parts.map(({ c, value, usual, expected, nats }) =>
    h("span", { class: "reason" }, brief(session.summary.columns[c].name, 40), session.summary.valuesHidden ? null : " ",
      session.summary.valuesHidden ? null : h("span", { class: "value" }, cell(value, 40)),
      h("span", { class: "share" }, ` ${percent(nats / detail.surprise)}`),
      usual || expected ? h("span", { class: "usual" }, " usual ", brief(usual ?? expected ?? "", 60)) : null));
  if (!texts.length) return h("span", { class: "reason" }, "the combination of columns", h("span", { class: "share" }, ` ${percent(detail.combination / detail.surprise)}`));
  return h("div", { class: "reasons" }, ...texts);
}

function kindButton(session: Session, kind: number, row: number): HTMLElement {
  return button(brief(session.kindText(kind), 60), () => session.store.set({ kind, page: 0 }), { class: "quiet", "data-key": `kind-${row}`, title: "Show only this kind" });
}

function countLine(session: Session, count: number): string {
  const { state, summary, decision } = session;
  const what = state.scope === "alerts" ? counted(count, "alert") : counted(count, "row");
  const filtered = session.mask || state.search ? ` of ${grouped(state.scope === "alerts" ? decision.alerts : session.rows.count)} ${count === 1 ? "matches" : "match"}` : "";
  const kept = count > summary.details.length && !session.mask ? `; reasons are kept for the strangest ${grouped(summary.details.length)} rows` : "";
  return `${what}${filtered}${kept}.`;
}

function nothing(session: Session, ids: string[]): HTMLElement {
  const { state } = session;
  const text = session.mask || state.search
    ? "No row passes the filters and the search. Take a filter off, or show all scored rows."
    : state.scope === "alerts" ? "No row is above the threshold. Lower it, or show all scored rows." : "No row was scored.";
  return h("tr", {}, h("td", { colspan: width(ids), class: "empty" }, text));
}

function pages(session: Session, page: number, count: number): (Node | string)[] {
  const size = pageSize();
  const last = Math.max(Math.ceil(count / size) - 1, 0);
  if (!last) return [];
  const turn = (to: number, text: string, name: string): HTMLElement =>
    button(text, () => session.store.set({ page: to }), { disabled: to < 0 || to > last || to === page, "aria-label": name, "data-key": name });
  return [turn(0, "«", "First page"), turn(page - 1, "‹", "Page before"),
    h("span", {}, `${grouped(page * size + 1)} to ${grouped(Math.min((page + 1) * size, count))} of ${grouped(count)}`),
    turn(page + 1, "›", "Next page"), turn(last, "»", "Last page")];
}

// The page of the triage report: read the data, restore what a link says, and draw every section.

import { alertsPanel } from "./alerts_panel";
import { barPanel } from "./bar_panel";
import { readBlock } from "./blocks";
import { columnsPanel } from "./columns_panel";
import type { Summary } from "./contract";
import { fill, h } from "./dom";
import { timings } from "./frame";
import { headPanel } from "./head_panel";
import { kindsPanel } from "./kinds_panel";
import { linkState, stateOf } from "./link";
import { MapPanel } from "./map_panel";
import { modelPanel } from "./model_panel";
import type { Decision, Policy } from "./promise";
import { readRows } from "./rows";
import { section } from "./section";
import { Session } from "./session";
import { Store } from "./state";
import { startTheme } from "./theme";
import { thresholdPanel } from "./threshold_panel";
import { verdictPanel } from "./verdict_panel";
import { VerdictStore } from "./verdict_store";

const root = document.getElementById("report");

async function start(root: HTMLElement): Promise<void> {
  startTheme();
  fill(root, h("p", { class: "loading", role: "status" }, "Reading the report …"));
  const [bytes, rows] = await Promise.all([readBlock("summary"), readRows()]);
  const summary = JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array())) as Summary;
  const live = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
  const announce = (text: string): void => fill(live, text);
  const { kinds, columns } = summary;
  const store = new Store(stateOf(location.hash, kinds.length, columns.length));
  const session = new Session(summary, rows, store, new VerdictStore(summary, rows), announce);
  draw(root, session, live);
  linkState(store, kinds.length, columns.length);
  publish(session);
}

function draw(root: HTMLElement, session: Session, live: HTMLElement): void {
  const { summary } = session;
  fill(
    root,
    h("a", { class: "skip", href: "#alerts", onclick: skip }, "Skip to the alerts"),
    live,
    headPanel(session),
    barPanel(session),
    h(
      "main",
      {},
      thresholdPanel(session),
      section("alerts", "Which rows are they, and why?",
        "Left, all rows on the map of the model's latent space: near means similar. Right, the strangest rows; open one to see its reasons.",
        h("div", { class: "triage" }, new MapPanel(session).element, alertsPanel(session))),
      kindsPanel(session),
      columnsPanel(session),
      modelPanel(session),
      verdictPanel(session),
    ),
    h("footer", {}, h("p", { class: "hint" }, `Made by oddrow ${summary.oddrow}, ${summary.made}. This file is complete: it loads nothing and sends nothing. Report ${summary.id}.`)),
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#alerts h2")?.focus();
}

/** What a program may read of the page: decisions by any policy, and how long drawing took. */
function publish(session: Session): void {
  const decide = (policy: Policy): Pick<Decision, "alerts" | "promise" | "refusal"> => {
    const { alerts, promise, refusal } = session.decider.decide(policy);
    return { alerts, promise, refusal };
  };
  const api = Object.freeze({
    at: (level: number) => decide({ kind: "level", level }),
    atRate: (rate: number) => decide({ kind: "rate", rate }),
    atBudget: (alerts: number) => decide({ kind: "budget", alerts }),
    state: () => structuredClone(session.state),
    rows: session.rows.count,
    passed: () => session.passed(),
    timings,
  });
  Object.defineProperty(window, "oddrowReport", { value: api });
}

if (root) {
  start(root).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    fill(root, h("p", { class: "loading", role: "alert" }, `The report could not be read: ${reason}. Open it in a browser of 2023 or later.`));
    throw error;
  });
}

// The verdicts as a whole: counts, export, import, and the filtered rows as CSV.

import { csvOf } from "./csv";
import { button, download, fill, h } from "./dom";
import { counted } from "./numbers";
import { section } from "./section";
import type { Session } from "./session";
import { VERDICTS } from "./verdict_store";

export function verdictPanel(session: Session): HTMLElement {
  const { verdicts, summary } = session;
  const counts = h("p", {});
  const kept = h("p", { class: "hint" });
  const answer = h("p", { class: "hint", role: "status" });
  const file = h("input", { type: "file", accept: ".json,application/json", class: "unseen", id: "verdict-file" });
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    if (!chosen) return;
    void chosen.text().then((text) => {
      fill(answer, verdicts.read(text));
      file.value = "";
    });
  });
  const clear = button("Take all back", () => {
    if (clear.dataset.sure) verdicts.clear();
    clear.dataset.sure = clear.dataset.sure ? "" : "yes";
    fill(clear, clear.dataset.sure ? "Press again to take all back" : "Take all back");
  }, { class: "quiet" });
  verdicts.follow(() => {
    fill(counts, sentence(session));
    fill(kept, verdicts.kept ? "They are kept in this browser for this report. Export them to hand them over." : "This browser does not let the page keep verdicts: export them before you close it.");
    clear.hidden = !verdicts.rows.size && !verdicts.kinds.size;
  });
  const name = summary.table.name.replace(/[^\w.-]+/g, "_").slice(0, 80) || "table";
  return section("verdicts", "What did you decide?", "oddrow feedback makes a new model from the exported file: a kind that is marked as a false alarm raises no more alerts, and rows marked as real or as false alarms change the weights of views and columns.",
    counts, kept,
    h("div", { class: "toolbar screen-only" },
      button("Export verdicts", () => download(`${name}.verdicts.json`, "application/json", verdicts.text())),
      h("label", { class: "button", for: "verdict-file" }, "Import verdicts"), file,
      button("Rows as CSV", () => download(`${name}.rows.csv`, "text/csv", csvOf(session)), { title: "The alerts that pass the filters" }), clear),
    answer,
    h("p", { class: "hint" }, h("code", {}, "oddrow feedback MODEL --verdicts FILE --table TABLE -o MODEL2")));
}

function sentence({ verdicts }: Session): string {
  const of = (list: Iterable<{ verdict: string }>): string => {
    const all = [...list];
    const parts = VERDICTS.flatMap((verdict) => {
      const count = all.filter((one) => one.verdict === verdict).length;
      return count ? [`${count} ${verdict}`] : [];
    });
    return parts.length ? ` (${parts.join(", ")})` : "";
  };
  if (!verdicts.rows.size && !verdicts.kinds.size) return "No row or kind is marked yet. Mark rows in the table, or whole kinds.";
  return `${counted(verdicts.rows.size, "row")} marked${of(verdicts.rows.values())}; ${counted(verdicts.kinds.size, "kind")} marked${of(verdicts.kinds.values())}.`;
}

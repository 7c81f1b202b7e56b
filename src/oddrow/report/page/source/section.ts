// A section of the page: a heading that says which question it answers.

import { h } from "./dom";

export function section(id: string, title: string, lead: string, ...children: (Node | string)[]): HTMLElement {
  return h(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title`, tabindex: "-1" }, title),
    h("p", { class: "lead" }, lead),
    ...children,
  );
}

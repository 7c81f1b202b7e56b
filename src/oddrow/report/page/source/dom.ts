// Elements without a framework. Text is set as text only, so no value of the user's is ever read as markup.

type Child = Node | string | number | null | undefined | false;
type Properties = Record<string, unknown>;

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes, listeners (`onclick`) and children; a property that is null or false is left out. */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  return filled(document.createElement(name), properties, children);
}

/** An element of a drawing. */
export function s<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  properties: Properties = {},
  ...children: Child[]
): SVGElementTagNameMap[Name] {
  return filled(document.createElementNS(SVG, name), properties, children);
}

function filled<Kind extends Element>(element: Kind, properties: Properties, children: Child[]): Kind {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...present(children));
  return element;
}

/** Replace the content of an element. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...present(children));
}

function present(children: Child[]): (Node | string)[] {
  return children
    .filter((child): child is Node | string | number => child !== null && child !== undefined && child !== false)
    .map((child) => (typeof child === "number" ? String(child) : child));
}

/** The user's text, isolated from the direction of the text around it. */
export function own(text: string, properties: Properties = {}): HTMLElement {
  return h("bdi", properties, text);
}

/** The beginning of a text: at most so many characters, none of them cut in two. */
export function cut(text: string, letters: number): string {
  return text.length <= letters ? text : [...text.slice(0, 2 * letters)].slice(0, letters).join("");
}

/** The user's text in one line: a long one is cut, and its beginning is shown as the title. */
export function brief(text: string, letters = 120): HTMLElement {
  const start = cut(text, letters);
  const title = text.length > 24 ? cut(text, 1000) : null;
  return own(start.length < text.length ? `${start}…` : text, { class: "brief", title });
}

/** A cell of a table; a missing one says so. */
export function cell(value: string | null | undefined, letters = 120): HTMLElement {
  if (value === null || value === undefined) return h("span", { class: "missing" }, "missing");
  if (value === "") return h("span", { class: "missing" }, "empty text");
  return brief(value, letters);
}

/** A table that a picture is read from, closed until it is asked for; its title is its own, `shown` may be shorter. */
export function tableOf(title: string, head: string[], rows: () => Child[][], shown = title): HTMLDetailsElement {
  const box = h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": title });
  const details = h("details", { class: "as-table" }, h("summary", {}, shown), box);
  details.addEventListener("toggle", () => {
    if (details.open) fill(box, plainTable(title, head, rows()));
  });
  return details;
}

/** A table with a head; the first cell of each row is its heading. */
export function plainTable(title: string, head: string[], rows: Child[][]): HTMLTableElement {
  return h(
    "table",
    {},
    h("caption", { class: "unseen" }, title),
    h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text)))),
    h(
      "tbody",
      {},
      ...rows.map((row) =>
        h("tr", {}, ...row.map((child, place) => (place ? h("td", {}, child) : h("th", { scope: "row" }, child)))),
      ),
    ),
  );
}

/** A button; it does not send a form. */
export function button(text: Child, onclick: (event: MouseEvent) => void, properties: Properties = {}): HTMLButtonElement {
  return h("button", { type: "button", onclick, ...properties }, text);
}

/** Let the browser save a text as a file. */
export function download(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = h("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

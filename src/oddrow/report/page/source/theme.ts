// Light and dark. The page follows the system unless the reader chooses; it is printed in light colours.

type Theme = "light" | "dark";
const dark = matchMedia("(prefers-color-scheme: dark)");
const print = matchMedia("print");
const listeners: (() => void)[] = [];
let chosen: Theme | null = stored();

function stored(): Theme | null {
  try {
    const theme = localStorage.getItem("oddrow-theme");
    return theme === "light" || theme === "dark" ? theme : null;
  } catch {
    return null;
  }
}

function applied(): Theme {
  return chosen ?? (dark.matches ? "dark" : "light");
}

function apply(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  for (const listener of listeners) listener();
}

/** Apply the theme and follow the system and the printer from now on. */
export function startTheme(): void {
  apply(print.matches ? "light" : applied());
  dark.addEventListener("change", () => apply(applied()));
  print.addEventListener("change", () => apply(print.matches ? "light" : applied()));
  addEventListener("beforeprint", () => apply("light"));
  addEventListener("afterprint", () => apply(applied()));
}

/** Call the listener after every change of the colours: what is painted on a canvas must be painted anew. */
export function followTheme(listener: () => void): void {
  listeners.push(listener);
}

export function nextTheme(): void {
  chosen = applied() === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("oddrow-theme", chosen);
  } catch {
    // without storage the choice lasts as long as the page
  }
  apply(chosen);
}

export function themeText(): string {
  return applied() === "dark" ? "Light colours" : "Dark colours";
}

/** A colour of page.css, as red, green and blue from 0 to 255. */
export function colour(name: string): [number, number, number] {
  const text = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const number = parseInt(text.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

export function isDark(): boolean {
  return document.documentElement.dataset.theme === "dark";
}

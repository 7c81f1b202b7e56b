// Work that follows the reader's hand: at most once in a frame, however many events come.

/** A function that runs `work` in the next frame, once for all calls until then. */
export function perFrame(work: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

/** A function that runs `work` when no call has come for some milliseconds. */
export function afterwards(milliseconds: number, work: () => void): () => void {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, milliseconds);
  };
}

/** Replace an element's content; the element in focus stays in focus if its `data-key` is still there. */
export function refill(element: Element, ...children: (Node | string)[]): void {
  const active = document.activeElement;
  const key = active && element.contains(active) ? active.getAttribute("data-key") : null;
  element.replaceChildren(...children);
  if (key === null) return;
  for (const found of element.querySelectorAll<HTMLElement>("[data-key]")) {
    if (found.dataset.key === key) return found.focus({ preventScroll: true });
  }
}

const taken: Record<string, number[]> = {};

/** Run and time some work; the last 500 times of each name are kept for `window.oddrowReport.timings`. */
export function timed<Result>(name: string, work: () => Result): Result {
  const start = performance.now();
  const result = work();
  const times = (taken[name] ??= []);
  times.push(performance.now() - start);
  if (times.length > 500) times.shift();
  return result;
}

export function timings(): Record<string, number[]> {
  return structuredClone(taken);
}

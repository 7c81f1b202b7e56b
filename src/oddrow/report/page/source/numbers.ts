// Numbers as text. `significant` and `countText` give the characters that Python's formats give, ties included.

/** The digits of a positive number at `digits` significant ones, halves to even, and its decimal exponent. */
function rounded(value: number, digits: number): [string, number] {
  const [mantissa, exponent] = value.toExponential(60).split("e") as [string, string]; // 61 digits: exact enough for ties
  const all = mantissa.replace(".", "");
  const kept = all.slice(0, digits);
  const rest = all.slice(digits);
  const half = `5${"0".repeat(rest.length - 1)}`;
  const up = rest > half || (rest === half && Number(kept[digits - 1]) % 2 === 1);
  const whole = String(BigInt(kept) + (up ? 1n : 0n));
  return whole.length > digits ? [whole.slice(0, digits), Number(exponent) + 1] : [whole, Number(exponent)];
}

/** `format(value, ".{digits}g")` of Python. */
export function significant(value: number, digits: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (value === 0) return "0";
  if (value < 0) return `-${significant(-value, digits)}`;
  const [kept, exponent] = rounded(value, digits);
  if (exponent < -4 || exponent >= digits) {
    const tail = kept.slice(1).replace(/0+$/, "");
    const power = String(Math.abs(exponent)).padStart(2, "0");
    return `${kept[0]}${tail && `.${tail}`}e${exponent < 0 ? "-" : "+"}${power}`;
  }
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${kept.replace(/0+$/, "")}`;
  const tail = kept.slice(exponent + 1).replace(/0+$/, "");
  return kept.slice(0, exponent + 1) + (tail && `.${tail}`);
}

/** `format(value, ",.0f")` of Python. */
export function whole(value: number): string {
  const down = Math.floor(value);
  const rest = value - down;
  const up = rest > 0.5 || (rest === 0.5 && down % 2 !== 0);
  return grouped(down + (up ? 1 : 0));
}

/** A whole number with commas between the thousands, whatever the language of the browser. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Two significant digits; numbers that round to 100 or more as whole ones. */
export function countText(value: number): string {
  return value >= 99.5 ? whole(value) : significant(value, 2);
}

/** A surprise in nats, for reading. */
export function natsText(value: number): string {
  return value >= 1000 ? whole(value) : value.toFixed(value < 10 ? 2 : 1);
}

/** A share as a percentage; a share that is not zero never reads as zero. */
export function percent(share: number): string {
  if (share === 0) return "0 %";
  if (share < 0.0005) return "< 0.1 %";
  return `${share < 0.0995 ? (100 * share).toFixed(1) : Math.round(100 * share)} %`;
}

/** A count with its noun: "1 alert", "2 alerts". */
export function counted(count: number, noun: string, nouns = `${noun}s`): string {
  return `${grouped(count)} ${count === 1 ? noun : nouns}`;
}

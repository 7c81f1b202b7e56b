// Policies and their promises. The counts and the sentences are those of oddrow.policies; the tests compare them.

import type { Summary } from "./contract";
import { countText, grouped, significant } from "./numbers";
import { countAbove, LEVELS, type Rows } from "./rows";

export type Policy =
  | { kind: "given" }
  | { kind: "rate"; rate: number }
  | { kind: "budget"; alerts: number }
  | { kind: "level"; level: number };

/** What a policy decides: the leading rows are alerts, unless the model's own policy picked them one by one. */
export interface Decision {
  alerts: number;
  /** the number of leading rows that are alerts; null if they are not the leading ones */
  prefix: number | null;
  promise: string;
  /** why the calibration rows cannot support the policy; the model's policy then stays in force */
  refusal: string | null;
  /** the level of the threshold, for the slider */
  level: number;
  command: string;
  python: string;
}

/** Decides by any policy, from the counts that Python computed. */
export class Decider {
  constructor(
    private readonly summary: Summary,
    private readonly rows: Rows,
  ) {}

  decide(policy: Policy): Decision {
    switch (policy.kind) {
      case "given":
        return this.given(null);
      case "rate":
        return this.byRate(policy.rate);
      case "budget":
        return this.byBudget(policy.alerts);
      case "level":
        return this.byLevel(policy.level);
    }
  }

  isAlert(decision: Decision, rank: number): boolean {
    return decision.prefix === null ? this.rows.flagged?.[rank] === 1 : rank < decision.prefix;
  }

  private given(refusal: string | null): Decision {
    const { policy } = this.summary;
    const top = this.rows.level[0] ?? 0;
    const level = policy.threshold === null ? this.levelOf(policy.prefix ?? policy.alerts) : policy.threshold * LEVELS;
    return {
      alerts: policy.alerts,
      prefix: policy.prefix ?? (this.rows.flagged ? null : policy.alerts),
      promise: policy.promise,
      refusal,
      level: Math.min(Math.max(Math.round(level), 0), top),
      command: policy.command,
      python: policy.python,
    };
  }

  private byRate(rate: number): Decision {
    if (!(rate > 0 && rate < 1)) return this.given("A false-alarm rate is a share of normal rows between 0 and 1.");
    const refusal = this.refusal(rate);
    if (refusal) return this.given(refusal);
    const count = this.supported(rate);
    const alerts = this.rows.above[count - 1];
    return this.decided(alerts, this.rateText(count), this.rows.calibration[count - 1], `--false-alarms ${short(rate)}`, `FalseAlarmRate(${short(rate)})`);
  }

  private byBudget(budget: number): Decision {
    const per = this.rows.count;
    if (!(Number.isInteger(budget) && budget >= 1 && budget < per)) {
      return this.given(`An alert budget is a whole number of alerts, at least 1 and fewer than the ${grouped(per)} rows.`);
    }
    const rate = budget / per;
    const refusal = this.refusal(rate);
    if (refusal) return this.given(refusal);
    const count = this.supported(rate);
    const above = this.rows.above[count - 1];
    const heldBack = above - budget;
    const remark = heldBack > 0 ? `; ${grouped(heldBack)} more rows are as strange, beyond the budget` : "";
    const promise = `at most ${grouped(budget)} alerts in ${grouped(per)} rows; by chance ${this.rateText(count)}${remark}`;
    const alerts = Math.min(budget, above);
    const level = heldBack > 0 ? this.levelOf(alerts) : this.rows.calibration[count - 1];
    return this.decided(alerts, promise, level, `--alerts ${budget}/${per}`, `AlertBudget(${budget}, per=${per})`);
  }

  private byLevel(level: number): Decision {
    const alerts = countAbove(this.rows.level, level);
    const nats = short(level / LEVELS);
    return this.decided(alerts, this.levelText(level), level, `--surprise ${nats}`, `FixedSurprise(${nats})`);
  }

  private decided(alerts: number, promise: string, level: number, options: string, call: string): Decision {
    const template = this.summary.policy.commandTemplate ?? "oddrow decide MODEL {policy}";
    return {
      alerts,
      prefix: alerts,
      promise,
      refusal: null,
      level,
      command: template.replace("{policy}", () => options),
      python: `detector.set_policy(oddrow.${call})`,
    };
  }

  /** The level of the first row that is no alert: the slider's place for a number of leading rows. */
  private levelOf(alerts: number): number {
    const { level, count } = this.rows;
    return alerts < count ? level[alerts] : 0;
  }

  private get worth(): number {
    return this.summary.calibration.worth ?? this.summary.calibration.rows;
  }

  private supported(rate: number): number {
    return Math.max(Math.floor(rate * (this.summary.calibration.rows + 1) + 1e-9), 1);
  }

  /** The sentence of oddrow.policies.supported_count for a rate that is too small; null for one that is supported. */
  private refusal(rate: number): string | null {
    const { rows, worth } = this.summary.calibration;
    if (!(rate * (this.worth + 1) < 1 - 1e-9)) return null;
    const needed = Math.ceil(1 / rate - 1e-9) - 1;
    const dependent = worth === null ? "" : `, which depend on each other and are worth ${countText(worth)} independent rows`;
    const lowest = 1 / (this.worth + 1);
    const unit = 10 ** (Math.floor(Math.log10(lowest)) - 1);
    const advised = significant(Math.ceil(lowest / unit - 1e-9) * unit, 2);
    return (
      `a rate of ${significant(rate, 6)} cannot be promised from ${grouped(rows)} calibration rows${dependent}: it takes at ` +
      `least ${grouped(needed)}; ask for ${advised} or more, or fit on a larger table`
    );
  }

  private levelText(level: number): string {
    const { rows, source, rowsText } = this.summary.calibration;
    const { calibration, low, high } = this.rows;
    const above = countAbove(calibration, level);
    if (above > 0) return this.about((above + 0.5) / (rows + 1), low[above - 1], high[Math.min(above, rows - 1)], above);
    if (source === "training") return `none of ${rowsText}`;
    return (
      `none of ${grouped(rows)} calibration rows is as strange, so at most about 1 in ${countText(1 / high[0])} ` +
      "normal rows (95 %); a smaller rate is an extrapolation"
    );
  }

  private rateText(count: number): string {
    return this.about(count / (this.summary.calibration.rows + 1), this.rows.low[count - 1], this.rows.high[count - 1]);
  }

  private about(rate: number, low: number, high: number, above = 0): string {
    const { rows, source, rowsText, after } = this.summary.calibration;
    if (above === rows) high = 1; // no calibration row is below the threshold
    const base = 10 ** Math.max(Math.ceil(Math.log10(1 / rate) - 0.1), 2);
    const about = `about ${countText(rate * base)} in ${grouped(base)} normal rows`;
    if (source === "training") return `${about} (${rowsText})`;
    const rarest = rate * (this.worth + 1) < 1.25 ? ", the smallest rate that so few rows can show" : "";
    const between = `between ${countText(low * base)} and ${countText(high * base)} in ${grouped(base)}`;
    return `${about}, ${between} (95 %, ${rowsText}${rarest})${after}`;
  }
}

/** The shortest text that reads back as the same number, as in Python. */
function short(value: number): string {
  return String(value);
}

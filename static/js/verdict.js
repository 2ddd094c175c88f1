/** From figures to bars and their reasons. Pure, and slow to change its mind, so that nothing flickers. */

/**
 * @typedef {import('./stats.js').Figures} Figures
 * @typedef {'loss' | 'delay' | 'jitter' | 'bandwidth'} Measured
 * @typedef {{ kind: Measured | 'device', level: 1 | 2 | 3, value: number }} Reason value: percent, ms, ms, kbit/s, –
 * @typedef {1 | 2 | 3 | 4} Bars
 * @typedef {{ bars: Bars, ownBars: Bars, reasons: Reason[] }} Judged the worst reason first; `ownBars` are what the other
 *   side may be told: they count only what is surely this side's
 *
 * @typedef {object} Circumstances
 * @property {boolean} sendsPicture a camera or a screen
 * @property {boolean} alone nobody listens: the server itself asks for little then
 * @property {Bars | null} otherBars what the other side says of its own network
 */

/** From where on a figure costs one, two and three bars; bandwidth counts as its inverse, so that more is worse. */
const LIMITS = {
  loss: [1, 3, 8],
  delay: [150, 300, 500],
  jitter: [40, 80, 150],
  bandwidth: [1 / 400, 1 / 200, 1 / 100],
};
/** A level once reached is left only well below its limit. */
const STAY = 0.8;
const [WORSE_WEIGHT, BETTER_WEIGHT] = [0.6, 0.35];
const [WORSE_AFTER, BETTER_AFTER] = [2, 3];
/** So long after somebody came the bit rate is still being found. */
const FINDING_READINGS = 8;
const KINDS = /** @type {Measured[]} */ (Object.keys(LIMITS));

/** One figure: smoothed, and its level held until several readings in a row say otherwise. */
class Judgement {
  /** @param {readonly number[]} limits */
  constructor(limits) {
    this.limits = limits;
    /** @type {number | null} */
    this.value = null;
    this.level = 0;
    /** @type {number[]} what the newest readings would have */
    this.wanted = [];
  }

  /** @param {number | null} reading null: not known now */
  take(reading) {
    const first = this.value === null;
    const next = reading ?? 0;
    const weight = next > (this.value ?? 0) ? WORSE_WEIGHT : BETTER_WEIGHT;
    this.value = this.value === null ? next : this.value + weight * (next - this.value);
    const value = this.value;
    const wants = this.limits.filter((limit, index) => value >= (index < this.level ? STAY * limit : limit)).length;
    this.wanted = [...this.wanted, wants].slice(-Math.max(WORSE_AFTER, BETTER_AFTER));
    if (first) this.level = wants;
    const worse = Math.min(...this.wanted.slice(-WORSE_AFTER));
    const better = Math.max(...this.wanted.slice(-BETTER_AFTER));
    if (this.wanted.length >= WORSE_AFTER && worse > this.level) this.level = worse;
    else if (this.wanted.length >= BETTER_AFTER && better < this.level) this.level = better;
  }
}

export class Verdict {
  constructor() {
    this.judgements = new Map(KINDS.map((kind) => [kind, new Judgement(LIMITS[kind])]));
    this.device = new Judgement([0.5]);
    this.finding = 0;
  }

  /**
   * Take a reading, made every two seconds.
   * @param {Figures} figures
   * @param {Circumstances} circumstances
   * @returns {Judged}
   */
  next(figures, { sendsPicture, alone, otherBars }) {
    this.finding = alone || !sendsPicture ? 0 : this.finding + 1;
    const { short, availableKbps } = figures;
    const readings = {
      loss: figures.lossPercent, delay: figures.rttMs, jitter: figures.jitterMs,
      bandwidth: short && availableKbps && this.finding > FINDING_READINGS ? 1 / availableKbps : null,
    };
    for (const [kind, judgement] of this.judgements) judgement.take(readings[kind]);
    this.device.take(figures.busy ? 1 : 0);
    const own = Math.max(...[...this.judgements].map(([kind, { level }]) => (kind === 'bandwidth' ? 0 : level)));
    // Bandwidth is found from end to end. With no other sign of trouble here, it is the other's where they have some.
    const notOurs = own === 0 && (otherBars ?? 4) <= 2;
    const reasons = [...this.judgements].filter(([kind, { level }]) => level > 0 && !(kind === 'bandwidth' && notOurs))
      .map(([kind, { level, value }]) => reason(kind, level, value ?? 0));
    // Sorting is stable: of equals the first of LIMITS leads.
    reasons.sort((one, two) => two.level - one.level);
    const worst = reasons[0]?.level ?? 0;
    // It is no fault of the connection, so it costs no bar.
    if (this.device.level) reasons.push({ kind: 'device', level: 1, value: 0 });
    return { bars: barsOf(worst), ownBars: barsOf(own > 0 ? worst : 0), reasons };
  }
}

/** @param {number} level */
function barsOf(level) {
  return /** @type {Bars} */ (4 - level);
}

/**
 * Rounded as people say it.
 * @param {Measured} kind
 * @param {number} level
 * @param {number} value
 * @returns {Reason}
 */
function reason(kind, level, value) {
  const shown = kind === 'bandwidth' ? Math.round(1 / value / 10) * 10 : kind === 'loss' ? Math.max(1, Math.round(value)) : Math.round(value / 10) * 10;
  return { kind, level: /** @type {1 | 2 | 3} */ (level), value: shown };
}

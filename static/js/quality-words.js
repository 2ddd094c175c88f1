/** What is wrong with a connection and what helps, in words. */

import { number, percent } from './format.js';
import { t } from './i18n.js';

/**
 * @typedef {import('./verdict.js').Reason} Reason
 * @typedef {import('./i18n.js').Key} Key
 * @typedef {import('./i18n.js').Params} Params
 * @typedef {{ key: Key, params: Params }} Words
 */

/**
 * @param {Reason} reason
 * @returns {Words}
 */
export function reasonWords({ kind, value }) {
  return { key: `reason.${kind}`, params: { value: () => (kind === 'loss' ? percent(value) : number(value)) } };
}

/**
 * The bars, with the worst reason if there is one: "Unstable connection: 6% of the packets get lost".
 * @param {0 | 1 | 2 | 3 | 4} bars
 * @param {readonly Reason[]} reasons
 * @returns {Words}
 */
export function qualityWords(bars, reasons) {
  const worst = reasons.find(({ kind }) => kind !== 'device');
  if (!bars || !worst) return { key: `quality.${bars}`, params: {} };
  const { key, params } = reasonWords(worst);
  return { key: 'quality.why', params: { quality: () => t(`quality.${bars}`), reason: () => t(key, params) } };
}

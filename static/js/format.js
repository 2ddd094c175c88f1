/** Times, sizes and initials as people read them. */

import { locale } from './i18n.js';

/**
 * `1:02:03` or `02:03`.
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, '0'));
  const hours = Math.floor(whole / 3600);
  return (hours ? [String(hours), ...parts] : parts).join(':');
}

/** @param {number} bytes */
export function size(bytes) {
  const unit = bytes >= 1e6 ? 'megabyte' : 'kilobyte';
  const value = bytes / (unit === 'megabyte' ? 1e6 : 1e3);
  const options = { style: /** @type {const} */ ('unit'), unit, maximumFractionDigits: value < 10 ? 1 : 0 };
  return new Intl.NumberFormat(locale(), options).format(value);
}

/**
 * @param {number} value
 * @param {number} [digits]
 */
export function number(value, digits = 0) {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);
}

/** @param {number} share 0 to 1 */
export function percent(share) {
  return new Intl.NumberFormat(locale(), { style: 'percent' }).format(Math.floor(share * 100) / 100);
}

/** @param {string} name */
export function initials(name) {
  const words = name.split(/\s+/).filter((word) => /^\p{Letter}/u.test(word) && !word.endsWith('.'));
  const chosen = words.length > 1 ? [words[0], words.at(-1)] : words;
  return chosen.map((word) => word?.[0] ?? '').join('').toLocaleUpperCase() || '·';
}

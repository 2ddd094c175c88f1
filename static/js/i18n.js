/** The page's words in Portuguese and English, chosen by the browser's language or the switch. */

import { en } from './strings-en.js';
import { pt } from './strings-pt.js';

/**
 * @typedef {keyof typeof en} Key
 * @typedef {{ [name: string]: string | number | (() => string) }} Params a function is asked again in each language
 * @typedef {'pt' | 'en'} Language
 */

const STORED = 'escuta.language';
/** @type {{ [language in Language]: { [key in Key]: string } }} */
const STRINGS = { en, pt };
/** @type {Language} */
let current = preferred();

/** @returns {Language} */
function preferred() {
  const stored = localStorage.getItem(STORED);
  if (stored === 'pt' || stored === 'en') return stored;
  const wished = navigator.languages.find((language) => /^(pt|en)/i.test(language)) ?? 'en';
  return wished.toLowerCase().startsWith('pt') ? 'pt' : 'en';
}

/** @returns {Language} */
export function language() {
  return current;
}

/** The language as BCP 47, for html lang, dates and numbers. */
export function locale() {
  return current === 'pt' ? 'pt-BR' : 'en';
}

/** @param {Language} chosen */
export function setLanguage(chosen) {
  current = chosen;
  localStorage.setItem(STORED, chosen);
}

/**
 * @param {string} text
 * @returns {text is Key}
 */
export function isKey(text) {
  return Object.hasOwn(en, text);
}

/**
 * The text of `key`, with `{name}` replaced by `params.name`.
 * @param {Key} key
 * @param {Params} [params]
 */
export function t(key, params = {}) {
  return STRINGS[current][key].replace(/\{(\w+)\}/g, (whole, name) => {
    const value = params[name] ?? whole;
    return String(typeof value === 'function' ? value() : value);
  });
}

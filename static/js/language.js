/** The switch between Portuguese and English. */

import { h } from './dom.js';
import { language, setLanguage } from './i18n.js';

const NAMES = /** @type {const} */ ({ pt: 'Português', en: 'English' });

/** Two buttons; the page follows the `escuta:language` event. */
export function languageSwitch() {
  const choices = /** @type {const} */ (['pt', 'en']);
  const buttons = choices.map((code) => h('button', {
    class: 'segment', text: code.toUpperCase(), data: { language: code },
    attrs: { type: 'button', lang: code, 'aria-label': NAMES[code], title: NAMES[code] },
    on: { click: () => choose(code) },
  }));
  const group = h('div', { class: 'segments', label: 'app.language', attrs: { role: 'group' } }, ...buttons);
  const show = () => {
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset.language === language()));
  };
  document.addEventListener('escuta:language', show);
  show();
  return group;
}

/** @param {'pt' | 'en'} code */
function choose(code) {
  setLanguage(code);
  document.dispatchEvent(new Event('escuta:language'));
}

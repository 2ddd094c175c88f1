/** Short news in a polite live region; each goes by itself. While a dialog is open they appear in it. */

import { h, setText } from './dom.js';

const SHOWN_MS = 6_000;
const SHOWN_URGENT_MS = 20_000;
const MOST = 3;

export class Toasts {
  /** @param {HTMLElement} region */
  constructor(region) {
    this.region = region;
  }

  /**
   * @param {import('./events.js').Notice} notice
   * @returns {() => void} takes it away before its time
   */
  show({ key, params = {}, tone = 'info', action }) {
    const text = h('span', { class: 'toast-text' });
    setText(text, key, params);
    // Who shows something urgent has it spoken at once; here it would be heard a second time.
    const toast = h('div', { class: 'toast', data: { tone }, attrs: tone === 'urgent' ? { 'aria-live': 'off' } : {} }, text);
    if (action) {
      toast.append(h('button', { class: 'toast-action', t: action.key, attrs: { type: 'button' }, on: { click: () => {
        toast.remove();
        action.act();
      } } }));
    }
    const region = /** @type {HTMLElement | null} */ (document.querySelector('dialog[open] .dialog-news')) ?? this.region;
    // The same news again, as after several tries, replaces what it repeats.
    for (const other of region.querySelectorAll('.toast')) if (other.textContent === toast.textContent) other.remove();
    while (region.children.length >= MOST) region.firstElementChild?.remove();
    region.append(toast);
    setTimeout(() => toast.remove(), tone === 'urgent' ? SHOWN_URGENT_MS : SHOWN_MS);
    return () => toast.remove();
  }
}

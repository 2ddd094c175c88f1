/** Short news in a polite live region; each goes by itself. */

import { h, setText } from './dom.js';

const SHOWN_MS = 6_000;
const MOST = 3;

export class Toasts {
  /** @param {HTMLElement} region */
  constructor(region) {
    this.region = region;
  }

  /** @param {import('./events.js').Notice} notice */
  show({ key, params = {}, tone = 'info' }) {
    const text = h('span');
    setText(text, key, params);
    const toast = h('div', { class: 'toast', data: { tone } }, text);
    while (this.region.children.length >= MOST) this.region.firstElementChild?.remove();
    this.region.append(toast);
    setTimeout(() => toast.remove(), SHOWN_MS);
  }
}

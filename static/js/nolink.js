/** What somebody sees who came without an invitation. */

import { h, icon } from './dom.js';

/** @returns {{ element: HTMLElement, close: () => void }} */
export function nolinkScreen() {
  const element = h('div', { class: 'notice-card' }, h('div', { class: 'notice-mark' }, icon('link')),
    h('h1', { t: 'nolink.title', attrs: { tabindex: '-1' } }), h('p', { t: 'nolink.text' }),
    h('p', { class: 'muted', t: 'nolink.privacy' }));
  return { element, close() {} };
}

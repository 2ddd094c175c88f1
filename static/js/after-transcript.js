/** The transcript of a consultation that is over; while its recording plays, it shows who speaks. */

import { h } from './dom.js';
import { clock } from './format.js';
import { t } from './i18n.js';

/** An utterance counts as being said until so long after its end. */
const LINGER_S = 0.5;
const REGION = { tabindex: '0', role: 'region', 'aria-labelledby': 'transcript-title' };
const SCROLL_KEYS = new Set(['ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End']);

/** @typedef {import('./record.js').Caption} Caption */

/** @param {import('./session.js').Session} session */
export function transcriptSection(session) {
  const list = h('ol', { class: 'lines' });
  const none = h('p', { class: 'muted', t: 'after.noTranscript' });
  const scroller = h('div', { class: 'transcript-scroller' }, list);
  const follow = h('button', { class: 'button small follow', id: 'follow', t: 'player.follow', hidden: true, attrs: { type: 'button' } });
  const element = h('section', { class: 'card', id: 'transcript' }, h('h2', { id: 'transcript-title', t: 'after.transcript' }), none, scroller, follow);
  /** @type {Caption[]} */
  let said = [];
  /** @type {HTMLElement | null} */
  let current = null;
  /** @type {((atS: number) => void) | null} */
  let playFrom = null;
  let follows = true;
  const reveal = () => {
    if (!current || !follows) return;
    const top = current.offsetTop - scroller.clientHeight / 3;
    const gently = !matchMedia('(prefers-reduced-motion: reduce)').matches;
    scroller.scrollTo({ top, behavior: gently ? 'smooth' : 'auto' });
  };
  const setFollows = (/** @type {boolean} */ now) => {
    follows = now;
    follow.hidden = now || !playFrom;
    reveal();
  };
  const leave = () => follows && playFrom && scroller.scrollHeight > scroller.clientHeight && setFollows(false);
  for (const kind of ['wheel', 'touchmove']) scroller.addEventListener(kind, leave, { passive: true });
  scroller.addEventListener('pointerdown', (event) => event.target === scroller && leave()); // its scroll bar
  scroller.addEventListener('keydown', (event) => SCROLL_KEYS.has(event.key) && leave());
  follow.addEventListener('click', () => {
    setFollows(true);
    (current?.querySelector('button') ?? scroller).focus({ preventScroll: true });
  });
  list.addEventListener('click', (event) => {
    const line = /** @type {HTMLElement} */ (event.target).closest('.line');
    const caption = line && said[[...list.children].indexOf(line)];
    // Who marks words to copy them does not want to hear them.
    if (!caption || !playFrom || getSelection()?.type === 'Range') return;
    setFollows(true);
    playFrom(caption.startS);
  });
  const name = (/** @type {Caption} */ { role }) => session.peerNames[role] ?? t(`role.${role}`);
  return {
    element,
    draw() {
      said = session.record.transcript();
      list.replaceChildren(...said.map((caption) => spokenLine(caption, name(caption), playFrom !== null)));
      none.hidden = said.length > 0;
      current = null;
    },
    /** @param {number} nowS what is heard now */
    show(nowS) {
      const index = said.findLastIndex(({ startS }) => startS <= nowS);
      const caption = said[index];
      const line = caption && nowS <= caption.endS + LINGER_S ? /** @type {HTMLElement} */ (list.children[index]) : null;
      if (line === current) return;
      current?.removeAttribute('aria-current');
      line?.setAttribute('aria-current', 'true');
      current = line;
      reveal();
    },
    /** Keep to one height beside a player that is there, or may come. @param {boolean} keeps */
    hold(keeps) {
      element.classList.toggle('held', keeps);
      for (const [attribute, value] of Object.entries(REGION)) {
        if (keeps) scroller.setAttribute(attribute, value);
        else scroller.removeAttribute(attribute);
      }
    },
    /** Let each utterance be played. @param {(atS: number) => void} from */
    offer(from) {
      playFrom = from;
      this.draw();
    },
  };
}

/**
 * @param {Caption} caption
 * @param {string} name
 * @param {boolean} playable
 */
function spokenLine({ id, role, startS, text, language }, name, playable) {
  const when = playable
    ? h('button', { class: 'line-time', text: clock(startS), label: 'player.from', params: { time: clock(startS) }, attrs: { type: 'button' } })
    : h('time', { class: 'line-time', text: clock(startS) });
  return h('li', { class: 'line', data: { role, utterance: id } }, when,
    h('span', { class: 'line-name', text: name }), h('span', { class: 'line-text', text, attrs: language ? { lang: language } : {} }));
}

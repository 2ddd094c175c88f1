/** What both say, line by line, as it becomes certain. */

import { h, icon, setText } from './dom.js';
import { clock } from './format.js';
import { t } from './i18n.js';

/** @typedef {import('./record.js').Caption} Caption */

const NEAR_END_PX = 48;
const FLASH_MS = 2_400;
const STALE_INTERIM_MS = 20_000;

/**
 * @param {import('./call.js').CallOptions} options
 * @returns {import('./call.js').Part & { jump: (utteranceId: string, quote: string) => void }}
 */
export function captionsPanel({ session, store }) {
  const list = h('ol', { id: 'captions', class: 'captions' });
  const empty = h('p', { class: 'panel-empty', t: 'captions.empty' });
  const scroller = h('div', { class: 'scroller', label: 'captions.title', attrs: { tabindex: '0', role: 'region' } }, empty, list);
  scroller.removeAttribute('title');
  const newer = h('button', { class: 'newer', hidden: true, attrs: { type: 'button' } }, icon('down'), h('span', { t: 'captions.newer' }));
  const spoken = h('div', { class: 'visually-hidden', id: 'captions-spoken', attrs: { 'aria-live': 'polite' } });
  const element = h('section', { class: 'panel captions-panel' }, h('h2', { t: 'captions.title' }), scroller, newer, spoken);
  /** @type {Map<string, HTMLElement>} */
  const lines = new Map();
  let follows = true;
  const toEnd = () => {
    scroller.scrollTop = scroller.scrollHeight;
    newer.hidden = true;
    follows = true;
  };
  let topBefore = 0;
  scroller.addEventListener('scroll', () => {
    const nearEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PX;
    // A panel that gets smaller, as when a tip comes, takes the end out of sight too: only going up is leaving it.
    if (nearEnd) newer.hidden = true;
    follows = nearEnd || (follows && scroller.scrollTop >= topBefore);
    topBefore = scroller.scrollTop;
  });
  newer.addEventListener('click', toEnd);
  const resized = new ResizeObserver(() => follows && toEnd());
  resized.observe(scroller);

  /** @param {Caption} caption */
  const name = (caption) => session.peerNames[caption.role] ?? t(`role.${caption.role}`);
  /** @param {Caption} caption */
  const put = (caption) => {
    const line = lines.get(caption.id) ?? newLine(caption);
    if (!lines.has(caption.id)) {
      lines.set(caption.id, line);
      insert(list, line, caption);
    }
    fill(line, caption, name(caption));
    empty.hidden = true;
    if (caption.final && !caption.gap && session.isNews(caption.endS)) speak(spoken, t('captions.said', { name: name(caption), text: caption.text }), caption.language);
    if (follows) toEnd();
    else newer.hidden = false;
  };
  const remove = (/** @type {Caption} */ caption) => {
    lines.get(caption.id)?.remove();
    lines.delete(caption.id);
  };
  session.record.on('caption', put);
  session.record.on('removed', remove);
  const sweep = setInterval(() => session.record.dropStale(STALE_INTERIM_MS), 5_000);
  const stopWatching = store.watch(({ seats, consentMode }) => {
    const refused = consentMode === 'ask' && Object.values(seats).some((seat) => seat?.consent === false);
    setText(empty, refused ? 'captions.noConsent' : 'captions.empty');
  });
  return {
    element,
    jump(utteranceId, quote) {
      const line = lines.get(utteranceId);
      if (!line) return;
      store.set({ tab: 'captions', captionsOn: true });
      follows = false;
      show(line, quote);
    },
    close() {
      stopWatching();
      clearInterval(sweep);
      resized.disconnect();
    },
  };
}

/** @param {Caption} caption */
function newLine(caption) {
  return h('li', { class: 'caption', data: { role: caption.role, utterance: caption.id, start: String(caption.startS) }, attrs: { tabindex: '-1' } },
    h('span', { class: 'caption-head' }, h('span', { class: 'caption-name' }), h('time', { class: 'caption-time', text: clock(caption.startS) })),
    h('span', { class: 'caption-text' }));
}

/**
 * @param {HTMLElement} list
 * @param {HTMLElement} line
 * @param {Caption} caption
 */
function insert(list, line, caption) {
  let after = /** @type {HTMLElement | null} */ (list.lastElementChild);
  while (after && Number(after.dataset.start) > caption.startS) after = /** @type {HTMLElement | null} */ (after.previousElementSibling);
  if (after) after.after(line);
  else list.prepend(line);
}

/**
 * @param {HTMLElement} line
 * @param {Caption} caption
 * @param {string} name
 */
function fill(line, caption, name) {
  const text = /** @type {HTMLElement} */ (line.querySelector('.caption-text'));
  const shown = /** @type {HTMLElement} */ (line.querySelector('.caption-name'));
  shown.textContent = name;
  line.dataset.final = String(caption.final);
  line.classList.toggle('gap', caption.gap);
  if (caption.language) text.lang = caption.language === 'pt' ? 'pt-BR' : caption.language;
  if (caption.gap) setText(text, 'captions.gap', { name });
  else if (caption.final) text.textContent = caption.text;
  else {
    text.replaceChildren(h('span', { class: 'settled', text: caption.text.slice(0, caption.settledChars) }),
      h('span', { class: 'unsettled', text: caption.text.slice(caption.settledChars) }));
  }
}

/**
 * Let screen readers say a settled line; they hear no interim text.
 * @param {HTMLElement} region
 * @param {string} text
 * @param {string} language
 */
function speak(region, text, language) {
  region.append(h('p', { text, attrs: language ? { lang: language } : {} }));
  while (region.children.length > 3) region.firstElementChild?.remove();
}

/**
 * @param {HTMLElement} line
 * @param {string} quote
 */
function show(line, quote) {
  const text = line.querySelector('.caption-text');
  const whole = text?.textContent ?? '';
  const at = quote ? whole.indexOf(quote) : -1;
  if (text && at >= 0 && line.dataset.final === 'true') {
    text.replaceChildren(whole.slice(0, at), h('mark', { text: quote }), whole.slice(at + quote.length));
  }
  line.scrollIntoView({ block: 'center' });
  line.focus({ preventScroll: true });
  line.classList.add('flash');
  setTimeout(() => line.classList.remove('flash'), FLASH_MS);
}

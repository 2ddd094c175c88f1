/** At the side of the call, for the clinician: what was named so far. */

import { entityList, legend } from './entity-list.js';
import { h, iconButton, setText } from './dom.js';

/**
 * @param {import('./call.js').CallOptions} options
 * @param {(utteranceId: string, quote: string) => void} jump
 * @returns {import('./call.js').Part}
 */
export function entitiesPanel({ session, store }, jump) {
  const startOf = (/** @type {string} */ id) => session.record.captions.get(id)?.startS ?? 0;
  const list = entityList(startOf, (entity) => jump(entity.utterance_id, entity.text));
  const empty = h('p', { class: 'panel-empty', t: 'entities.empty' });
  const close = iconButton('close', 'entities.close', { id: 'close-entities' });
  close.addEventListener('click', () => {
    store.set({ tab: 'captions' });
    document.getElementById('open-entities')?.focus();
  });
  const heading = h('h2', { t: 'entities.title', attrs: { tabindex: '-1' } });
  const scroller = h('div', { class: 'scroller', label: 'entities.title', attrs: { tabindex: '0', role: 'region' } }, empty, list.element, legend());
  scroller.removeAttribute('title');
  const element = h('section', { class: 'panel entities-panel', id: 'entities' },
    h('div', { class: 'panel-head' }, heading, close), scroller, h('p', { class: 'panel-foot', t: 'entities.aid' }));
  let due = false;
  const draw = () => {
    due = false;
    const listed = list.draw(session.record.entities);
    empty.hidden = listed > 0;
    store.set({ entities: listed });
  };
  session.record.on('entities', () => {
    if (due) return;
    due = true;
    queueMicrotask(draw);
  });
  draw();
  return { element, close() {} };
}

/**
 * Opens the panel from the captions, on a screen that has room for both.
 * @param {import('./store.js').Store} store
 */
export function entitiesButton(store) {
  const button = h('button', { class: 'chip open-entities', id: 'open-entities', hidden: true, attrs: { type: 'button', 'aria-controls': 'entities' } });
  button.addEventListener('click', () => {
    store.set({ tab: store.state.tab === 'entities' ? 'captions' : 'entities' });
  });
  const close = store.watch(({ role, entities, tab }) => {
    button.hidden = role !== 'clinician';
    button.setAttribute('aria-expanded', String(tab === 'entities'));
    setText(button, 'entities.open', { count: entities });
  });
  return { element: button, close };
}

/** Afterwards, for the clinician: what the transcript that is shown names. */

import { entityList, legend } from './entity-list.js';
import { h } from './dom.js';

/** @typedef {import('./entities.js').Entity} Entity */
/** @typedef {import('./types.js').Edition} Edition */

/**
 * Fetches what each edition names, once, and tells the transcript.
 * @param {import('./api.js').Api} api
 * @param {ReturnType<typeof import('./after-transcript.js').transcriptSection>} transcript
 */
export function entitiesSection(api, transcript) {
  const list = entityList((id) => transcript.startOf(id), (entity) => transcript.goTo(entity.utterance_id));
  const none = h('p', { class: 'muted', t: 'entities.none' });
  const element = h('section', { class: 'card', id: 'summary-entities' }, h('h2', { t: 'entities.title' }), none, list.element,
    h('p', { class: 'muted entity-aid', t: 'entities.aid' }), legend());
  /** @type {{ [edition in Edition]?: true }} */
  const asked = {};
  const fetchOnce = async (/** @type {Edition} */ edition) => {
    if (asked[edition]) return;
    asked[edition] = true;
    transcript.named(edition, await api.entities(edition).catch(() => []));
  };
  transcript.onDraw((entities, edition) => {
    void fetchOnce(edition);
    none.hidden = list.draw(entities) > 0;
  });
  return { element };
}

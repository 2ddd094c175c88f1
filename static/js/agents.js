/** The owner's page of agents, at /agents. The service token is typed, and kept in this page's memory alone. */

import { agentForm } from './agent-form.js';
import { h, setText } from './dom.js';

/**
 * @typedef {import('./agent-form.js').Agent} Agent
 */

/** @returns {{ element: HTMLElement, close: () => void }} */
export function agentsScreen() {
  const said = h('p', { class: 'agents-said', id: 'agents-said', attrs: { role: 'status' } });
  const place = h('div', { class: 'agents-form' });
  const key = h('input', { id: 'agents-key', attrs: { type: 'password', autocomplete: 'off', spellcheck: 'false', required: '' } });
  const opening = h('form', { class: 'agents-form' },
    h('div', { class: 'field' }, h('label', { t: 'agents.key', attrs: { for: 'agents-key' } }), key, h('p', { class: 'field-hint', t: 'agents.keyHint' })),
    h('button', { class: 'button primary', id: 'agents-open', t: 'agents.open', attrs: { type: 'submit' } }));
  const element = h('div', { class: 'agents' }, h('h1', { t: 'agents.title', attrs: { tabindex: '-1' } }), h('p', { class: 'muted', t: 'agents.lead' }), opening, place, said);
  let token = '';

  /**
   * @param {import('./i18n.js').Key | ''} what
   * @param {'good' | 'bad'} tone
   * @param {import('./i18n.js').Params} [params]
   */
  const say = (what, tone, params) => {
    said.dataset.tone = tone;
    if (what) setText(said, what, params);
    else said.textContent = '';
  };
  /** @param {Agent} agent */
  const save = async (agent) => {
    const { id, ...settings } = agent;
    const kept = await ask(token, `/api/agents/${encodeURIComponent(id)}`, 'PUT', settings).catch((error) => {
      say('agents.away', 'bad', { message: error.message });
      return null;
    });
    if (kept) await list(kept.id);
    if (kept) say('agents.saved', 'good');
  };
  /** @param {string} chosen */
  const list = async (chosen) => {
    const { agents } = await ask(token, '/api/agents');
    place.replaceChildren(agentForm(agents, chosen, save, () => say('', 'good')));
    opening.hidden = true;
  };
  opening.addEventListener('submit', async (event) => {
    event.preventDefault();
    token = key.value.trim();
    key.value = '';
    try {
      await list('default');
      say('', 'good');
    } catch (error) {
      const away = error instanceof Error && !(error instanceof Refused) ? error.message : '';
      say(away ? 'agents.away' : 'agents.refused', 'bad', { message: away });
    }
  });
  return { element, close() {} };
}

class Refused extends Error {}

/**
 * @param {string} token
 * @param {string} path
 * @param {'GET' | 'PUT'} [method]
 * @param {object} [body]
 */
async function ask(token, path, method = 'GET', body) {
  // A header takes no other characters; such a token is wrong anyway.
  if (!/^[\w.-]+$/.test(token)) throw new Refused('token');
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const response = await fetch(path, { method, headers, cache: 'no-store', ...(body && { body: JSON.stringify(body) }) });
  if (response.status === 401 || response.status === 403) throw new Refused(String(response.status));
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error?.message ?? String(response.status));
  return answer;
}

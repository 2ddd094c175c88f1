/** One agent as a form. */

import { h } from './dom.js';

/**
 * @typedef {import('./types.js').TipKind} TipKind
 * @typedef {object} Agent
 * @property {string} id
 * @property {string} name
 * @property {string | null} chat_model
 * @property {string | null} speech_provider
 * @property {string} language
 * @property {number} sensitivity
 * @property {string} prompt
 * @property {string} report_template
 * @property {TipKind[]} suggests
 * @property {'nothing' | 'released'} to_patient
 * @property {number} max_calls
 * @property {number} max_tokens
 * @property {string[]} sources
 * @property {boolean} shares_names
 */

const NEW = '';
/** @type {TipKind[]} */
const KINDS = ['red_flag', 'question', 'action', 'tip', 'answer', 'explanation'];
const REPORTS = /** @type {const} */ (['soap', 'laudo', 'referral', 'patient']);
/** @type {Agent} */
const BLANK = {
  id: '', name: '', chat_model: null, speech_provider: null, language: 'pt', sensitivity: 0.5, prompt: '', report_template: 'soap', suggests: KINDS,
  to_patient: 'released', max_calls: 300, max_tokens: 1_000_000, sources: [], shares_names: false,
};

/**
 * @param {Agent[]} agents
 * @param {string} chosen
 * @param {(agent: Agent) => void} save
 * @param {() => void} turned another agent is shown
 */
export function agentForm(agents, chosen, save, turned) {
  const choice = h('select', { id: 'agent' }, ...agents.map(({ id, name }) => option(id, `${name} (${id})`)),
    h('option', { t: 'agents.new', attrs: { value: NEW } }));
  choice.value = agents.some(({ id }) => id === chosen) ? chosen : agents[0]?.id ?? NEW;
  const place = h('div', {});
  const show = () => place.replaceChildren(fields(agents.find(({ id }) => id === choice.value) ?? BLANK, save));
  choice.addEventListener('change', () => {
    turned();
    show();
  });
  show();
  return h('div', { class: 'agents-form' }, field('agent', 'agents.choose', choice), place);
}

/**
 * @param {Agent} agent
 * @param {(agent: Agent) => void} save
 */
function fields(agent, save) {
  const id = text('agent-id', agent.id, { required: '', pattern: '[a-z0-9][a-z0-9_\\-]{0,63}', maxlength: '64' });
  id.readOnly = agent.id !== '';
  const name = text('agent-name', agent.name, { required: '', maxlength: '100' });
  const language = h('select', { id: 'agent-language' },
    .../** @type {const} */ (['pt', 'en', 'auto']).map((code) => h('option', { t: `agents.language.${code}`, attrs: { value: code } })));
  language.value = agent.language;
  const model = text('agent-model', agent.chat_model ?? '', { maxlength: '200' });
  const speech = text('agent-speech', agent.speech_provider ?? '', { maxlength: '64' });
  const sensitivity = h('input', { id: 'agent-sensitivity', attrs: { type: 'range', min: '0', max: '1', step: '0.05' } });
  sensitivity.value = String(agent.sensitivity);
  const prompt = h('textarea', { id: 'agent-prompt', attrs: { maxlength: '20000' } });
  prompt.value = agent.prompt;
  const report = h('select', { id: 'agent-report' }, ...REPORTS.map((kind) => h('option', { t: `report.kind.${kind}`, attrs: { value: kind } })));
  // The owner may have added a template's file.
  if (!REPORTS.some((kind) => kind === agent.report_template)) report.append(option(agent.report_template, agent.report_template));
  report.value = agent.report_template;
  const kinds = KINDS.map((kind) => check(`agent-kind-${kind}`, `tips.kind.${kind}`, agent.suggests.includes(kind)));
  const toPatient = check('agent-to-patient', 'agents.toPatient', agent.to_patient === 'released');
  const names = check('agent-names', 'agents.sharesNames', agent.shares_names);
  const calls = number('agent-calls', agent.max_calls, 100_000);
  const tokens = number('agent-tokens', agent.max_tokens, 1_000_000_000);
  const sources = text('agent-sources', agent.sources.join(', '), {});
  const form = h('form', { class: 'agents-form' },
    h('div', { class: 'pair' }, field('agent-id', 'agents.id', id, 'agents.idHint'), field('agent-name', 'agents.name', name)),
    h('div', { class: 'pair' }, field('agent-language', 'agents.language', language), field('agent-speech', 'agents.speech', speech, 'agents.speechHint')),
    field('agent-model', 'agents.model', model, 'agents.modelHint'),
    field('agent-prompt', 'agents.prompt', prompt),
    field('agent-report', 'agents.report', report),
    h('fieldset', {}, h('legend', { t: 'agents.suggests' }), h('div', { class: 'kinds' }, ...kinds.map(({ row }) => row)), toPatient.row),
    field('agent-sensitivity', 'agents.sensitivity', sensitivity, 'agents.sensitivityHint'),
    h('fieldset', {}, h('legend', { t: 'agents.budget' }),
      h('div', { class: 'pair' }, field('agent-calls', 'agents.maxCalls', calls), field('agent-tokens', 'agents.maxTokens', tokens))),
    field('agent-sources', 'agents.sources', sources, 'agents.sourcesHint'), names.row,
    h('button', { class: 'button primary', id: 'agent-save', t: 'agents.save', attrs: { type: 'submit' } }));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    save({
      id: id.value.trim(), name: name.value.trim(), language: language.value, prompt: prompt.value, report_template: report.value,
      chat_model: model.value.trim() || null, speech_provider: speech.value.trim() || null, sensitivity: Number(sensitivity.value),
      suggests: KINDS.filter((_, place) => kinds[place]?.box.checked), to_patient: toPatient.box.checked ? 'released' : 'nothing',
      max_calls: Number(calls.value), max_tokens: Number(tokens.value), shares_names: names.box.checked,
      sources: sources.value.split(',').map((one) => one.trim()).filter(Boolean),
    });
  });
  return form;
}

/**
 * @param {string} id
 * @param {import('./i18n.js').Key} label
 * @param {HTMLElement} control
 * @param {import('./i18n.js').Key} [hint]
 */
function field(id, label, control, hint) {
  return h('div', { class: 'field' }, h('label', { t: label, attrs: { for: id } }), control, hint ? h('p', { class: 'field-hint', t: hint }) : null);
}

/**
 * @param {string} id
 * @param {string} value
 * @param {{ [name: string]: string }} attrs
 */
function text(id, value, attrs) {
  const input = h('input', { id, attrs: { type: 'text', autocomplete: 'off', ...attrs } });
  input.value = value;
  return input;
}

/**
 * @param {string} id
 * @param {number} value
 * @param {number} max
 */
function number(id, value, max) {
  const input = h('input', { id, attrs: { type: 'number', min: '0', max: String(max), step: '1', required: '' } });
  input.value = String(value);
  return input;
}

/**
 * @param {string} id
 * @param {import('./i18n.js').Key} label
 * @param {boolean} on
 */
function check(id, label, on) {
  const box = h('input', { id, attrs: { type: 'checkbox' } });
  box.checked = on;
  return { box, row: h('label', { class: 'check', attrs: { for: id } }, box, h('span', { t: label })) };
}

/**
 * @param {string} value
 * @param {string} shown
 */
function option(value, shown) {
  return h('option', { text: shown, attrs: { value } });
}

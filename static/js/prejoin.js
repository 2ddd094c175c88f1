/** Before joining: who one is, what one agrees to, and whether camera and microphone work. */

import { devicePickers } from './device-pickers.js';
import { h, icon, iconButton, setIcon, setLabel, setText } from './dom.js';
import { t } from './i18n.js';
import { Meter } from './meter.js';
import { sayWhoHears } from './who-hears.js';
import { keepConsent, keptConsent } from './token.js';

/**
 * @typedef {object} PrejoinOptions
 * @property {import('./token.js').Invitation} invitation
 * @property {import('./devices.js').Devices} devices
 * @property {Promise<Pick<import('./types.js').ConsultationDetail, 'title' | 'consent_mode' | 'voices_go_to'> | null>} consultation
 * @property {(name: string, consent: boolean | null, told: string | null) => void} onJoin `told`: the service that was named as the one that hears
 */

const NAME = 'escuta.name';

/**
 * @param {PrejoinOptions} options
 * @returns {{ element: HTMLElement, close: () => void }}
 */
export function prejoinScreen(options) {
  const preview = previewPane(options.devices);
  const form = joinForm(options);
  const element = h('div', { class: 'prejoin' }, preview.element, form);
  return { element, close: preview.close };
}

/** @param {import('./devices.js').Devices} devices */
function previewPane(devices) {
  const video = h('video', { id: 'preview', label: 'pre.preview', attrs: { autoplay: '', playsinline: '' } });
  video.muted = true;
  const message = h('p', { class: 'preview-message', t: 'pre.previewStarting' });
  const bar = h('div', { class: 'meter', label: 'pre.level',
    attrs: { role: 'meter', 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-valuenow': '0' } });
  const microphone = iconButton('mic', 'control.microphoneOff', { class: 'on-video', id: 'preview-microphone' });
  const camera = iconButton('camera', 'control.cameraOff', { class: 'on-video', id: 'preview-camera' });
  const retry = h('button', { class: 'button quiet', t: 'pre.retry', hidden: true, attrs: { type: 'button' } });
  const meter = new Meter(bar);
  const pickers = devicePickers(devices, 'pick');
  /** @type {MediaStreamTrack | null} */
  let metered = null;
  let opened = false;

  const show = () => {
    const { tracks, on, errors } = devices;
    const stream = /** @type {MediaStream | null} */ (video.srcObject);
    if (stream?.getVideoTracks()[0] !== (tracks.camera ?? undefined)) {
      video.srcObject = tracks.camera ? new MediaStream([tracks.camera]) : null;
    }
    video.hidden = !devices.sends('camera');
    message.hidden = devices.sends('camera');
    if (opened) setText(message, tracks.camera ? 'pre.previewOff' : 'pre.previewNone');
    toggleLooks(microphone, 'microphone', on.microphone, tracks.microphone !== null);
    toggleLooks(camera, 'camera', on.camera, tracks.camera !== null);
    retry.hidden = !(errors.camera ?? errors.microphone);
    const wanted = on.microphone ? tracks.microphone : null;
    if (wanted !== metered) meter.watch((metered = wanted));
  };
  microphone.addEventListener('click', () => devices.setOn('microphone', !devices.on.microphone));
  camera.addEventListener('click', () => devices.setOn('camera', !devices.on.camera));
  const open = async () => {
    await devices.open();
    opened = true;
    show();
  };
  retry.addEventListener('click', () => void open());
  devices.watchers.add(show);
  void open();

  return {
    element: h('section', { class: 'preview', label: 'pre.devices' },
      h('div', { class: 'preview-frame' }, video, message, h('div', { class: 'preview-controls' }, microphone, camera)),
      h('div', { class: 'meter-row' }, icon('mic'), bar), pickers.element, retry),
    close() {
      devices.watchers.delete(show);
      pickers.close();
      meter.stop();
      video.srcObject = null;
    },
  };
}

/**
 * @param {HTMLElement} button
 * @param {'microphone' | 'camera'} kind
 * @param {boolean} on
 * @param {boolean} present
 */
function toggleLooks(button, kind, on, present) {
  const name = kind === 'microphone' ? 'mic' : 'camera';
  const sends = on && present;
  button.classList.toggle('is-off', !sends);
  setIcon(button, sends ? name : `${name}-off`);
  setLabel(button, `control.${kind}${on ? 'Off' : 'On'}`);
  button.toggleAttribute('disabled', !present);
}

/** @param {PrejoinOptions} options */
function joinForm({ invitation, consultation, onJoin }) {
  const title = h('p', { class: 'eyebrow', hidden: true });
  const name = h('input', { id: 'name', attrs: { type: 'text', maxlength: '100', autocomplete: 'name', 'aria-describedby': 'name-hint name-problem' } });
  name.value = sessionStorage.getItem(NAME) ?? invitation.name;
  const nameProblem = h('p', { class: 'field-problem', id: 'name-problem', t: 'pre.nameMissing', hidden: true });
  const consent = consentField();
  const join = h('button', { id: 'join', class: 'button primary wide', t: 'pre.join', attrs: { type: 'submit' } });
  const form = h('form', { class: 'join-form', attrs: { novalidate: '' } },
    title, h('h1', { t: 'pre.title', attrs: { tabindex: '-1' } }),
    h('p', { class: 'lede', t: 'pre.as', params: { role: () => t(`role.${invitation.role}`) } }),
    h('div', { class: 'field' }, h('label', { t: 'pre.name', attrs: { for: 'name' } }), name,
      h('p', { class: 'field-hint', id: 'name-hint', t: 'pre.nameHint' }), nameProblem),
    consent.element, join);
  /** @type {string | null} */
  let told = null;
  void consultation.then((known) => {
    if (!known) return;
    told = known.voices_go_to ?? null;
    title.textContent = known.title;
    title.hidden = !known.title;
    if (known.consent_mode === 'external') consent.informOnly();
    if (known.voices_go_to !== undefined) consent.tellWhoHears(known.voices_go_to);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const typed = name.value.trim();
    nameProblem.hidden = typed !== '';
    name.setAttribute('aria-invalid', String(!typed));
    if (!typed) name.focus();
    const choice = consent.read();
    if (!typed || choice === undefined) return;
    sessionStorage.setItem(NAME, typed);
    onJoin(typed, choice, told);
  });
  return form;
}

function consentField() {
  const problem = h('p', { class: 'field-problem', id: 'consent-problem', t: 'consent.missing', hidden: true });
  const kept = keptConsent();
  /** @param {'yes' | 'no'} value */
  const choice = (value) => {
    const input = h('input', { id: `consent-${value}`,
      attrs: { type: 'radio', name: 'consent', value, 'aria-describedby': `consent-${value}-hint who-hears consent-problem` } });
    input.checked = kept === (value === 'yes');
    return { input, row: h('label', { class: 'choice' }, input, h('span', { class: 'choice-text' },
      h('span', { class: 'choice-label', t: `consent.${value}` }),
      h('span', { class: 'choice-hint', id: `consent-${value}-hint`, t: `consent.${value}Hint` }))) };
  };
  const [yes, no] = [choice('yes'), choice('no')];
  const whoHears = h('p', { id: 'who-hears', hidden: true });
  const asked = h('fieldset', { class: 'consent' }, h('legend', { t: 'consent.title' }),
    h('p', { t: 'consent.what' }), whoHears, h('p', { t: 'consent.who' }), yes.row, no.row, problem);
  const informed = h('section', { class: 'consent', hidden: true }, h('h2', { t: 'consent.title' }), h('p', { t: 'consent.external' }));
  return {
    element: h('div', {}, asked, informed),
    informOnly() {
      asked.hidden = true;
      informed.hidden = false;
      informed.append(whoHears);
    },
    /** @param {string | null} service the one elsewhere that voices are sent to */
    tellWhoHears(service) {
      sayWhoHears(whoHears, service);
      whoHears.hidden = false;
    },
    /** @returns {boolean | null | undefined} null: not asked here; undefined: still to be chosen */
    read() {
      if (asked.hidden) return null;
      const chosen = yes.input.checked ? 'yes' : no.input.checked ? 'no' : '';
      problem.hidden = chosen !== '';
      if (!chosen) yes.input.focus();
      else keepConsent(chosen === 'yes');
      return chosen ? chosen === 'yes' : undefined;
    },
  };
}

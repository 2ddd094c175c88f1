/** Choosing camera, microphone and speaker; before the call and in it. */

import { h, setText } from './dom.js';
import { t } from './i18n.js';

/** @typedef {'camera' | 'microphone' | 'speaker'} Kind */

/**
 * @param {import('./devices.js').Devices} devices
 * @param {string} prefix of the element ids
 * @returns {{ element: HTMLElement, close: () => void }}
 */
export function devicePickers(devices, prefix) {
  const kinds = /** @type {Kind[]} */ (['camera', 'microphone', 'speaker']);
  const rows = kinds.map((kind) => picker(devices, kind, prefix));
  const refresh = async () => {
    const found = await devices.list();
    for (const row of rows) row.fill(found[row.kind]);
  };
  devices.watchers.add(refresh);
  void refresh();
  return {
    element: h('div', { class: 'pickers' }, ...rows.map((row) => row.element)),
    close: () => devices.watchers.delete(refresh),
  };
}

/**
 * @param {import('./devices.js').Devices} devices
 * @param {Kind} kind
 * @param {string} prefix
 */
function picker(devices, kind, prefix) {
  const id = `${prefix}-${kind}`;
  const select = h('select', { id });
  const problem = h('p', { class: 'field-problem', id: `${id}-problem`, hidden: true });
  const element = h('div', { class: 'field' }, h('label', { t: `device.${kind}`, attrs: { for: id } }), select, problem);
  select.addEventListener('change', () => {
    if (kind === 'speaker') devices.setSpeaker(select.value);
    else void devices.use(kind, select.value);
  });
  return {
    kind,
    element,
    /** @param {MediaDeviceInfo[]} found */
    fill(found) {
      element.hidden = kind === 'speaker' && found.length === 0;
      select.disabled = found.length === 0;
      select.replaceChildren(...found.map((device, index) => option(device, kind, index)));
      if (!found.length) select.append(h('option', { t: 'device.none' }));
      select.value = chosen(devices, kind) || found[0]?.deviceId || '';
      const error = kind === 'speaker' ? null : devices.errors[kind];
      problem.hidden = !error;
      if (error && kind !== 'speaker') setText(problem, `device.${kind}.${error}`);
      select.setAttribute('aria-describedby', error ? problem.id : '');
    },
  };
}

/**
 * @param {MediaDeviceInfo} device
 * @param {Kind} kind
 * @param {number} index
 */
function option(device, kind, index) {
  const text = device.label || t('device.numbered', { kind: t(`device.${kind}`), number: index + 1 });
  return h('option', { text, attrs: { value: device.deviceId } });
}

/**
 * @param {import('./devices.js').Devices} devices
 * @param {Kind} kind
 */
function chosen(devices, kind) {
  if (kind === 'speaker') return devices.speakerId;
  return devices.tracks[kind]?.getSettings().deviceId ?? '';
}

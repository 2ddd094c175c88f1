/** Devices, language and shortcuts during the call. */

import { openConsent } from './call-details.js';
import { devicePickers } from './device-pickers.js';
import { openDialog } from './dialogs.js';
import { h } from './dom.js';
import { languageSwitch } from './language.js';
import { setShortcuts, shortcutsOn } from './shortcuts.js';

/** @type {[string, import('./i18n.js').Key][]} */
const KEYS = [
  ['M', 'settings.key.m'], ['V', 'settings.key.v'], ['C', 'settings.key.c'], ['Esc', 'settings.key.esc'], ['?', 'settings.key.help'],
];

/**
 * @param {HTMLElement} host
 * @param {import('./call.js').CallOptions} options
 */
export function openSettings(host, { devices, session }) {
  const pickers = devicePickers(devices, 'set');
  const enabled = h('input', { id: 'shortcuts-on', attrs: { type: 'checkbox' }, on: { change: () => setShortcuts(enabled.checked) } });
  enabled.checked = shortcutsOn();
  const keys = KEYS.map(([key, meaning]) => [h('dt', {}, h('kbd', { text: key })), h('dd', { t: meaning })]);
  const consent = h('button', { id: 'settings-consent', class: 'button', t: 'rec.details', attrs: { type: 'button' } });
  const dialog = openDialog(host, 'settings.title', pickers.element,
    h('div', { class: 'field inline' }, consent),
    h('div', { class: 'field inline' }, h('span', { class: 'field-name', t: 'app.language' }), languageSwitch()),
    h('h3', { t: 'settings.shortcuts' }),
    h('label', { class: 'check' }, enabled, h('span', { t: 'settings.shortcutsOn' })),
    h('dl', { class: 'keys' }, ...keys.flat()),
  );
  dialog.addEventListener('close', pickers.close);
  consent.addEventListener('click', () => {
    dialog.close();
    openConsent(host, session);
  });
}

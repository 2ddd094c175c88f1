/** The call: everything on the screen while two people talk. */

import { callBar } from './call-bar.js';
import { captionsPanel } from './captions.js';
import { chatPanel } from './chat.js';
import { controls } from './controls.js';
import { h, setText } from './dom.js';
import { entitiesPanel } from './entities-panel.js';
import { panelTabs } from './panel-tabs.js';
import { openSettings } from './settings.js';
import { listenToKeys } from './shortcuts.js';
import { stage } from './stage.js';
import { tipsPanel } from './tips.js';

/**
 * @typedef {object} CallOptions
 * @property {import('./session.js').Session} session
 * @property {import('./store.js').Store} store
 * @property {import('./devices.js').Devices} devices
 * @property {import('./toasts.js').Toasts} toasts
 *
 * @typedef {{ element: HTMLElement, close: () => void }} Part
 */

/**
 * @param {CallOptions} options
 * @returns {Part}
 */
export function callScreen(options) {
  const { store } = options;
  const element = h('div', { class: 'call' });
  const captions = captionsPanel(options);
  const tips = tipsPanel(options, captions.jump);
  const entities = entitiesPanel(options, captions.jump);
  const chat = chatPanel(options);
  const tabs = panelTabs(options);
  const side = h('div', { class: 'side' }, tabs.element, tips.element, captions.element, entities.element, chat.element);
  const settings = () => openSettings(element, options);
  const parts = [callBar(options, element), stage(options), controls(options, element, settings), captions, tips, entities, chat, tabs];
  const [bar, picture, buttons] = parts;
  const heading = h('h1', { class: 'visually-hidden', attrs: { tabindex: '-1' } });
  element.append(heading, ...[bar, picture].map((part) => part?.element ?? ''), side, buttons?.element ?? '', tips.spoken);
  const stopWatching = store.watch((state) => {
    setText(heading, 'call.title', { title: state.title });
    Object.assign(element.dataset, {
      role: state.role, tab: state.tab, tips: state.role === 'clinician' || state.tips ? 'some' : 'none', captions: state.captionsOn ? 'on' : 'off', screen: state.screen ? 'on' : 'off',
    });
  });
  const stopKeys = listenToKeys(options, settings);
  return {
    element,
    close() {
      stopWatching();
      stopKeys();
      for (const part of parts) part.close();
      for (const dialog of element.querySelectorAll('dialog')) dialog.close();
    },
  };
}

/** The row of buttons below the call. */

import { confirm } from './dialogs.js';
import { h, icon, setIcon, setLabel } from './dom.js';
import { other } from './store.js';

/** Where captions and chat stand side by side, as in panels.css. */
const bothFit = matchMedia('(min-width: 1600px)');

/**
 * @param {import('./call.js').CallOptions} options
 * @param {HTMLElement} dialogs
 * @param {() => void} openSettings
 * @returns {import('./call.js').Part}
 */
export function controls({ session, store, devices, toasts }, dialogs, openSettings) {
  const microphone = control('microphone', 'mic', () => devices.setOn('microphone', !devices.on.microphone));
  const camera = control('camera', 'camera', () => devices.setOn('camera', !devices.on.camera));
  const screen = control('screen', 'screen', () => (devices.screen ? devices.stopScreen() : void devices.startScreen()));
  const captions = control('captions', 'captions', () => toggleCaptions(store));
  const chat = control('chat', 'chat', () => toggleChat(store));
  const settings = control('settings', 'settings', openSettings);
  const badge = h('span', { class: 'badge', hidden: true, attrs: { 'aria-hidden': 'true' } });
  chat.append(badge);
  setLabel(captions, 'control.captions');
  setLabel(settings, 'control.settings');
  screen.hidden = !navigator.mediaDevices?.getDisplayMedia;
  const leave = h('button', { id: 'leave', class: 'hang-up', label: 'control.leave', attrs: { type: 'button' }, on: { click: () => session.leave() } },
    icon('leave'), h('span', { t: 'control.leave' }));
  const end = h('button', { id: 'end', class: 'hang-up all', label: 'control.end', attrs: { type: 'button' } },
    icon('end'), h('span', { t: 'control.end' }));
  end.addEventListener('click', () => askToEnd(session, toasts, dialogs));

  const stopWatching = store.watch((state) => {
    look(microphone, 'mic', state.microphone);
    setLabel(microphone, devices.on.microphone ? 'control.microphoneOff' : 'control.microphoneOn');
    look(camera, 'camera', state.camera);
    setLabel(camera, devices.on.camera ? 'control.cameraOff' : 'control.cameraOn');
    setLabel(screen, state.screen ? 'control.screenOff' : 'control.screenOn');
    screen.classList.toggle('is-on', state.screen);
    captions.setAttribute('aria-pressed', String(state.captionsOn && (state.tab !== 'chat' || bothFit.matches)));
    chat.setAttribute('aria-expanded', String(state.tab === 'chat'));
    if (state.unread) setLabel(chat, 'control.chatUnread', { count: state.unread });
    else setLabel(chat, 'control.chat');
    badge.hidden = state.unread === 0;
    badge.textContent = String(state.unread);
    end.hidden = state.role !== 'clinician';
  });
  return {
    element: h('div', { class: 'controls', label: 'control.group', attrs: { role: 'toolbar' } },
      microphone, camera, screen, captions, chat, settings, leave, end),
    close: stopWatching,
  };
}

/**
 * @param {'microphone' | 'camera' | 'screen' | 'captions' | 'chat' | 'settings'} name
 * @param {string} symbol
 * @param {() => void} act
 */
function control(name, symbol, act) {
  return h('button', { id: `toggle-${name}`, class: 'control', attrs: { type: 'button' }, on: { click: act } },
    icon(symbol), h('span', { class: 'control-text', t: `control.short.${name}` }));
}

/**
 * @param {HTMLElement} button
 * @param {string} symbol
 * @param {boolean} on
 */
function look(button, symbol, on) {
  button.classList.toggle('is-off', !on);
  setIcon(button, on ? symbol : `${symbol}-off`);
}

/** @param {import('./store.js').Store} store */
export function toggleCaptions(store) {
  const { tab, captionsOn } = store.state;
  // With something else in front, the first press brings the captions forward.
  if (tab === 'chat' || tab === 'entities') store.set({ tab: 'captions', captionsOn: true });
  else store.set({ captionsOn: !captionsOn, tab: captionsOn && store.state.role === 'clinician' ? 'tips' : 'captions' });
}

/** @param {import('./store.js').Store} store */
function toggleChat(store) {
  store.set(store.state.tab === 'chat' ? { tab: 'captions' } : { tab: 'chat', unread: 0 });
}

/**
 * @param {import('./session.js').Session} session
 * @param {import('./toasts.js').Toasts} toasts
 * @param {HTMLElement} dialogs
 */
function askToEnd(session, toasts, dialogs) {
  const { seats, role } = session.store.state;
  const name = seats[other(role)]?.name;
  confirm(dialogs, {
    id: 'confirm-end', title: 'end.title', text: name ? 'end.text' : 'end.textAlone', params: { name: name ?? '' }, confirm: 'end.confirm',
  }, () => {
    if (!session.end()) toasts.show({ key: 'notice.offline', tone: 'warn' });
  });
}

/** One-letter shortcuts. They can be switched off, because speech input and slips of the hand type letters too. */

import { toggleCaptions } from './controls.js';

const STORED = 'escuta.shortcuts';

export function shortcutsOn() {
  return localStorage.getItem(STORED) !== 'off';
}

/** @param {boolean} on */
export function setShortcuts(on) {
  localStorage.setItem(STORED, on ? 'on' : 'off');
}

/**
 * @param {import('./call.js').CallOptions} options
 * @param {() => void} openSettings
 * @returns {() => void} stops listening
 */
export function listenToKeys({ store, devices }, openSettings) {
  /** @param {KeyboardEvent} event */
  const listener = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape' && store.state.tab === 'chat') {
      store.set({ tab: 'captions' });
      document.getElementById('toggle-chat')?.focus();
    }
    if (event.key === 'Escape' && store.state.tab === 'entities') document.getElementById('close-entities')?.click();
    const typing = event.target instanceof Element && event.target.closest('input, textarea, select');
    if (typing || event.repeat || !shortcutsOn()) return;
    if (event.key === '?') openSettings();
    const key = event.key.toLowerCase();
    if (key === 'm') devices.setOn('microphone', !devices.on.microphone);
    if (key === 'v') devices.setOn('camera', !devices.on.camera);
    if (key === 'c') toggleCaptions(store);
  };
  document.addEventListener('keydown', listener);
  return () => document.removeEventListener('keydown', listener);
}

/** Hears a consultation again: both voices, what they look like, where one is, how fast it goes. */

import { h, icon, iconButton, setIcon, setLabel } from './dom.js';
import { clock, number } from './format.js';
import { t } from './i18n.js';
import { ROLES, Sound } from './sound.js';
import { waveform } from './waveform.js';

/** @typedef {import('./types.js').Role} Role */

const RATES = [1, 1.25, 1.5, 2];
const STEP_S = 5;
const LEAP_S = 30;

/**
 * @typedef {object} Player
 * @property {HTMLElement} element
 * @property {(atS: number) => void} playFrom
 * @property {() => void} close
 */

/**
 * @param {import('./after.js').AfterOptions} options
 * @param {import('./types.js').RecordingFile[]} files
 * @param {import('./types.js').RecordingPeaks | null} peaks
 * @param {(nowS: number) => void} onTime told whenever another moment is heard
 * @returns {Player}
 */
export function player({ api, toasts, session }, files, peaks, onTime) {
  const sound = new Sound(api, files);
  const toggle = iconButton('play', 'player.play', { class: 'primary player-toggle', id: 'play' });
  const now = h('span', { id: 'player-now' });
  const time = h('p', { class: 'player-time' }, now, h('span', { class: 'muted', text: ` / ${clock(sound.durationS)}` }));
  const rate = h('select', { id: 'player-rate', label: 'player.rate' },
    ...RATES.map((value) => h('option', { t: 'player.times', params: { rate: () => number(value, 2) }, attrs: { value: String(value) } })));
  const waves = ROLES.map((role) => waveform(role, peaks));
  const bar = seekBar(sound, waves.map(({ element }) => element));
  const voices = ROLES.map((role) => voiceButton(sound, role, session));
  const element = h('div', { class: 'player', id: 'player' },
    h('div', { class: 'player-head' }, toggle, time, rate),
    h('div', { class: 'player-body' }, h('div', { class: 'player-voices' }, ...voices.map((voice) => voice.element)), bar.element));
  let frame = 0;
  let toldS = -1;
  const show = () => {
    bar.show();
    now.textContent = clock(sound.nowS);
    if (sound.nowS !== toldS) onTime(sound.nowS);
    toldS = sound.nowS;
  };
  const step = () => {
    show();
    frame = sound.playing ? requestAnimationFrame(step) : 0;
  };
  const changed = () => {
    setIcon(toggle, sound.playing ? 'pause' : 'play');
    setLabel(toggle, sound.playing ? 'player.pause' : 'player.play');
    voices.forEach((voice) => voice.show());
    if (sound.playing && !frame) frame = requestAnimationFrame(step);
    show();
  };
  toggle.addEventListener('click', () => (sound.playing ? sound.pause() : sound.play()));
  rate.addEventListener('change', () => sound.setRate(Number(rate.value)));
  sound.addEventListener('change', changed);
  sound.addEventListener('problem', () => toasts.show({ key: 'player.problem', tone: 'warn' }));
  changed();
  return {
    element,
    playFrom(atS) {
      sound.seek(atS);
      sound.play();
    },
    close() {
      cancelAnimationFrame(frame);
      waves.forEach((wave) => wave.close());
      sound.close();
    },
  };
}

/**
 * Whose voice is heard.
 * @param {Sound} sound
 * @param {Role} role
 * @param {import('./session.js').Session} session
 */
function voiceButton(sound, role, session) {
  const name = () => session.peerNames[role] ?? t(`role.${role}`);
  const shown = session.peerNames[role] ? h('span', { text: name() }) : h('span', { t: `role.${role}` });
  const element = h('button', { class: 'voice', data: { role }, label: 'player.hear', params: { name }, attrs: { type: 'button' } }, icon('sound'), shown);
  element.disabled = !sound.mixed && !sound.voices.some((file) => file.role === role);
  element.addEventListener('click', () => sound.toggle(role));
  return {
    element,
    show() {
      const heard = sound.heard.has(role);
      element.setAttribute('aria-pressed', String(heard));
      setIcon(element, heard ? 'sound' : 'sound-off');
    },
  };
}

/**
 * The waveforms as a slider. While one drags, the sound goes on; it jumps when one lets go.
 * @param {Sound} sound
 * @param {HTMLElement[]} waves
 */
function seekBar(sound, waves) {
  const element = h('div', { class: 'seek', id: 'seek', label: 'player.position', attrs: { role: 'slider', tabindex: '0', 'aria-valuemin': '0', 'aria-valuemax': String(Math.round(sound.durationS)) } },
    ...waves, h('div', { class: 'playhead' }));
  element.removeAttribute('title');
  /** @type {number | null} */
  let draggedS = null;
  const show = () => {
    const atS = draggedS ?? sound.nowS;
    element.style.setProperty('--played', `${(100 * atS) / (sound.durationS || 1)}%`);
    const whole = String(Math.floor(atS));
    if (element.getAttribute('aria-valuenow') === whole) return;
    element.setAttribute('aria-valuenow', whole);
    element.setAttribute('aria-valuetext', t('player.at', { time: clock(atS), duration: clock(sound.durationS) }));
  };
  const at = (/** @type {PointerEvent} */ event) => {
    const { left, width } = element.getBoundingClientRect();
    return (Math.min(Math.max(0, event.clientX - left), width) / width) * sound.durationS;
  };
  const drag = (/** @type {PointerEvent} */ event) => {
    draggedS = at(event);
    show();
  };
  element.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    element.setPointerCapture(event.pointerId);
    drag(event);
  });
  element.addEventListener('pointermove', (event) => draggedS !== null && drag(event));
  element.addEventListener('pointerup', (event) => {
    if (draggedS === null) return;
    draggedS = null;
    sound.seek(at(event));
  });
  element.addEventListener('pointercancel', () => {
    draggedS = null;
    show();
  });
  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !press(sound, event.key)) return;
    event.preventDefault();
  });
  return { element, show };
}

/**
 * @param {Sound} sound
 * @param {string} key
 * @returns {boolean} whether the key means something here
 */
function press(sound, key) {
  const steps = /** @type {{ [key: string]: number }} */ ({
    ArrowLeft: -STEP_S, ArrowDown: -STEP_S, ArrowRight: STEP_S, ArrowUp: STEP_S, PageDown: -LEAP_S, PageUp: LEAP_S, Home: -Infinity, End: Infinity,
  });
  const step = steps[key];
  if (key === ' ') {
    if (sound.playing) sound.pause();
    else sound.play();
  } else if (step !== undefined) sound.seek(sound.nowS + step);
  return key === ' ' || step !== undefined;
}

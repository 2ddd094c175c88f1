/** How loud a voice is over the whole consultation: bars, drawn faint, and again in full for what has been played. */

import { h } from './dom.js';

const BAR_PX = 2;
const GAP_PX = 1;
/** A quiet voice fills its height as a loud one does, but hiss does not. */
const LEAST_LOUD = 0.08;
/** Ears hear levels, not amplitudes. */
const CURVE = 0.6;

/**
 * @param {import('./types.js').Role} role
 * @param {import('./types.js').RecordingPeaks | null} peaks
 * @returns {{ element: HTMLElement, close: () => void }}
 */
export function waveform(role, peaks) {
  const faint = h('canvas', { class: 'wave-all' });
  const played = h('canvas', { class: 'wave-played' });
  const element = h('div', { class: 'wave', data: { role } }, faint, played);
  const values = peaks?.peaks[role] ?? [];
  const loudest = values.reduce((most, value) => Math.max(most, value), (peaks?.loudest ?? 127) * LEAST_LOUD);
  const draw = () => {
    for (const canvas of [faint, played]) bars(canvas, values, loudest);
  };
  const resized = new ResizeObserver(draw);
  resized.observe(element);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  scheme.addEventListener('change', draw);
  return {
    element,
    close() {
      resized.disconnect();
      scheme.removeEventListener('change', draw);
    },
  };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} values
 * @param {number} loudest
 */
function bars(canvas, values, loudest) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const brush = canvas.getContext('2d');
  if (!brush || !width || !height) return;
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  brush.scale(canvas.width / width, canvas.height / height);
  brush.fillStyle = getComputedStyle(canvas).color;
  const count = Math.max(1, Math.floor((width + GAP_PX) / (BAR_PX + GAP_PX)));
  brush.beginPath();
  for (let bar = 0; bar < count; bar += 1) {
    const first = Math.floor((bar * values.length) / count);
    const last = Math.max(first + 1, Math.floor(((bar + 1) * values.length) / count));
    let most = 0;
    for (let index = first; index < last; index += 1) most = Math.max(most, values[index] ?? 0);
    const tall = Math.max(BAR_PX, height * (most / loudest) ** CURVE);
    brush.roundRect((bar * width) / count, (height - tall) / 2, BAR_PX, tall, BAR_PX / 2);
  }
  brush.fill();
}

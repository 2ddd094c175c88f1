/** How loud the microphone is, for a level bar. */

export class Meter {
  /** @param {HTMLElement} bar gets `--level` (0 to 1), and is told to screen readers as a meter */
  constructor(bar) {
    this.bar = bar;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {MediaStreamAudioSourceNode | null} */
    this.source = null;
    this.frame = 0;
    this.level = 0;
    this.toldMs = 0;
  }

  /**
   * Measure this track from now on; null stops.
   * @param {MediaStreamTrack | null} track
   */
  watch(track) {
    this.stop();
    if (!track) return;
    this.context = new AudioContext();
    // Before the first click the context may be suspended: the level then starts with the first gesture.
    const resume = () => void this.context?.resume();
    document.addEventListener('pointerdown', resume, { once: true });
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    this.source = this.context.createMediaStreamSource(new MediaStream([track]));
    this.source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const draw = () => {
      analyser.getFloatTimeDomainData(samples);
      this.#show(levelOf(samples));
      this.frame = requestAnimationFrame(draw);
    };
    draw();
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.source?.disconnect();
    this.source = null;
    void this.context?.close();
    this.context = null;
    this.#show(0);
  }

  /** @param {number} level */
  #show(level) {
    this.level = Math.max(level, this.level * 0.85);
    this.bar.style.setProperty('--level', this.level.toFixed(3));
    const nowMs = performance.now();
    if (nowMs - this.toldMs < 500) return;
    this.toldMs = nowMs;
    this.bar.setAttribute('aria-valuenow', String(Math.round(this.level * 100)));
  }
}

/**
 * Loudness from −60 dBFS (0) to −10 dBFS (1).
 * @param {Float32Array} samples
 */
function levelOf(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / samples.length + 1e-10);
  return Math.min(1, Math.max(0, (decibels + 60) / 50));
}

/** The sound of a consultation's recording: which file, from where, how fast, and whose voice. */

/**
 * @typedef {import('./types.js').RecordingFile} RecordingFile
 * @typedef {import('./types.js').Role} Role
 */

export const ROLES = /** @type {const} */ (['clinician', 'patient']);
const TYPES = { ogg: 'audio/ogg; codecs="opus"', wav: 'audio/wav' };
/** The server lets this browser listen for an hour. */
const RENEW_EVERY_MS = 40 * 60_000;
const FADE_S = 0.015;

/**
 * Tells `change` when it starts, stops, jumps or plays another voice, and `problem` when it cannot go on.
 * Times are seconds on the room clock, as in the transcript.
 */
export class Sound extends EventTarget {
  /**
   * @param {import('./api.js').Api} api
   * @param {RecordingFile[]} files
   */
  constructor(api, files) {
    super();
    this.api = api;
    this.audio = new Audio();
    this.audio.preload = 'metadata';
    const playable = files.filter(({ format }) => this.audio.canPlayType(TYPES[format]));
    this.mixed = playable.find(({ role }) => role === null) ?? null;
    this.voices = ROLES.flatMap((role) => playable.find((file) => file.role === role) ?? []);
    /** @type {Set<Role>} */
    this.heard = new Set(this.mixed ? ROLES : this.voices.slice(0, 1).flatMap(({ role }) => role ?? []));
    this.file = this.mixed ?? this.voices[0] ?? null;
    this.durationS = this.file ? this.file.start_s + this.file.duration_s : 0;
    /** @type {number | null} where to begin once the file is open */
    this.wantedS = 0;
    this.wanted = false;
    this.failures = 0;
    this.closed = false;
    /** @type {string | null} the present file, fetched whole */
    this.blobUrl = null;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {[Role, number, GainNode][]} voice, ear, how loud */
    this.gains = [];
    const changed = () => this.dispatchEvent(new Event('change'));
    for (const kind of ['play', 'pause', 'seeked', 'timeupdate', 'ended']) this.audio.addEventListener(kind, changed);
    this.audio.addEventListener('loadedmetadata', () => this.#opened());
    this.audio.addEventListener('ended', () => (this.wanted = false));
    this.audio.addEventListener('error', () => void this.#failed());
    this.renewing = setInterval(() => void api.listen().catch(() => {}), RENEW_EVERY_MS);
    void this.#open();
  }

  get playing() {
    return this.wanted && !this.audio.ended;
  }

  get nowS() {
    return this.wantedS ?? this.audio.currentTime + (this.file?.start_s ?? 0);
  }

  play() {
    if (!this.file) return;
    if (this.nowS >= this.durationS - 0.05) this.seek(0);
    this.wanted = true;
    void this.context?.resume();
    if (this.failures > 2) void this.#open();
    // What goes wrong is told by the element's own event.
    this.audio.play().catch(() => {});
    this.dispatchEvent(new Event('change'));
  }

  pause() {
    this.wanted = false;
    this.audio.pause();
    this.dispatchEvent(new Event('change'));
  }

  /** @param {number} atS */
  seek(atS) {
    const target = Math.min(Math.max(0, atS), this.durationS);
    if (this.wantedS === null) this.audio.currentTime = this.#inFile(target);
    else this.wantedS = target;
    this.dispatchEvent(new Event('change'));
  }

  /** @param {number} rate */
  setRate(rate) {
    this.audio.defaultPlaybackRate = rate;
    this.audio.playbackRate = rate;
  }

  /**
   * Hear a voice or not; one is always heard.
   * @param {Role} role
   */
  toggle(role) {
    const other = role === 'clinician' ? 'patient' : 'clinician';
    if (!this.mixed) this.#switchTo(role);
    else if (!this.heard.delete(role)) this.heard.add(role);
    else if (!this.heard.size) this.heard.add(other);
    if (this.mixed) this.#route();
    this.dispatchEvent(new Event('change'));
  }

  close() {
    clearInterval(this.renewing);
    this.closed = true;
    this.wanted = false;
    this.audio.removeAttribute('src');
    this.audio.load();
    this.#forgetBlob();
    void this.context?.close();
  }

  /** @param {number} atS */
  #inFile(atS) {
    return Math.max(0, atS - (this.file?.start_s ?? 0));
  }

  #forgetBlob() {
    if (this.blobUrl) URL.revokeObjectURL(this.blobUrl);
    this.blobUrl = null;
  }

  async #open() {
    this.failures = 0;
    await this.api.listen().catch(() => {});
    if (this.closed) return;
    // It may be the other voice's, which must not be heard as this one's.
    this.#forgetBlob();
    if (this.file) this.audio.src = this.api.recordingUrl(this.file.name);
    if (this.wanted) this.audio.play().catch(() => {});
  }

  #opened() {
    if (this.wantedS !== null) this.audio.currentTime = this.#inFile(this.wantedS);
    this.wantedS = null;
  }

  /** Ask again for leave to listen; where that does not help, fetch the whole file with the token; then give up. */
  async #failed() {
    if (!this.file || !this.audio.getAttribute('src')) return;
    this.wantedS ??= this.nowS;
    this.failures += 1;
    const { file } = this;
    if (this.failures > 2) {
      this.pause();
      this.dispatchEvent(new Event('problem'));
      return;
    }
    try {
      if (this.failures === 1) await this.api.listen();
      else {
        const whole = await this.api.recordingFile(file.name);
        if (this.closed || file !== this.file) return;
        this.blobUrl = URL.createObjectURL(whole);
      }
    } catch {
      this.failures = 2;
    }
    if (this.closed || file !== this.file) return;
    this.audio.src = this.failures > 1 && this.blobUrl ? this.blobUrl : this.api.recordingUrl(file.name);
    if (this.wanted) this.audio.play().catch(() => {});
  }

  /** @param {Role} role */
  #switchTo(role) {
    const voice = this.voices.find((file) => file.role === role);
    if (!voice || voice === this.file) return;
    this.wantedS = this.nowS;
    this.file = voice;
    this.heard = new Set([role]);
    void this.#open();
  }

  /** The clinician is left and the patient right; who is heard alone is heard in both ears. */
  #route() {
    const context = (this.context ??= this.#wired());
    void context.resume();
    for (const [role, ear, gain] of this.gains) {
      const own = ROLES.indexOf(role) === ear;
      const loud = this.heard.has(role) && (own || this.heard.size === 1);
      gain.gain.setTargetAtTime(loud ? 1 : 0, context.currentTime, FADE_S);
    }
  }

  #wired() {
    const context = new AudioContext();
    const split = context.createChannelSplitter(2);
    const join = context.createChannelMerger(2);
    context.createMediaElementSource(this.audio).connect(split);
    for (const [channel, role] of ROLES.entries()) {
      for (const ear of [0, 1]) {
        const gain = context.createGain();
        gain.gain.value = channel === ear ? 1 : 0;
        split.connect(gain, channel);
        gain.connect(join, 0, ear);
        this.gains.push([role, ear, gain]);
      }
    }
    join.connect(context.destination);
    return context;
  }
}

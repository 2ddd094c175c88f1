/** This person's microphone, camera, screen and speaker. Works with any of them missing. */

/**
 * @typedef {'denied' | 'not_found' | 'busy' | 'insecure' | 'unknown'} DeviceError
 * @typedef {'microphone' | 'camera'} Kind
 */

/** @type {Record<string, DeviceError>} */
const ERRORS = {
  NotAllowedError: 'denied', SecurityError: 'denied', NotFoundError: 'not_found', OverconstrainedError: 'not_found',
  NotReadableError: 'busy', AbortError: 'busy',
};
/** @type {MediaTrackConstraints} */
const VOICE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
/** @type {MediaTrackConstraints} */
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };

export class Devices {
  constructor() {
    /** @type {Record<Kind, MediaStreamTrack | null>} */
    this.tracks = { microphone: null, camera: null };
    /** @type {Record<Kind, DeviceError | null>} */
    this.errors = { microphone: null, camera: null };
    /** @type {Record<Kind, boolean>} */
    this.on = { microphone: true, camera: true };
    /** @type {MediaStreamTrack | null} */
    this.screen = null;
    this.speakerId = '';
    /** @type {Set<() => void>} */
    this.watchers = new Set();
    /** @type {{ context: AudioContext, track: MediaStreamTrack } | null} */
    this.silence = null;
    navigator.mediaDevices?.addEventListener?.('devicechange', () => this.#changed());
  }

  /** Ask for both at once, so that the browser asks once; then for each alone, so that one may be missing. */
  async open() {
    try {
      const stream = await getMedia({ audio: VOICE, video: PICTURE });
      this.#take('microphone', stream.getAudioTracks()[0] ?? null);
      this.#take('camera', stream.getVideoTracks()[0] ?? null);
    } catch {
      await this.use('microphone', '');
      await this.use('camera', '');
    }
    this.#changed();
  }

  /**
   * Switch to another device; keeps the old one if the new one fails.
   * @param {Kind} kind
   * @param {string} deviceId '' for the default
   */
  async use(kind, deviceId) {
    const wish = { ...(kind === 'microphone' ? VOICE : PICTURE), ...(deviceId ? { deviceId: { exact: deviceId } } : {}) };
    try {
      const stream = await getMedia(kind === 'microphone' ? { audio: wish } : { video: wish });
      this.#take(kind, stream.getTracks()[0] ?? null);
    } catch (error) {
      this.errors[kind] = (error instanceof DOMException && ERRORS[error.name]) || errorWithoutName(error);
    }
    this.#changed();
  }

  /** @returns {Promise<Record<Kind | 'speaker', MediaDeviceInfo[]>>} */
  async list() {
    const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    /** @param {MediaDeviceKind} kind */
    const of = (kind) => all.filter((device) => device.kind === kind && device.deviceId);
    const canChooseSpeaker = 'setSinkId' in HTMLMediaElement.prototype;
    return {
      microphone: of('audioinput'),
      camera: of('videoinput'),
      speaker: canChooseSpeaker ? of('audiooutput') : [],
    };
  }

  /**
   * @param {Kind} kind
   * @param {boolean} on
   */
  setOn(kind, on) {
    this.on[kind] = on;
    const track = this.tracks[kind];
    if (track) track.enabled = on;
    this.#changed();
  }

  /** @param {string} deviceId */
  setSpeaker(deviceId) {
    this.speakerId = deviceId;
    this.#changed();
  }

  /** @param {Kind} kind */
  sends(kind) {
    return this.on[kind] && this.tracks[kind] !== null;
  }

  /** Ask for a screen to share. @returns {Promise<boolean>} false if the person changed their mind */
  async startScreen() {
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: false });
      const track = stream.getVideoTracks()[0] ?? null;
      if (!track) return false;
      track.contentHint = 'detail';
      track.addEventListener('ended', () => this.stopScreen());
      this.screen = track;
      this.#changed();
      return true;
    } catch {
      return false;
    }
  }

  stopScreen() {
    this.screen?.stop();
    this.screen = null;
    this.#changed();
  }

  /** What the connection should send now: without a microphone, silence, so that the server still hears that we are here. */
  outgoing() {
    return { audio: this.tracks.microphone ?? this.#silentTrack(), video: this.screen ?? this.tracks.camera };
  }

  /** Release everything. */
  close() {
    for (const track of [this.tracks.microphone, this.tracks.camera, this.screen, this.silence?.track]) track?.stop();
    void this.silence?.context.close();
    this.tracks = { microphone: null, camera: null };
    this.screen = null;
    this.silence = null;
    this.#changed();
  }

  /**
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  #take(kind, track) {
    this.tracks[kind]?.stop();
    this.tracks[kind] = track;
    this.errors[kind] = null;
    if (!track) return;
    track.enabled = this.on[kind];
    if (kind === 'camera') track.contentHint = 'motion';
    track.addEventListener('ended', () => {
      if (this.tracks[kind] !== track) return;
      this.tracks[kind] = null;
      void this.use(kind, '');
    });
  }

  #silentTrack() {
    if (!this.silence) {
      const context = new AudioContext();
      const source = context.createConstantSource();
      source.offset.value = 0;
      const destination = context.createMediaStreamDestination();
      source.connect(destination);
      source.start();
      const track = destination.stream.getAudioTracks()[0];
      if (!track) return null;
      this.silence = { context, track };
    }
    return this.silence.track;
  }

  #changed() {
    for (const watcher of this.watchers) watcher();
  }
}

/** @param {MediaStreamConstraints} constraints */
function getMedia(constraints) {
  if (!navigator.mediaDevices?.getUserMedia) return Promise.reject(new TypeError('insecure'));
  return navigator.mediaDevices.getUserMedia(constraints);
}

/** @param {unknown} error @returns {DeviceError} */
function errorWithoutName(error) {
  return error instanceof TypeError ? 'insecure' : 'unknown';
}

/** What the page asks of the REST API, with the join token as its bearer. */

/**
 * @typedef {import('./types.js').RecordingFile} RecordingFile
 * @typedef {'vtt' | 'srt' | 'text'} TranscriptFormat
 */

export class Api {
  /**
   * @param {string} token
   * @param {string} consultationId
   */
  constructor(token, consultationId) {
    this.token = token;
    this.base = `/api/consultations/${encodeURIComponent(consultationId)}`;
  }

  /** @returns {Promise<import('./types.js').ConsultationDetail>} */
  async consultation() {
    return (await this.#get('')).json();
  }

  /** @returns {Promise<import('./types.js').Utterance[]>} */
  async transcript() {
    return (await (await this.#get('/transcript')).json()).utterances;
  }

  /** @returns {Promise<RecordingFile[]>} */
  async recordings() {
    return (await (await this.#get('/recordings')).json()).files;
  }

  /** @param {TranscriptFormat} format */
  async transcriptFile(format) {
    return (await this.#get(`/transcript?format=${format}`)).blob();
  }

  /** @param {string} name */
  async recordingFile(name) {
    return (await this.#get(`/recordings/${encodeURIComponent(name)}`)).blob();
  }

  /** @param {string} path */
  async #get(path) {
    const response = await fetch(this.base + path, { headers: { Authorization: `Bearer ${this.token}` } });
    if (!response.ok) throw new Error(`${path || 'consultation'}: ${response.status}`);
    return response;
  }
}

/**
 * Hand a file to the browser's downloads.
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

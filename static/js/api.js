/** What the page asks of the REST API, with the join token as its bearer. */

/** @typedef {'vtt' | 'srt' | 'text' | 'docx'} TranscriptFormat */

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
    return (await this.#ask('')).json();
  }

  /**
   * As it was heard live, or finally: by the second pass over the recording.
   * @param {import('./types.js').Edition} edition
   * @returns {Promise<import('./types.js').Transcript>}
   */
  async transcript(edition) {
    return (await this.#ask(`/transcript?edition=${edition}`)).json();
  }

  /**
   * What an edition of the transcript names: for the clinician.
   * @param {import('./types.js').Edition} edition
   * @returns {Promise<import('./entities.js').Entity[]>}
   */
  async entities(edition) {
    return (await (await this.#ask(`/entities?edition=${edition}`)).json()).entities;
  }

  /** @returns {Promise<{ tip: import('./types.js').Tip, mark: import('./types.js').TipMark | null, released_at_s: number | null }[]>} */
  async tips() {
    return (await (await this.#ask('/tips')).json()).tips;
  }

  /** @returns {Promise<import('./types.js').ChatSent[]>} */
  async chat() {
    return (await (await this.#ask('/chat')).json()).messages;
  }

  /** @returns {Promise<import('./types.js').RecordingList>} */
  async recordings() {
    return (await this.#ask('/recordings')).json();
  }

  /** @returns {Promise<import('./types.js').RecordingPeaks>} */
  async peaks() {
    return (await this.#ask('/recordings/peaks.json')).json();
  }

  /** Let this browser's own player ask for recordings, at `recordingUrl`: for an hour, by a cookie of theirs alone. */
  async listen() {
    await this.#ask('/listening', 'POST');
  }

  /** @param {string} name */
  recordingUrl(name) {
    return `${this.base}/recordings/${encodeURIComponent(name)}`;
  }

  /**
   * @param {TranscriptFormat} format
   * @param {import('./types.js').Edition | null} edition null: the one that counts
   */
  async transcriptFile(format, edition) {
    return (await this.#ask(`/transcript?format=${format}${edition ? `&edition=${edition}` : ''}`)).blob();
  }

  /** @param {string} name */
  async recordingFile(name) {
    return (await this.#ask(`/recordings/${encodeURIComponent(name)}`)).blob();
  }

  /**
   * @param {string} path
   * @param {'GET' | 'POST'} [method]
   */
  async #ask(path, method = 'GET') {
    const response = await fetch(this.base + path, { method, headers: { Authorization: `Bearer ${this.token}` } });
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

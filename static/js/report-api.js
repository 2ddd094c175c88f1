/** What the page asks of the report, with the join token as its bearer. */

/** The server refused: `code` is for the page, `message` for a person where the page has no words of its own. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export class ReportApi {
  /** @param {import('./api.js').Api} api */
  constructor(api) {
    this.token = api.token;
    this.base = `${api.base}/report`;
  }

  /**
   * The newest version, drafted now if there is none yet; or another.
   * @param {number} [version]
   * @returns {Promise<import('./types.js').Report>}
   */
  read(version) {
    return this.#ask(version ? `?version=${version}` : '');
  }

  /** @returns {Promise<import('./types.js').ReportList>} */
  versions() {
    return this.#ask('/versions');
  }

  /**
   * @param {string} template
   * @returns {Promise<import('./types.js').Report>}
   */
  draft(template) {
    return this.#ask('/drafts', { template });
  }

  /**
   * @param {number} base
   * @param {import('./types.js').ReportChange[]} changes
   * @returns {Promise<import('./types.js').Report>}
   */
  change(base, changes) {
    return this.#ask('/changes', { base, changes });
  }

  /**
   * @param {number} version
   * @param {string} name
   * @returns {Promise<import('./types.js').Report>}
   */
  sign(version, name) {
    return this.#ask('/signature', { version, name });
  }

  /**
   * @param {number} version
   * @returns {Promise<import('./types.js').ReportVerification>}
   */
  verify(version) {
    return this.#ask(`/verification?version=${version}`);
  }

  /**
   * A version as a file; its dates are those of this device's time zone.
   * @param {import('./report-files.js').ReportForm} form
   * @param {number} version
   * @returns {Promise<Blob>}
   */
  async file(form, version) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const shown = zone ? `&time_zone=${encodeURIComponent(zone)}` : '';
    return (await this.#fetch(`.${form}?version=${version}${shown}`)).blob();
  }

  /**
   * @param {string} path
   * @param {object} [body]
   */
  async #ask(path, body) {
    return (await this.#fetch(path, body)).json();
  }

  /**
   * @param {string} path
   * @param {object} [body]
   */
  async #fetch(path, body) {
    const headers = { Authorization: `Bearer ${this.token}`, ...(body ? { 'Content-Type': 'application/json' } : {}) };
    const response = await fetch(this.base + path, { method: body ? 'POST' : 'GET', headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    if (response.ok) return response;
    const answer = await response.json().catch(() => null);
    throw new Refused(response.status, answer?.error?.code ?? 'internal', answer?.error?.message ?? '');
  }
}

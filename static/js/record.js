/** What was said, typed and advised so far; filled by events, read by the views and by the summary. */

/**
 * @typedef {import('./types.js').Role} Role
 * @typedef {object} Caption
 * @property {string} id
 * @property {Role} role
 * @property {number} startS
 * @property {number} endS
 * @property {string} text
 * @property {number} settledChars
 * @property {boolean} final
 * @property {boolean} gap the server could not hear this stretch
 * @property {string} language
 *
 * @typedef {{ tip: import('./types.js').Tip, atS: number, mark: import('./types.js').TipMark | null, released: boolean }} TipEntry
 * @typedef {{ id: string, text: string, atS: number }} QuestionEntry
 * @typedef {{ id: string, role: Role, name: string, text: string, atS: number, pending: boolean }} ChatEntry
 * @typedef {{ caption: Caption, entities: string[], tip: TipEntry, chat: ChatEntry, question: QuestionEntry, removed: Caption }} Changes
 */

export class Record extends EventTarget {
  constructor() {
    super();
    /** @type {Map<string, Caption>} */
    this.captions = new Map();
    /** @type {Map<string, import('./entities.js').Entity>} */
    this.entities = new Map();
    /** @type {Map<string, TipEntry>} */
    this.tips = new Map();
    /** @type {Map<string, ChatEntry>} */
    this.chat = new Map();
    /** @type {Map<string, QuestionEntry>} */
    this.questions = new Map();
    /** @type {Map<string, number>} */
    this.interimSince = new Map();
  }

  /** @param {Caption} caption */
  putCaption(caption) {
    const known = this.captions.get(caption.id);
    if (known?.final) return;
    if (!caption.text && !caption.gap) {
      if (known) this.#remove(known);
      return;
    }
    this.captions.set(caption.id, caption);
    if (!caption.final) this.interimSince.set(caption.id, performance.now());
    this.#tell('caption', caption);
  }

  /** @param {import('./entities.js').Entity[]} entities each as it stands now; views are told whose utterances changed */
  putEntities(entities) {
    for (const entity of entities) this.entities.set(entity.id, entity);
    this.#tell('entities', [...new Set(entities.map((entity) => entity.utterance_id))]);
  }

  /** @param {string} utteranceId */
  entitiesOf(utteranceId) {
    return [...this.entities.values()].filter((entity) => entity.utterance_id === utteranceId);
  }

  /** @param {TipEntry} entry one that is known already, as after a restart of the server, stays as it is */
  putTip(entry) {
    if (this.tips.has(entry.tip.id)) return;
    this.tips.set(entry.tip.id, entry);
    this.#tell('tip', entry);
  }

  /**
   * @param {string} id
   * @param {import('./types.js').TipMark} mark
   */
  markTip(id, mark) {
    const entry = this.tips.get(id);
    if (!entry) return;
    const marked = { ...entry, mark };
    this.tips.set(id, marked);
    this.#tell('tip', marked);
  }

  /**
   * @param {import('./types.js').Tip} tip an explanation that the patient has now
   * @param {number} atS
   */
  releaseTip(tip, atS) {
    const known = this.tips.get(tip.id);
    const entry = { tip: known?.tip ?? tip, atS: known?.atS ?? atS, mark: known?.mark ?? null, released: true };
    this.tips.set(tip.id, entry);
    this.#tell('tip', entry);
  }

  /** @param {QuestionEntry} entry */
  putQuestion(entry) {
    this.questions.set(entry.id, entry);
    this.#tell('question', entry);
  }

  /** Questions that have no answer yet. */
  pendingQuestions() {
    const answered = new Set([...this.tips.values()].map(({ tip }) => tip.question_id));
    return [...this.questions.values()].filter(({ id }) => !answered.has(id));
  }

  /** @param {ChatEntry} entry */
  putChat(entry) {
    if (this.chat.get(entry.id)?.pending === false) return;
    this.chat.set(entry.id, entry);
    this.#tell('chat', entry);
  }

  /**
   * Forget interims that nobody has updated for a while: their final was lost, or they were no speech.
   * @param {number} olderThanMs
   */
  dropStale(olderThanMs) {
    const now = performance.now();
    for (const [id, since] of [...this.interimSince]) {
      const caption = this.captions.get(id);
      if (!caption || caption.final) this.interimSince.delete(id);
      else if (now - since > olderThanMs) this.#remove(caption);
    }
  }

  /** Forget interims, of which nothing will follow any more. */
  settle() {
    for (const caption of [...this.captions.values()]) if (!caption.final) this.#remove(caption);
  }

  /** Final captions in the order of speaking. */
  transcript() {
    return [...this.captions.values()].filter((caption) => caption.final && !caption.gap).sort(byStart);
  }

  /**
   * @template {keyof Changes} K
   * @param {K} kind
   * @param {(value: Changes[K]) => void} listener
   */
  on(kind, listener) {
    this.addEventListener(kind, (event) => listener(/** @type {CustomEvent<Changes[K]>} */ (event).detail));
  }

  /** @param {Caption} caption */
  #remove(caption) {
    this.captions.delete(caption.id);
    this.#tell('removed', caption);
  }

  /**
   * @param {keyof Changes} kind
   * @param {Caption | string[] | TipEntry | ChatEntry | QuestionEntry} detail
   */
  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

/**
 * @param {Caption} a
 * @param {Caption} b
 */
function byStart(a, b) {
  return a.startS - b.startS || a.id.localeCompare(b.id);
}

/** The report of a consultation that is over: drafted, checked, changed, signed. The clinician's alone. */

import { confirm } from './dialogs.js';
import { h, setText } from './dom.js';
import { refusal } from './events.js';
import { locale } from './i18n.js';
import { Refused, ReportApi } from './report-api.js';
import { reportFiles } from './report-files.js';
import { speakerOf, statementRow, textEditor } from './report-statement.js';
import { signaturePart } from './report-signature.js';

/**
 * @typedef {import('./types.js').Report} Report
 * @typedef {import('./types.js').ReportList} ReportList
 */

const LOOK_AGAIN_MS = 5_000;

/** @param {import('./after.js').AfterOptions} options */
export function reportSection(options) {
  const { session, toasts } = options;
  const api = new ReportApi(options.api);
  const status = h('p', { class: 'muted', t: 'report.waiting', attrs: { role: 'status' } });
  const head = h('div', { class: 'report-tools' });
  const body = h('div', { class: 'report-body' });
  const foot = h('div', { class: 'report-foot' });
  const title = h('h2', { t: 'report.title', attrs: { tabindex: '-1' } });
  const element = h('section', { class: 'card', id: 'report' }, title, status, head, body, foot);
  /** @type {((atS: number) => void) | null} */
  let playFrom = null;
  /** @type {Report | null} */
  let shown = null;
  /** @type {ReportList | null} */
  let listed = null;
  let closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const newest = () => listed?.versions.at(-1)?.version ?? 0;
  const refuse = (/** @type {unknown} */ error) => toasts.show(error instanceof Refused ? refusal(error.code, error.message) : { key: 'error.unavailable', tone: 'warn' });

  const load = async (/** @type {number | undefined} */ version) => {
    clearTimeout(timer);
    try {
      const report = await api.read(version);
      const list = await api.versions();
      if (closed) return;
      show(report, list);
    } catch (error) {
      if (closed) return;
      const nothing = error instanceof Refused && error.status === 404;
      setText(status, nothing ? 'report.none' : 'report.unavailable');
      status.hidden = false;
      if (!nothing) timer = setTimeout(() => void load(version), LOOK_AGAIN_MS);
    }
  };
  /** While a model writes, its draft comes by itself, unless somebody is at work here. */
  const follow = async () => {
    const list = await api.versions().catch(() => null);
    if (closed) return;
    const busy = element.querySelector('textarea');
    if (list && !busy && shown?.version === newest() && (list.versions.at(-1)?.version ?? 0) > newest()) await load(undefined);
    else if (list?.writing) timer = setTimeout(() => void follow(), LOOK_AGAIN_MS);
    else if (list && shown) show(shown, list);
  };
  const act = async (/** @type {() => Promise<Report>} */ work) => {
    element.setAttribute('aria-busy', 'true');
    try {
      const report = await work();
      const list = await api.versions();
      if (!closed) show(report, list);
      return true;
    } catch (error) {
      const conflict = error instanceof Refused && error.code === 'conflict';
      if (conflict) toasts.show({ key: 'report.conflict', tone: 'warn' });
      else refuse(error);
      if (conflict) await load(undefined);
      return false;
    } finally {
      element.removeAttribute('aria-busy');
    }
  };
  const change = (/** @type {import('./types.js').ReportChange} */ one) => act(() => api.change(shown?.version ?? 0, [one]));

  const show = (/** @type {Report} */ report, /** @type {ReportList} */ list) => {
    shown = report;
    listed = list;
    const current = report.version === newest();
    if (list.writing) setText(status, 'report.writing');
    else if (!current) setText(status, 'report.old');
    status.hidden = !list.writing && current;
    head.replaceChildren(...tools(report, list));
    body.replaceChildren(...report.sections.map((section) => sectionPart(report, section, current)));
    foot.replaceChildren(signaturePart({ report, current, api, name: session.name, refuse, sign: (name) => act(() => api.sign(report.version, name)) }), reportFiles({ report, api, toasts }));
    if (list.writing) timer = setTimeout(() => void follow(), LOOK_AGAIN_MS);
  };
  const sectionPart = (/** @type {Report} */ report, /** @type {import('./types.js').ReportSection} */ section, /** @type {boolean} */ editable) => {
    const rows = section.statements.map((statement) => statementRow(statement, {
      language: report.language, editable, change, player: () => playFrom, speaker: (proof) => speakerOf(session, proof),
    }));
    const rowsList = h('ul', { class: 'statements' }, ...rows);
    const add = h('button', { class: 'button quiet small', t: 'report.add', attrs: { type: 'button' } });
    add.addEventListener('click', () => {
      const editor = textEditor('', report.language, (text) => void change({ kind: 'add', section_id: section.id, text }), () => {
        editor.remove();
        add.hidden = false;
        add.focus();
      });
      rowsList.append(editor);
      add.hidden = true;
      editor.querySelector('textarea')?.focus();
    });
    const none = rows.length ? null : h('p', { class: 'muted', t: 'report.empty' });
    return h('section', { class: 'report-section', data: { section: section.id } }, h('h3', { text: section.title, attrs: { lang: report.language } }), none, rowsList, editable ? add : null);
  };
  const tools = (/** @type {Report} */ report, /** @type {ReportList} */ list) => {
    const version = h('select', { id: 'report-version', label: 'report.version' }, ...list.versions.toReversed().map((one) => {
      const option = h('option', { attrs: { value: String(one.version) } });
      setText(option, one.signed_by ? 'report.versionSigned' : one.author ? 'report.versionEdited' : one.model ? 'report.versionModel' : 'report.versionRules',
        { version: one.version, when: () => when(one.created_at), who: one.author });
      option.selected = one.version === report.version;
      return option;
    }));
    version.addEventListener('change', () => void load(Number(version.value)));
    const template = h('select', { id: 'report-template', label: 'report.template' }, ...list.templates.map(({ id, title }) => {
      const option = h('option', { text: title, attrs: { value: id } });
      option.selected = id === report.template;
      return option;
    }));
    const anew = h('button', { class: 'button small', id: 'report-draft', t: 'report.draft', attrs: { type: 'button' } });
    anew.addEventListener('click', () => confirm(element, { id: 'confirm-draft', title: 'report.draftTitle', text: 'report.draftText', confirm: 'report.draft' },
      () => void act(() => api.draft(template.value))));
    return [version, h('div', { class: 'report-anew' }, template, anew)];
  };
  void load(undefined);
  // The address holds the token where others name a place in the page.
  const link = h('button', { class: 'button small', id: 'to-report', t: 'report.goto', attrs: { type: 'button' } });
  link.addEventListener('click', () => {
    const gently = !matchMedia('(prefers-reduced-motion: reduce)').matches;
    element.scrollIntoView({ behavior: gently ? 'smooth' : 'auto' });
    title.focus({ preventScroll: true });
  });
  return {
    element,
    link,
    /** Let each statement be played. @param {(atS: number) => void} from */
    offer(from) {
      playFrom = from;
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** @param {string} time */
function when(time) {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'short', timeStyle: 'short' }).format(new Date(time));
}

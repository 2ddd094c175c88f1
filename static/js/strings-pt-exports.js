/** Português do Brasil: o relatório em arquivo. */

/** @type {{ [key in keyof typeof import('./strings-en-exports.js').enExports]: string }} */
export const ptExports = {
  'report.files': 'Levar esta versão',
  'report.filesDraft': 'Levar esta versão; ela diz em cada página que é um rascunho não assinado',
};

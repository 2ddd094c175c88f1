/** English: the report as a file. */

export const enExports = {
  'report.files': 'Take this version along',
  'report.filesDraft': 'Take this version along; it says on every page that it is an unsigned draft',
};

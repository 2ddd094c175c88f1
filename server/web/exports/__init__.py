"""A consultation's report as a file: Markdown, Word, PDF, FHIR. Pure: a `Dossier` goes in, a file comes out."""

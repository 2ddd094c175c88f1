"""A report as a FHIR R4 document: a bundle that begins with a Composition. Plain dictionaries, ready for JSON."""

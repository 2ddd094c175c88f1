"""Words to entities: editable vocabularies and grammars, compiled; no model."""

"""The nouns everything speaks of. Imports nothing else of ours."""

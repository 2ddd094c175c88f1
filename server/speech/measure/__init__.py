"""How good, how fast and how steady captions are, beside other ways to use the same model."""

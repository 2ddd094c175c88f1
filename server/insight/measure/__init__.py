"""How well consultations are understood, against what people marked in them."""

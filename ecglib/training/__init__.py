"""Examples to trained weights and their history."""

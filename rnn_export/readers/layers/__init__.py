"""How each Keras layer becomes ops: one small file for each family, one table of them all."""

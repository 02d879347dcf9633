"""How networks learn: the loops of the three papers, each readable from top to bottom."""

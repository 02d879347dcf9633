"""How networks learn: the loops of the three papers, each readable from top to bottom."""


class Diverged(RuntimeError):
    """Training met a loss that is not finite; the message names iteration and last good checkpoint."""

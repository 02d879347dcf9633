"""Pre-training: tasks on one and the same set of pictures, so that only what is asked of them differs."""

from .base import Architecture, Pretext
from .contrast import Projector, nt_xent
from .corruption import CORRUPTIONS
from .tasks import Classification, Contrastive, ContrastiveReconstruction, Reconstruction, Segmentation

__all__ = [
    "CORRUPTIONS",
    "Architecture",
    "Classification",
    "Contrastive",
    "ContrastiveReconstruction",
    "Pretext",
    "Projector",
    "Reconstruction",
    "Segmentation",
    "nt_xent",
]

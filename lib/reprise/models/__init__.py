"""Networks of the three papers, and named layers of any network."""

from .activations import capture, layer_names
from .conv4 import BatchStatisticsNorm, Conv4Maml, Conv4Transfer

__all__ = ["BatchStatisticsNorm", "Conv4Maml", "Conv4Transfer", "capture", "layer_names"]

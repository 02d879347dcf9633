"""ResNet-18 for 32×32 images: torchvision's, with the stem that is meant for ImageNet, as in study 2."""

from torch import nn

RESNET18_LAYERS = {"stem": "maxpool", **{f"layer{i}": f"layer{i}" for i in range(1, 5)}, "logits": "fc"}
"""Names of the layers that study 2 looks at → dotted names in torchvision's ResNet."""

RESNET18_STAGES = {
    "stem": ("conv1", "bn1"),
    **{f"layer{i}": (f"layer{i}",) for i in range(1, 5)},
    "head": ("fc",),
}
"""Stages in order of depth → prefixes of their parameters; what can be frozen."""


def resnet18(classes: int, imagenet: bool = False) -> nn.Module:
    """ResNet-18 with a fresh head.

    At 32×32 the stem (7×7 convolution and pooling, both of stride 2) leaves 8×8, and the stages 8, 4, 2
    and 1: a batch must have two images at least for batch norm to have anything to take statistics of.

    Args:
        classes: Classes to tell apart, at least 2.
        imagenet: Give the body the weights that torchvision publishes (fetched once into torch's cache).

    Raises:
        ValueError: Fewer than 2 classes.
    """
    from torchvision.models import ResNet18_Weights
    from torchvision.models import resnet18 as build

    if classes < 2:
        raise ValueError(f"classes must be at least 2, not {classes}")
    model = build(weights=ResNet18_Weights.IMAGENET1K_V1 if imagenet else None)
    model.fc = nn.Linear(model.fc.in_features, classes)
    return model

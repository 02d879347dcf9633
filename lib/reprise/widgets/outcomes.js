// What became of networks, by what they started from, their share of labels and their seed: without a page.

/** Numbers of all units as they were packed; a unit is [start, share, seed, kept], each but the last an index. */
export class Outcomes {
  constructor({ units, qualities, steps, measures, layers }, { quality, curve, change, fresh }) {
    this.units = units;
    this.size = { qualities: qualities.length, steps: steps.length, measures: measures.length, layers: layers.length };
    Object.assign(this, { qualities: quality, curves: curve, changes: change, freshChanges: fresh });
  }

  /** Places of the units of a condition, in order of their seeds. */
  of(start, share) {
    const found = [...this.units.keys()].filter((k) => this.units[k][0] === start && this.units[k][1] === share);
    return found.sort((i, j) => this.units[i][2] - this.units[j][2]);
  }

  /** Place of one unit, or −1. */
  find(start, share, seed) {
    return this.units.findIndex(([a, b, c]) => a === start && b === share && c === seed);
  }

  /** Shares of labels at which a start has units. */
  shares(start) {
    return [...new Set(this.units.filter(([a]) => a === start).map(([, share]) => share))].sort((a, b) => a - b);
  }

  quality(which, unit) {
    return this.qualities[unit * this.size.qualities + which];
  }

  curve(unit) {
    return this.curves.subarray(unit * this.size.steps, (unit + 1) * this.size.steps);
  }

  /** Change of every layer by fine-tuning, or against a fresh network. */
  change(measure, unit, fresh = false) {
    const from = (unit * this.size.measures + measure) * this.size.layers;
    return (fresh ? this.freshChanges : this.changes).subarray(from, from + this.size.layers);
  }

  /** Quality of condition b less that of a, for every seed that both have. */
  gains(which, a, b) {
    const pairs = a.map((unit) => [unit, b.find((other) => this.units[other][2] === this.units[unit][2])]);
    return pairs
      .filter(([, other]) => other !== undefined)
      .map(([unit, other]) => this.quality(which, other) - this.quality(which, unit));
  }
}

/** Mean of some numbers with its t interval (NaN with fewer than two); `quantiles` for 2, 3, … of them. */
export function meanInterval(values, quantiles) {
  const n = values.length;
  const mean = n ? values.reduce((sum, value) => sum + value, 0) / n : NaN;
  if (n < 2) return { n, mean, low: NaN, high: NaN };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = quantiles[n - 2] * Math.sqrt(variance / n);
  return { n, mean, low: mean - half, high: mean + half };
}

/** Classes of one unit's pixels, `bits` each, packed from the highest bit on; every unit begins at a byte. */
export function unpackClasses(bytes, unit, pixels, bits) {
  const start = unit * Math.ceil((pixels * bits) / 8);
  const result = new Uint8Array(pixels);
  for (let k = 0; k < pixels; k++) {
    const at = k * bits;
    result[k] = (bytes[start + (at >> 3)] >> (8 - bits - (at & 7))) & ((1 << bits) - 1);
  }
  return result;
}

/** IoU of each class over labelled pixels, NaN where it occurs in neither, and the mean over the others. */
export function agreement(predicted, truth, classes, ignored = 255) {
  const [both, either] = [new Float64Array(classes), new Float64Array(classes)];
  for (let k = 0; k < truth.length; k++) {
    if (truth[k] === ignored) continue;
    either[truth[k]] += 1;
    if (predicted[k] === truth[k]) both[truth[k]] += 1;
    else either[predicted[k]] += 1;
  }
  const iou = both.map((count, k) => (either[k] ? count / either[k] : NaN));
  const known = iou.filter((value) => !Number.isNaN(value));
  return { iou, mean: known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : NaN };
}

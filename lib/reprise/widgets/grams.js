// What follows from stimulus Grams: RDMs, kernels, centring, step by step as reprise.similarity computes it.
// A state is { gram, mean, features, n }: float32 upper triangle with its diagonal, row by row; float32 means
// over features; number of features; number of stimuli. Everything after that is in double precision.

/** Spacing of float32 at 1: below what stored Grams can tell apart, stimuli count as equal. */
export const SINGLE = 2 ** -23;

/** Gram of the kept stimuli as a full matrix, (m, m) row by row. */
export function keptGram(state, keep) {
  const m = keep.length;
  const full = new Float64Array(m * m);
  for (let a = 0; a < m; a++) {
    for (let b = a; b < m; b++) {
      const i = Math.min(keep[a], keep[b]);
      const j = Math.max(keep[a], keep[b]);
      full[a * m + b] = full[b * m + a] = state.gram[i * state.n - (i * (i - 1)) / 2 + j - i];
    }
  }
  return full;
}

/** RDM of the kept stimuli: row-major upper triangle, NaN where the distance is undefined. */
export function rdm(state, distance, keep) {
  const m = keep.length;
  const work = keptGram(state, keep);
  const result = new Float64Array((m * (m - 1)) / 2);
  const norms = Float64Array.from({ length: m }, (_, a) => work[a * m + a]);
  let at = 0;
  if (distance === "euclidean") {
    for (let a = 0; a < m; a++) {
      for (let b = a + 1; b < m; b++) {
        const squared = Math.max(-2 * work[a * m + b] + norms[a] + norms[b], 0);
        result[at++] = squared <= 4 * SINGLE * (norms[a] + norms[b]) ? 0 : Math.sqrt(squared);
      }
    }
    return result;
  }
  if (distance === "correlation") {
    for (let a = 0; a < m; a++) {
      for (let b = 0; b < m; b++) work[a * m + b] -= state.features * state.mean[keep[a]] * state.mean[keep[b]];
    }
  }
  const inverse = new Float64Array(m);
  const floor = new Float64Array(m);
  for (let a = 0; a < m; a++) {
    const left = work[a * m + a];
    // What is left of a constant row is the rounding of the Gram as it was stored.
    const undefined_ = distance === "cosine" ? norms[a] <= 0 : left <= 16 * SINGLE * norms[a];
    inverse[a] = undefined_ ? NaN : 1 / Math.sqrt(left);
    floor[a] = undefined_ ? NaN : (2 * SINGLE * norms[a]) / left;
  }
  for (let a = 0; a < m; a++) {
    for (let b = a + 1; b < m; b++) {
      const value = Math.min(Math.max(work[a * m + b] * -inverse[a] * inverse[b] + 1, 0), 2);
      result[at++] = value <= floor[a] + floor[b] ? 0 : value;
    }
  }
  return result;
}

/** The kernel behind CKA before centring, (m, m), or null where all stimuli are alike. */
export function kernelOf(state, kernel, keep) {
  const m = keep.length;
  const work = keptGram(state, keep);
  let scale = 0;
  for (let a = 0; a < m; a++) scale = Math.max(scale, Math.abs(work[a * m + a]));
  if (scale > 0) for (let k = 0; k < work.length; k++) work[k] /= scale;
  doubleCentre(work, m); // for both kernels: distances lose fewer digits without the common mean
  let spread = 0;
  for (let a = 0; a < m; a++) spread += work[a * m + a] / m;
  if (!(spread > 16 * SINGLE)) return null;
  if (kernel === "linear") return work;
  const squared = new Float64Array(m * m);
  for (let a = 0; a < m; a++) {
    for (let b = 0; b < m; b++) {
      if (a !== b) squared[a * m + b] = Math.max(-2 * work[a * m + b] + work[a * m + a] + work[b * m + b], 0);
    }
  }
  const sorted = squared.filter((value) => value > 0).sort();
  const half = sorted.length >> 1;
  const middle = sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  const variance = sorted.length ? middle : 1; // bandwidth²: the median of the non-zero squared distances
  return squared.map((value) => Math.exp(value / (-2 * variance)));
}

/** Mean of some numbers. */
export function mean(vector) {
  let sum = 0;
  for (const value of vector) sum += value;
  return sum / vector.length;
}

function doubleCentre(work, m) {
  for (let a = 0; a < m; a++) {
    const average = mean(work.subarray(a * m, a * m + m));
    for (let b = 0; b < m; b++) work[a * m + b] -= average;
  }
  for (let b = 0; b < m; b++) {
    let average = 0;
    for (let a = 0; a < m; a++) average += work[a * m + b] / m;
    for (let a = 0; a < m; a++) work[a * m + b] -= average;
  }
}

/**
 * A kernel less its row and column effects, as the upper triangle scaled so that products of two such vectors
 * are those of the whole matrices. Stimulus a counts counts[a] times; pairs of a stimulus with its own copy are
 * dropped. Debiased leaves the diagonal out (for counts of 1 this is U-centring), else it is kept once a copy.
 */
export function residual(kernel, counts, debiased) {
  const m = counts.length;
  const diagonal = debiased ? 0 : 1;
  let weight = 0;
  for (const count of counts) weight += count;
  // Least squares of a[i] + a[j]: a[i] (W − 2 c[i] + 2 δ) = r[i] + δ K[i, i] − S, with S the sum of c[i] a[i].
  const sums = new Float64Array(m);
  let shared = 1;
  let total = 0;
  for (let a = 0; a < m; a++) {
    let sum = diagonal * kernel[a * m + a];
    for (let b = 0; b < m; b++) if (b !== a) sum += counts[b] * kernel[a * m + b];
    const divisor = weight - 2 * counts[a] + 2 * diagonal;
    sums[a] = sum;
    shared += counts[a] / divisor;
    total += (counts[a] * sum) / divisor;
  }
  const overall = total / shared;
  const effects = sums.map((sum, a) => (sum - overall) / (weight - 2 * counts[a] + 2 * diagonal));
  const result = new Float64Array((m * (m + 1)) / 2);
  let at = 0;
  for (let a = 0; a < m; a++) {
    result[at++] = Math.sqrt(diagonal * counts[a]) * (kernel[a * m + a] - 2 * effects[a]);
    for (let b = a + 1; b < m; b++) {
      result[at++] = Math.sqrt(2 * counts[a] * counts[b]) * (kernel[a * m + b] - effects[a] - effects[b]);
    }
  }
  return result;
}

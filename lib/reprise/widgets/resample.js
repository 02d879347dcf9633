// Bootstrap over stimuli, as reprise.similarity.inference defines it. A resample that holds stimulus i c[i] times
// holds the pair (i, j) c[i]·c[j] times; pairs of a stimulus with its own copy are dropped.

import { clip, form, similarity } from "./core.js";
import { kernelOf, rdm, residual } from "./grams.js";
import { kendallForm, kendallTau, sortedRuns } from "./ranks.js";

/** A generator of numbers in [0, 1) from a seed (xorshift, 32 bits), so that a page shows the same interval again. */
export function generator(seed) {
  let x = (seed + 0x9e3779b9) | 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

/** How often each of n stimuli is drawn in each resample; at least three distinct ones every time. */
export function stimulusCounts(n, resamples, random) {
  const all = [];
  while (all.length < resamples) {
    const counts = new Float64Array(n);
    for (let draw = 0; draw < n; draw++) counts[Math.floor(random() * n)]++;
    if (counts.reduce((distinct, count) => distinct + (count > 0), 0) >= 3) all.push(counts);
  }
  return all;
}

/** Ways to take a measure in resamples, by its form: values for some counts, NaN where undefined. */
const WEIGHTED = { rdm: resampledRdms, kernel: resampledKernels };

/** Values of a comparison in each of the resamples; NaN where undefined. */
export function resampled(stateA, stateB, measure, keep, counts) {
  if (!form(stateA, measure, keep) || !form(stateB, measure, keep)) return counts.map(() => NaN);
  return WEIGHTED[measure.form](stateA, stateB, measure, keep, counts);
}

/** Whether a measure has a value in a resample, in which stimuli occur several times. */
export function canResample(measure) {
  return measure.form in WEIGHTED;
}

/** Values without each of the kept stimuli in turn. */
export function leftOut(stateA, stateB, measure, keep) {
  return keep.map((_, out) => {
    const rest = keep.filter((_stimulus, k) => k !== out);
    return similarity(form(stateA, measure, rest), form(stateB, measure, rest), measure);
  });
}

/** 95 % interval of a value from those without each stimulus in turn (Tukey's jackknife, normal). */
export function jackknifeInterval(value, without, measure) {
  const n = without.length;
  const centre = without.reduce((sum, each) => sum + each, 0) / n;
  const squares = without.reduce((sum, each) => sum + (each - centre) ** 2, 0);
  const half = 1.959963984540054 * Math.sqrt(((n - 1) / n) * squares);
  return [clip(value - half, measure), clip(value + half, measure)];
}

function resampledRdms(stateA, stateB, measure, keep, counts) {
  const a = rdm(stateA, measure.distance, keep);
  const b = rdm(stateB, measure.distance, keep);
  const weights = new Float64Array(a.length);
  const compare = { spearman: ranked, pearson: moments, cosine: moments }[measure.method] || concordant;
  const value = compare(a, b, measure.method, weights);
  return counts.map((count) => {
    let at = 0;
    for (let i = 0; i < keep.length; i++) {
      for (let j = i + 1; j < keep.length; j++) weights[at++] = count[i] * count[j];
    }
    return clip(value(), measure);
  });
}

// Each of these sorts or centres once and returns a function that reads the current weights.

function ranked(a, b, _method, weights) {
  const [ofA, ofB] = [a, b].map((vector) => ({ ...sortedRuns(vector), ranks: new Float64Array(vector.length) }));
  return () => {
    let total = 0;
    for (const { order, starts, ranks } of [ofA, ofB]) {
      let below = 0;
      for (let run = 0; run + 1 < starts.length; run++) {
        let upto = below;
        for (let k = starts[run]; k < starts[run + 1]; k++) upto += weights[order[k]];
        // Twice a mid-rank: the weight below a run of ties plus that up to its end.
        for (let k = starts[run]; k < starts[run + 1]; k++) ranks[order[k]] = below + upto;
        below = upto;
      }
      total = below;
    }
    let [xy, xx, yy] = [0, 0, 0];
    for (let k = 0; k < weights.length; k++) {
      const x = ofA.ranks[k] - total; // the weighted mean of these ranks is the total weight
      const y = ofB.ranks[k] - total;
      xy += weights[k] * x * y;
      xx += weights[k] * x * x;
      yy += weights[k] * y * y;
    }
    return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : NaN;
  };
}

function moments(a, b, method, weights) {
  const centred = method === "pearson";
  return () => {
    let [total, x, y] = [0, 0, 0];
    for (let k = 0; k < weights.length; k++) {
      total += weights[k];
      x += weights[k] * a[k];
      y += weights[k] * b[k];
    }
    [x, y] = centred ? [x / total, y / total] : [0, 0];
    let [xy, xx, yy, rawX, rawY] = [0, 0, 0, 0, 0];
    for (let k = 0; k < weights.length; k++) {
      xy += weights[k] * (a[k] - x) * (b[k] - y);
      xx += weights[k] * (a[k] - x) ** 2;
      yy += weights[k] * (b[k] - y) ** 2;
      rawX += weights[k] * a[k] ** 2;
      rawY += weights[k] * b[k] ** 2;
    }
    // What is left of a resample in which all distances are equal is rounding.
    return xx > 1e-13 * rawX && yy > 1e-13 * rawY ? xy / Math.sqrt(xx * yy) : NaN;
  };
}

function concordant(a, b, method, weights) {
  const [formA, formB] = [kendallForm(a), kendallForm(b)];
  return () => kendallTau(formA, formB, method.at(-1), weights);
}

// The bandwidth of RBF stays that of the kept stimuli.
function resampledKernels(stateA, stateB, measure, keep, counts) {
  const kernels = [stateA, stateB].map((state) => kernelOf(state, measure.kernel, keep));
  return counts.map((count) => {
    const [a, b] = kernels.map((kernel) => residual(kernel, count, measure.debiased));
    let [xy, xx, yy] = [0, 0, 0];
    for (let k = 0; k < a.length; k++) {
      xy += a[k] * b[k];
      xx += a[k] * a[k];
      yy += b[k] * b[k];
    }
    return xx > 0 && yy > 0 ? clip(xy / Math.sqrt(xx * yy), measure) : NaN;
  });
}

/** Percentile interval of resampled values, leaving out undefined ones; NaN where all are. */
export function percentileInterval(values, confidence = 0.95) {
  const sorted = Float64Array.from(values.filter((value) => !Number.isNaN(value))).sort();
  const tail = (1 - confidence) / 2;
  return [tail, 1 - tail].map((share) => {
    if (!sorted.length) return NaN;
    const place = share * (sorted.length - 1);
    const low = Math.floor(place);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
  });
}

// Work that would hold up the page: it runs in a worker, or in slices on the page where there can be none.

import { fillRow, form, rdm } from "./core.js";
import { generator, percentileInterval, resampled, stimulusCounts } from "./resample.js";
import { alignTo, mds } from "./scaling.js";

/** Whether two states were looked at with the same stimuli; else nothing can be compared. */
const comparable = (a, b) => a.set === b.set;

// Each task yields now and then the share that is done, and returns its result.
export const TASKS = {
  /** Similarity of all pairs of chosen states. */
  *matrix({ chosen, measure, keep }, states) {
    const picked = chosen.map((index) => states[index]);
    const m = picked.length;
    const out = new Float64Array(m * m);
    const forms = [];
    for (const state of picked) {
      forms.push(form(state, measure, keep));
      if (forms.length % 16 === 0) yield 0;
    }
    for (let row = 0; row < m; row++) {
      fillRow(forms, row, measure, out);
      yield (row + 1) / m;
    }
    for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) if (!comparable(picked[i], picked[j])) out[i * m + j] = NaN;
    return out;
  },

  /** Percentile interval over stimuli of the similarity of two states. */
  *interval({ a, b, measure, keep, resamples, seed }, states) {
    if (!comparable(states[a], states[b])) return { interval: [NaN, NaN], defined: 0 };
    const values = [];
    const counts = stimulusCounts(keep.length, resamples, generator(seed));
    for (let start = 0; start < resamples; start += 50) {
      values.push(...resampled(states[a], states[b], measure, keep, counts.slice(start, start + 50)));
      yield values.length / resamples;
    }
    return { interval: percentileInterval(values), defined: values.filter((value) => !Number.isNaN(value)).length };
  },

  /** Percentile intervals of several pairs of states, all from the same resamples. */
  *intervals({ pairs, measure, keep, resamples, seed }, states) {
    const counts = stimulusCounts(keep.length, resamples, generator(seed));
    const found = [];
    for (const [a, b] of pairs) {
      const values = [];
      for (let start = 0; comparable(states[a], states[b]) && start < resamples; start += 50) {
        values.push(...resampled(states[a], states[b], measure, keep, counts.slice(start, start + 50)));
        yield (found.length + values.length / resamples) / pairs.length;
      }
      found.push(values.length ? percentileInterval(values) : [NaN, NaN]);
    }
    return found;
  },

  /** Maps of the stimuli in a sequence of states, each turned onto the one before. */
  *frames({ chosen, distance, keep }, states) {
    const frames = [];
    let last = null;
    for (const index of chosen) {
      const vector = rdm(states[index], distance, keep);
      if (vector.some(Number.isNaN)) {
        frames.push(null);
      } else {
        const { points, stress } = mds(vector, keep.length);
        last = last ? alignTo(points, last) : points;
        frames.push({ points: last, stress });
      }
      yield frames.length / chosen.length;
    }
    return frames;
  },
};

/** States from packed arrays: { gram, mean, features, sets, n }. */
export function unpack({ gram, mean, features, sets, n }) {
  const entries = (n * (n + 1)) / 2;
  return features.map((count, index) => ({
    gram: gram.subarray(index * entries, (index + 1) * entries),
    mean: mean.subarray(index * n, (index + 1) * n),
    features: count,
    set: sets[index],
    n,
  }));
}

/** Answers requests one after the other in slices; a newer request of a kind ends the older one. */
export function server(states, reply) {
  const newest = {};
  return async ({ kind, id, request }) => {
    newest[kind] = id;
    const work = TASKS[kind](request, states);
    let pause = performance.now() + 40;
    for (;;) {
      const { done, value } = work.next();
      if (done) return reply({ id, value });
      if (performance.now() < pause) continue;
      reply({ id, progress: value });
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (newest[kind] !== id) return reply({ id, ended: true });
      pause = performance.now() + 40;
    }
  };
}

// Work that would hold up the page: it runs in a worker, or in slices on the page where there can be none.

import { fillRow, form, similarity } from "./core.js";
import { rdm } from "./grams.js";
import {
  canResample,
  generator,
  jackknifeInterval,
  leftOut,
  percentileInterval,
  resampled,
  stimulusCounts,
} from "./resample.js";
import { alignTo, mds } from "./scaling.js";

/** Whether two states were looked at with the same stimuli; else nothing can be compared. */
const comparable = (a, b) => a.set === b.set;

/**
 * 95 % interval over stimuli: percentiles of resamples with these counts, or a jackknife where a measure has no value
 * in a resample (counts are null); `defined` resamples had one. Yields `progress(share done)`.
 */
function* intervalOver(stateA, stateB, measure, keep, counts, progress) {
  if (!comparable(stateA, stateB)) return { interval: [NaN, NaN], defined: 0 };
  if (!counts) {
    const value = similarity(form(stateA, measure, keep), form(stateB, measure, keep), measure);
    const without = leftOut(stateA, stateB, measure, keep);
    yield progress(1);
    return { interval: jackknifeInterval(value, without, measure), defined: without.length };
  }
  const values = [];
  for (let start = 0; start < counts.length; start += 50) {
    values.push(...resampled(stateA, stateB, measure, keep, counts.slice(start, start + 50)));
    yield progress(values.length / counts.length);
  }
  return { interval: percentileInterval(values), defined: values.filter((value) => !Number.isNaN(value)).length };
}

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

  /** Interval over stimuli of the similarity of two states. */
  *interval({ a, b, measure, keep, resamples, seed }, states) {
    const counts = canResample(measure) ? stimulusCounts(keep.length, resamples, generator(seed)) : null;
    return yield* intervalOver(states[a], states[b], measure, keep, counts, (share) => share);
  },

  /** Intervals of several pairs of states, all from the same resamples. */
  *intervals({ pairs, measure, keep, resamples, seed }, states) {
    const counts = canResample(measure) ? stimulusCounts(keep.length, resamples, generator(seed)) : null;
    const all = [];
    for (const [a, b] of pairs) {
      const answer = yield* intervalOver(
        states[a],
        states[b],
        measure,
        keep,
        counts,
        (share) => (all.length + share) / pairs.length,
      );
      all.push(answer.interval);
    }
    return all;
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

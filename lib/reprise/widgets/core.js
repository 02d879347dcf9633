// Measures of similarity, as the registry names them and as reprise.similarity computes them.

import { kernelOf, mean, rdm, residual } from "./grams.js";
import { kendallForm, kendallTau, midranks } from "./ranks.js";

const DOUBLE = 2 ** -52;

/** An RDM made ready for a method: products (or, for Kendall, tau) of two such forms are its value. Null: undefined. */
export function rdmForm(vector, method) {
  for (const value of vector) if (Number.isNaN(value)) return null;
  if (vector.length < 3) return null;
  if (method.startsWith("kendall")) {
    const form = kendallForm(vector);
    return method.endsWith("b") && form.runs === 1 ? null : form;
  }
  let low = Infinity;
  let high = -Infinity;
  for (const value of vector) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const magnitude = Math.max(Math.abs(low), Math.abs(high));
  if (method === "cosine") return magnitude === 0 ? null : unit(vector, 0);
  if (method === "spearman") return low === high ? null : unit(midranks(vector), (vector.length + 1) / 2);
  if (high - low <= 8 * DOUBLE * magnitude) return null;
  return unit(vector, mean(vector));
}

function unit(vector, centre) {
  const result = new Float64Array(vector.length);
  let magnitude = 0;
  for (const value of vector) magnitude = Math.max(magnitude, Math.abs(value - centre));
  let squares = 0;
  for (let k = 0; k < vector.length; k++) {
    result[k] = (vector[k] - centre) / magnitude; // squares of what follows cannot overflow
    squares += result[k] * result[k];
  }
  const norm = Math.sqrt(squares);
  for (let k = 0; k < result.length; k++) result[k] /= norm;
  return result;
}

function kernelForm(state, measure, keep) {
  const m = keep.length;
  const kernel = kernelOf(state, measure.kernel, keep);
  if (!kernel) return null;
  let trace = 0;
  let sum = 0;
  for (let a = 0; a < m; a++) trace += kernel[a * m + a];
  for (const value of kernel) sum += value / m;
  const vector = residual(kernel, new Float64Array(m).fill(1), measure.debiased);
  let squares = 0;
  for (const value of vector) squares += value * value;
  // Equidistant stimuli leave nothing but rounding off the diagonal.
  return Math.sqrt(squares) <= 1e-12 * (trace - sum) ? null : unit(vector, 0);
}

/**
 * Ways to compare states. A measure of the registry names one of them as its `form` and brings what else it reads.
 * - ready(state, measure, keep): what is computed once a state: a Float64Array if inner products of two are the
 *   measure, else an object; null where it is undefined.
 * - compare(a, b, measure): value of two such objects, the same for (b, a).
 * - least(measure): fewest stimuli, where that is not 3.
 */
export const FORMS = {
  rdm: {
    ready: (state, measure, keep) => rdmForm(rdm(state, measure.distance, keep), measure.method),
    compare: (a, b, measure) => kendallTau(a, b, measure.method.at(-1)),
  },
  kernel: { least: ({ debiased }) => (debiased ? 4 : 3), ready: kernelForm },
};

/** Fewest stimuli for which a measure is defined. */
export function fewest(measure) {
  return FORMS[measure.form].least?.(measure) ?? 3;
}

/** A state made ready for a measure, an entry of the registry's menu. Null: undefined. */
export function form(state, measure, keep) {
  return keep.length < fewest(measure) ? null : FORMS[measure.form].ready(state, measure, keep);
}

/** Similarity of two forms of one measure; NaN where either is undefined. */
export function similarity(a, b, measure) {
  if (!a || !b) return NaN;
  if (!(a instanceof Float64Array)) return clip(FORMS[measure.form].compare(a, b, measure), measure);
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return clip(sum, measure);
}

/** To the measure's range: rounding can leave it. */
export function clip(value, { range: [low, high] }) {
  return Math.min(Math.max(value, low), high);
}

/** One row of the matrix of all pairs, from entry `row` on, into `out`; four products at a time, which is faster. */
export function fillRow(forms, row, measure, out) {
  const m = forms.length;
  const a = forms[row];
  let column = row;
  if (a instanceof Float64Array) {
    for (; column + 3 < m; column += 4) {
      const [b, c, d, e] = [forms[column], forms[column + 1], forms[column + 2], forms[column + 3]];
      if (!b || !c || !d || !e) break;
      let [s, t, u, v] = [0, 0, 0, 0];
      for (let k = 0; k < a.length; k++) {
        const x = a[k];
        s += x * b[k];
        t += x * c[k];
        u += x * d[k];
        v += x * e[k];
      }
      [s, t, u, v].forEach((value, offset) => (out[row * m + column + offset] = clip(value, measure)));
    }
  }
  for (; column < m; column++) out[row * m + column] = similarity(a, forms[column], measure);
  for (let k = row; k < m; k++) out[k * m + row] = out[row * m + k];
}

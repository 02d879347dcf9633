// Ranks and rank correlations. Vectors are Float64Array; ties share the mean of their ranks.

/** Mid-ranks from 1. Sorting plain values is native and fast; places are then found by bisection. */
export function midranks(values) {
  const sorted = Float64Array.from(values).sort();
  const ranks = new Float64Array(values.length);
  for (let k = 0; k < values.length; k++) {
    const value = values[k];
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < value) low = middle + 1;
      else high = middle;
    }
    let end = low + 1;
    while (end < sorted.length && sorted[end] === value) end++;
    ranks[k] = (low + end + 1) / 2;
  }
  return ranks;
}

/** Indices in ascending order of the values, and the starts of runs of equal ones (with the length at the end). */
export function sortedRuns(values) {
  const order = Uint32Array.from(values.keys()).sort((i, j) => values[i] - values[j]);
  const starts = [0];
  for (let k = 1; k < order.length; k++) {
    if (values[order[k]] !== values[order[k - 1]]) starts.push(k);
  }
  starts.push(order.length);
  return { order, starts };
}

/** What Kendall's tau needs of a vector: its order, its runs of ties, and dense ranks from 0. */
export function kendallForm(values) {
  const { order, starts } = sortedRuns(values);
  const dense = new Int32Array(values.length);
  for (let run = 0; run + 1 < starts.length; run++) {
    for (let k = starts[run]; k < starts[run + 1]; k++) dense[order[k]] = run;
  }
  return { order, starts, dense, runs: starts.length - 1 };
}

/**
 * Kendall's tau of two vectors of which entry k counts weights[k] times (once, without weights).
 * Variant "a" divides by all pairs of entries, "b" corrects for ties and is NaN where all entries are equal.
 */
export function kendallTau(a, b, variant, weights = null) {
  const weight = weights ? (k) => weights[k] : () => 1;
  const pairs = (w) => (w * (w - 1)) / 2;
  const tree = new Float64Array(b.runs + 1); // Fenwick tree: weight seen so far, by rank in b
  const tiedB = new Float64Array(b.runs);
  let seen = 0;
  let tiedA = 0;
  let both = 0;
  let discordant = 0;
  for (let run = 0; run < a.runs; run++) {
    const members = a.order.subarray(a.starts[run], a.starts[run + 1]);
    let inRun = 0;
    // All of a run are asked before any is entered: entries tied in a are never discordant.
    for (const k of members) {
      const w = weight(k);
      if (!w) continue;
      let below = 0;
      for (let at = b.dense[k] + 1; at > 0; at -= at & -at) below += tree[at];
      discordant += w * (seen - below);
    }
    const shared = members.length > 1 ? new Map() : null;
    for (const k of members) {
      const w = weight(k);
      if (!w) continue;
      const rank = b.dense[k];
      for (let at = rank + 1; at <= b.runs; at += at & -at) tree[at] += w;
      tiedB[rank] += w;
      inRun += w;
      if (shared) shared.set(rank, (shared.get(rank) || 0) + w);
      else both += pairs(w);
    }
    if (shared) for (const w of shared.values()) both += pairs(w);
    seen += inRun;
    tiedA += pairs(inRun);
  }
  let tiesB = 0;
  for (const w of tiedB) tiesB += pairs(w);
  const total = pairs(seen);
  const balance = total - tiedA - tiesB + both - 2 * discordant;
  if (variant === "a") return total > 0 ? balance / total : NaN;
  return tiedA < total && tiesB < total ? balance / Math.sqrt((total - tiedA) * (total - tiesB)) : NaN;
}

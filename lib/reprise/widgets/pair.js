// Two RDMs beside each other and the scatter of their entries.

import { h, notice, panel, seenWidth, spell } from "./controls.js";
import { axes, colourBar, Heatmap, s } from "./draw.js";
import { midranks } from "./ranks.js";

const DISTANCES = { correlation: "1 − r", euclidean: "Euclidean distance", cosine: "1 − cosine" };

/** A condensed vector as a full matrix with zeros on its diagonal. */
export function squared(condensed, m) {
  const full = new Float64Array(m * m);
  for (let i = 0, at = 0; i < m; i++)
    for (let j = i + 1; j < m; j++) full[i * m + j] = full[j * m + i] = condensed[at++];
  return full;
}

/** Place of a pair in a condensed vector of m stimuli; null for a stimulus and itself. */
export function entryOf(row, column, m) {
  if (row === column) return null;
  const [i, j] = row < column ? [row, column] : [column, row];
  return i * m - (i * (i + 1)) / 2 + j - i - 1;
}

/** Shares of ranks, 0 the smallest and 1 the largest; NaN stays. */
export function shares(vector) {
  if (vector.some(Number.isNaN)) return vector.map(() => NaN);
  return midranks(vector).map((rank) => (rank - 1) / (vector.length - 1));
}

export class PairView {
  /** onCell(i, j, x, y, byKeys) gets places among the kept stimuli, or null. */
  constructor({ stops, onCell }) {
    this.onCell = onCell;
    this.sides = ["A", "B"].map((side) => {
      const map = new Heatmap({
        name: `RDM of state ${side}`,
        help: "Arrow keys move from pair to pair of stimuli",
        stops,
        onCell: (row, ...rest) => (row === null ? this.point(null) : this.point([row, rest[0]], ...rest.slice(1))),
      });
      const legend = colourBar(stops);
      const note = h("p.rp-note");
      return { map, legend, note, element: panel(`RDM of state ${side}`, note, map.element, legend.element) };
    });
    this.plot = h("div.rp-plot");
    this.width = seenWidth(this.plot);
    const key = [h("span.rp-mark-within"), " within a class  ", h("span.rp-mark-between"), " between classes"];
    const keyLine = h("p.rp-key", { "aria-hidden": "true" }, key);
    this.scatter = panel("Their dissimilarities, pair by pair", this.plot, keyLine);
  }

  /** New RDMs: condensed vectors of m kept stimuli. `alike(i, j)`: same class. */
  show({ vectors, m, distance, ranked, groups, alike, names }) {
    this.data = { raw: vectors, values: ranked ? vectors.map(shares) : vectors, m, distance, ranked, alike };
    // biome-ignore lint/complexity/useMathMinMax: what is undefined reaches nowhere, and Math.max would be NaN.
    const tops = this.data.values.map((vector) => vector.reduce((top, value) => (value > top ? value : top), 0));
    // Distances in units of the features cannot share a scale; the others can.
    if (!ranked && distance !== "euclidean") tops.fill(Math.max(...tops));
    this.data.limits = tops.map((top) => [0, ranked ? 1 : top || 1]);
    this.sides.forEach(({ map, legend, note }, k) => {
      note.textContent = names[k];
      map.draw(squared(this.data.values[k], m), m, this.data.limits[k], groups);
      if (ranked) legend.set("nearest pair", "farthest pair");
      else legend.set(`0 (${DISTANCES[distance]})`, spell(this.data.limits[k][1], 2));
    });
    this.point(null);
    this.drawScatter();
  }

  drawScatter() {
    if (!this.data) return;
    const { values, limits, m, ranked, distance, alike } = this.data;
    const known = values.every((vector) => vector.length && !vector.some(Number.isNaN));
    if (!known) {
      this.at = null;
      this.plot.replaceChildren(
        notice(
          values[0].length
            ? "A distance is undefined: a stimulus has constant features in one of the states."
            : "Too few stimuli are kept.",
        ),
      );
      return;
    }
    const width = Math.max(this.width(), 200);
    const what = ranked ? "rank" : DISTANCES[distance];
    const [x, y] = ["A", "B"].map((side, k) => ({ limits: limits[k], name: `${what}, state ${side}` }));
    const { svg, body, toX, toY } = axes({ width, height: Math.min(width, 340), x, y });
    let [within, between] = ["", ""];
    for (let i = 0, at = 0; i < m; i++) {
      for (let j = i + 1; j < m; j++, at++) {
        const [px, py] = [toX(values[0][at]), toY(values[1][at])];
        if (alike(i, j)) within += `M${(px - 2).toFixed(1)} ${(py - 2).toFixed(1)}h4v4h-4z`;
        else between += `M${px.toFixed(1)} ${py.toFixed(1)}h0`;
      }
    }
    this.spot = s("circle", { r: 6, class: "rp-spot", visibility: "hidden" });
    body.append(s("path.rp-dots", { d: between }), s("path.rp-squares", { d: within }), this.spot);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `Scatter of ${values[0].length} dissimilarities, state A against state B`);
    svg.addEventListener("pointermove", (event) => this.nearest(event, svg));
    svg.addEventListener("pointerleave", () => this.point(null));
    this.at = { toX, toY };
    this.plot.replaceChildren(svg);
  }

  nearest(event, svg) {
    const box = svg.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const { values, m } = this.data;
    let best = null;
    let least = 15 ** 2;
    for (let i = 0, at = 0; i < m; i++) {
      for (let j = i + 1; j < m; j++, at++) {
        const far = (this.at.toX(values[0][at]) - x) ** 2 + (this.at.toY(values[1][at]) - y) ** 2;
        if (far < least) [best, least] = [[i, j], far];
      }
    }
    this.point(best, event.clientX, event.clientY);
  }

  /** Mark a pair of stimuli in all three pictures and tell of it. */
  point(cell, x, y, byKeys = false) {
    for (const { map } of this.sides) map.mark("cursor", cell);
    const entry = cell && entryOf(...cell, this.data.m);
    if (this.spot && this.at) {
      this.spot.setAttribute("visibility", entry === null || entry === undefined ? "hidden" : "visible");
      if (entry !== null && entry !== undefined) {
        this.spot.setAttribute("cx", this.at.toX(this.data.values[0][entry]));
        this.spot.setAttribute("cy", this.at.toY(this.data.values[1][entry]));
      }
    }
    this.onCell(
      cell && [...cell, entry === null ? [0, 0] : this.data.raw.map((vector) => vector[entry])],
      x,
      y,
      byKeys,
    );
  }
}

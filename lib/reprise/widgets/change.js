// Lines over training, layers or shares of labels, with bands, levels and a cursor.

import { h, notice, seenWidth } from "./controls.js";
import { axes, ink, s, spread } from "./draw.js";

/** Mean over seeds at every position with its t interval (NaN with fewer than two values). */
export function summarise(series, quantiles) {
  const length = series[0].length;
  const [mean, low, high] = [0, 1, 2].map(() => new Float64Array(length).fill(NaN));
  for (let k = 0; k < length; k++) {
    const values = series.map((line) => line[k]);
    if (values.some(Number.isNaN)) continue;
    const n = values.length;
    mean[k] = values.reduce((sum, value) => sum + value, 0) / n;
    if (n < 2) continue;
    const variance = values.reduce((sum, value) => sum + (value - mean[k]) ** 2, 0) / (n - 1);
    const half = quantiles[n - 2] * Math.sqrt(variance / n);
    [low[k], high[k]] = [mean[k] - half, mean[k] + half];
  }
  return { mean, low, high };
}

/** Changes and levels as packed: (reference, measure, seed, layer, position) and (level, measure, seed, layer). */
export class ChangeData {
  constructor({ measures, seeds, layers, x }, change, levels) {
    this.size = { measures: measures.length, seeds: seeds.length, layers: layers.length, x: x.length };
    this.x = x;
    this.change = change;
    this.levels = levels;
  }

  /** One array of positions for each of some seeds. */
  series(reference, measure, layer, seeds) {
    const { size } = this;
    return seeds.map((seed) => {
      const start = (((reference * size.measures + measure) * size.seeds + seed) * size.layers + layer) * size.x;
      return this.change.subarray(start, start + size.x);
    });
  }

  /** Mean of a level over some seeds. */
  level(number, measure, layer, seeds) {
    const { size } = this;
    const value = (seed) => this.levels[((number * size.measures + measure) * size.seeds + seed) * size.layers + layer];
    return seeds.reduce((sum, seed) => sum + value(seed), 0) / seeds.length;
  }

  /** Whether the first tenth of training would hide what follows. */
  startsHigh(reference, measure) {
    const seeds = [...Array(this.size.seeds).keys()];
    const top = [0, 0];
    for (let layer = 0; layer < this.size.layers; layer++) {
      for (const line of this.series(reference, measure, layer, seeds)) {
        line.forEach((value, k) => {
          const late = Number(this.x[k] > this.x.at(-1) / 10);
          if (value > top[late]) top[late] = value;
        });
      }
    }
    return top[0] > 2.5 * top[1];
  }
}

const DASHES = ["1 4", "7 4", "8 3 2 3"];

/**
 * Lines { name, colour, mean, low, high, levels, dash, faint } over positions `x` (levels, dash and faint where
 * wanted). Without `onPlace` there is no cursor.
 */
export class ChangeChart {
  constructor({ onPlace = null }) {
    this.element = h("div.rp-plot.rp-change");
    this.width = seenWidth(this.element);
    this.onPlace = onPlace;
  }

  say(text) {
    this.data = null;
    this.element.replaceChildren(notice(text));
  }

  /** `ticks` { values, label } name positions; `what` says in words what lines are and where numbers stand. */
  draw(data) {
    this.data = data;
    const { lines, x, x_title, y_title, late, ticks, what, height } = data;
    const width = Math.max(this.width(), 240);
    const small = width < 480;
    const counted = (k) => !late || x[k] > x.at(-1) / 10;
    let top = 0;
    const reach = (value) => {
      if (value > top) top = value;
    };
    for (const { mean, high, levels } of lines) {
      mean.forEach((value, k) => counted(k) && [value, high[k]].forEach((end) => reach(Math.min(end, 2))));
      if (!late) levels?.forEach(reach);
    }
    const right = small ? 12 : 78;
    const along = { limits: [x[0], x.at(-1)], name: x_title, ticks: ticks?.values, label: ticks?.label };
    const chart = axes({
      width,
      height: height ?? (small ? 250 : 320),
      right,
      x: along,
      y: { limits: [0, top * 1.05 || 1], name: y_title },
    });
    const { svg, body, toX, toY, inner } = chart;
    const clip = `rp-clip-${Math.random().toString(36).slice(2)}`;
    const area = s("g", { "clip-path": `url(#${clip})` });
    svg.prepend(
      s(
        "defs",
        s(
          "clipPath",
          { id: clip },
          s("rect", { x: inner.left, y: inner.top - 2, width: inner.width + 2, height: inner.height + 4 }),
        ),
      ),
    );
    const ends = [];
    for (const line of lines) {
      const known = [...x.keys()].filter((k) => !Number.isNaN(line.mean[k]));
      if (!known.length) continue;
      const at = (values) => known.map((k) => `${toX(x[k]).toFixed(1)} ${toY(values[k]).toFixed(1)}`);
      const banded = !line.faint && known.every((k) => !Number.isNaN(line.low[k]));
      if (banded)
        area.append(
          s("path", {
            d: `M${[...at(line.high), ...at(line.low).reverse()].join("L")}z`,
            style: `fill: ${ink(line.colour)}`,
            class: "rp-band",
          }),
        );
      line.levels?.forEach((value, number) => {
        if (!Number.isNaN(value))
          area.append(
            s("line", {
              x1: inner.left,
              x2: inner.left + inner.width,
              y1: toY(value),
              y2: toY(value),
              "stroke-dasharray": DASHES[number % 3],
              style: `stroke: ${ink(line.colour)}`,
              class: "rp-level",
            }),
          );
      });
      area.append(
        s("path", {
          d: `M${at(line.mean).join("L")}`,
          style: `stroke: ${ink(line.colour)}`,
          class: line.faint ? "rp-line rp-faint" : "rp-line",
          "stroke-dasharray": line.dash,
        }),
      );
      // What is known at one position only is no line.
      if (known.length === 1 && !line.faint) {
        const [cx, cy] = [toX(x[known[0]]), toY(line.mean[known[0]])];
        const inward = cx < inner.left + inner.width / 2 ? 8 : -8;
        body.append(
          s("circle", { cx, cy, r: 4, style: `fill: ${ink(line.colour)}` }),
          s(
            "text",
            {
              x: cx + inward,
              y: cy + 4,
              "text-anchor": inward > 0 ? "start" : "end",
              class: "rp-end",
              style: `fill: ${ink(line.colour)}`,
            },
            line.name,
          ),
        );
      } else if (!line.faint) ends.push({ y: toY(line.mean[known.at(-1)]), name: line.name, colour: line.colour });
    }
    body.append(area);
    if (small) {
      // No room beside the lines: names stand at them.
      spread(ends, 13, inner.top + 8, inner.top + inner.height - 4);
      body.append(
        ...ends.map((end) =>
          s(
            "text",
            {
              x: inner.left + inner.width - 3,
              y: end.at - 3,
              "text-anchor": "end",
              class: "rp-end",
              style: `fill: ${ink(end.colour)}`,
            },
            end.name,
          ),
        ),
      );
    } else {
      spread(ends, 14, inner.top + 4, inner.top + inner.height);
      body.append(
        ...ends.map((end) =>
          s(
            "text",
            { x: inner.left + inner.width + 6, y: end.at + 4, class: "rp-end", style: `fill: ${ink(end.colour)}` },
            end.name,
          ),
        ),
      );
    }
    svg.setAttribute("role", "img");
    const shown = what ?? `${lines.length} layers; the numbers at the cursor stand in the table below`;
    svg.setAttribute("aria-label", `${y_title} against ${x_title}, ${shown}`);
    this.element.replaceChildren(svg);
    this.cursor = null;
    if (!this.onPlace) return;
    svg.classList.add("rp-with-cursor");
    this.cursor = s("line.rp-cursor", { y1: inner.top, y2: inner.top + inner.height });
    body.append(this.cursor);
    const place = (event) => {
      const from = svg.getBoundingClientRect().left + inner.left;
      const share = Math.min(Math.max((event.clientX - from) / inner.width, 0), 1);
      this.onPlace(x[0] + share * (x.at(-1) - x[0]));
    };
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      place(event);
    });
    svg.addEventListener("pointermove", (event) => event.buttons && place(event));
    this.toX = toX;
    this.move(data.place);
  }

  move(place) {
    if (!this.cursor || !this.data) return;
    this.data.place = place;
    this.cursor.setAttribute("x1", this.toX(place));
    this.cursor.setAttribute("x2", this.toX(place));
  }
}

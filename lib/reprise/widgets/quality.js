// Final quality, a row a condition: a dot a seed, and the mean with its interval. Rows can be chosen.

import { h, seenWidth, spell } from "./controls.js";
import { axes, ink, s } from "./draw.js";
import { meanInterval } from "./outcomes.js";

export class QualityChart {
  /** onPick(index of the row); onPoint(row or null, x, y). */
  constructor({ onPick, onPoint }) {
    this.element = h("div.rp-plot.rp-quality");
    this.width = seenWidth(this.element);
    this.onPick = onPick;
    this.onPoint = onPoint;
    this.at = 0;
  }

  /** Rows are { title, colour, dash, values, marks }; levels { title, value } are without a network. */
  draw({ rows, levels, name, quantiles }) {
    this.rows = rows.map((row) => ({ ...row, ...meanInterval(row.values, quantiles) }));
    const width = Math.max(this.width(), 240);
    const beside = width >= 460; // names stand beside the marks where there is room, else above them
    const side = beside ? 176 : 0;
    const step = beside ? 30 : 46;
    const lead = levels.length ? 14 * levels.length + 8 : 8;
    const height = lead + step * this.rows.length + 44;
    const all = [
      ...this.rows.flatMap(({ values, low, high }) => [...values, low, high]),
      ...levels.map(({ value }) => value),
    ].filter((value) => !Number.isNaN(value));
    // Intervals of very few seeds would stretch the axis beyond what quality can be.
    const [low, high] = [Math.max(Math.min(...all), 0), Math.min(Math.max(...all), 1)];
    const room = (high - low || 0.1) * 0.06;
    const frame = axes({
      width: width - side,
      height,
      x: { limits: [low - room, high + room], name },
      y: { limits: [0, 1], ticks: [], name: "" },
      left: beside ? 8 : 4,
      right: 14,
      top: lead,
    });
    const { svg, body, toX, inner } = frame;
    for (const [key, value] of Object.entries({
      width,
      viewBox: `${-side} 0 ${width} ${height}`,
      role: "group",
      "aria-label": `${name}, ${this.rows.length} conditions; arrow keys go from one to the next, Enter chooses`,
    }))
      svg.setAttribute(key, value);
    levels.forEach(({ title, value }, k) =>
      body.append(
        s("line.rp-zero", { x1: toX(value), x2: toX(value), y1: 14 * k + 6, y2: inner.top + inner.height }),
        s(
          "text",
          {
            x: toX(value) + (toX(value) > inner.width / 2 ? -5 : 5),
            y: 14 * k + 11,
            "text-anchor": toX(value) > inner.width / 2 ? "end" : "start",
          },
          title,
        ),
      ),
    );
    const inside = (value) => Math.min(Math.max(toX(value), inner.left), inner.left + inner.width);
    this.items = this.rows.map((row, k) => {
      const y = inner.top + step * k + (beside ? step / 2 : 30);
      const style = `fill: ${ink(row.colour)}; stroke: ${ink(row.colour)}`;
      // Above its marks a name has the width of the chart; all of it is said under the pointer.
      const most = beside ? 26 : Math.floor((width - 30) / 6.6);
      const name = row.title.length > most ? `${row.title.slice(0, most - 1)}…` : row.title;
      const item = s(
        "g.rp-point.rp-row",
        {
          role: "button",
          tabindex: k === this.at ? 0 : -1,
          "aria-pressed": String(Boolean(row.marks)),
          "aria-label": this.words(row),
        },
        s("rect.rp-hit", { x: -side, y: inner.top + step * k, width, height: step }),
        s(
          "text",
          beside
            ? { x: -8, y: y + 4, "text-anchor": "end", class: "rp-name" }
            : { x: inner.left, y: inner.top + step * k + 14, class: "rp-name" },
          row.marks ? s("tspan.rp-mark-letter", `${row.marks}  `) : null,
          name,
        ),
        row.values.map((value) => s("circle", { cx: toX(value), cy: y - 6, r: 2.2, style, opacity: 0.6 })),
        Number.isNaN(row.low)
          ? null
          : s("line", { x1: inside(row.low), x2: inside(row.high), y1: y + 4, y2: y + 4, style, "stroke-width": 1.8 }),
        Number.isNaN(row.mean) ? null : s("circle", { cx: toX(row.mean), cy: y + 4, r: 4.5, style }),
      );
      item.addEventListener("click", () => this.pick(k));
      item.addEventListener("pointermove", (event) => this.onPoint(this.words(row), event.clientX, event.clientY));
      item.addEventListener("pointerleave", () => this.onPoint(null));
      item.addEventListener("keydown", (event) => this.key(event, k));
      return item;
    });
    body.append(...this.items);
    this.element.replaceChildren(svg);
  }

  key(event, k) {
    if (event.key === "Enter" || event.key === " ") this.pick(k, true);
    else {
      const to = { ArrowDown: k + 1, ArrowUp: k - 1, Home: 0, End: this.items.length - 1 }[event.key];
      if (to === undefined) return;
      this.move(Math.min(Math.max(to, 0), this.items.length - 1));
      this.items[this.at].focus();
    }
    event.preventDefault();
  }

  move(k) {
    this.at = k;
    this.items.forEach((item, place) => item.setAttribute("tabindex", place === k ? 0 : -1));
  }

  /** Choosing draws anew; by keyboard the focus stays on the row. */
  pick(k, byKeys = false) {
    this.at = k;
    this.onPick(k);
    if (byKeys) this.items[Math.min(k, this.items.length - 1)].focus();
  }

  words({ title, marks, values, mean, low, high }) {
    const interval = Number.isNaN(low) ? "" : `, ${spell(low)} to ${spell(high)}`;
    const seeds = `${values.length} seed${values.length === 1 ? "" : "s"}`;
    return `${marks ? `${marks}: ` : ""}${title}: ${spell(mean)}${interval}, ${seeds}`;
  }
}

// Drawing: matrices on a canvas, lines and points as SVG. Ink follows the page; colours with meaning come from Python.

import { filled, h } from "./controls.js";

/** A colour with meaning: the page may give it a value of its own on a dark ground. */
export const ink = (colour) => (colour.startsWith("#") ? `var(--ink-${colour.slice(1)}, ${colour})` : colour);

/** An SVG element, as `h` makes one of the page. */
export function s(tag, ...parts) {
  const [name, ...classes] = tag.split(".");
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), classes, parts);
}

/** Round numbers within limits, about as many as asked for. */
export function ticks(low, high, count = 5) {
  const raw = (high - low) / Math.max(count, 1);
  if (!(raw > 0) || !Number.isFinite(raw)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw * 0.999) * power;
  const result = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) result.push(k * step);
  return result;
}

/** A tick's label: no more digits than its step needs. */
export function label(value, all) {
  const step = all.length > 1 ? Math.abs(all[1] - all[0]) : 1;
  let digits = 0;
  while (digits < 6 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits++;
  return value.toFixed(digits).replace(/^-/, "−");
}

/** Labels along an axis less those that would touch the next one; the last one stays. */
function clear(labels) {
  let free = Infinity;
  return labels.reverse().filter(({ at, text }) => {
    const half = 3.4 * text.length;
    if (at + half + 3 > free) return false;
    free = at - half;
    return true;
  });
}

/** Axes with a grid: returns the drawing, its scales, and the group to draw into. */
export function axes({ width, height, x, y, left = 46, right = 12, top = 10 }) {
  const bottom = 40;
  const inner = { width: Math.max(width - left - right, 20), height: height - top - bottom };
  const scale = (limits, from, to) => (value) =>
    from + ((value - limits[0]) / (limits[1] - limits[0] || 1)) * (to - from);
  const toX = scale(x.limits, left, left + inner.width);
  const toY = scale(y.limits, top + inner.height, top);
  const xTicks = x.ticks ?? ticks(...x.limits, Math.max(2, Math.floor(inner.width / 80)));
  const yTicks = y.ticks ?? ticks(...y.limits, Math.max(2, Math.floor(inner.height / 45)));
  const body = s("g");
  const named = clear(xTicks.map((value) => ({ at: toX(value), text: (x.label ?? label)(value, xTicks) })));
  const svg = s(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, class: "rp-chart" },
    yTicks.map((value) =>
      s(
        "g",
        s("line.rp-grid", { x1: left, x2: left + inner.width, y1: toY(value), y2: toY(value) }),
        s("text", { x: left - 6, y: toY(value) + 4, "text-anchor": "end" }, (y.label ?? label)(value, yTicks)),
      ),
    ),
    named.map(({ at, text }) => s("text", { x: at, y: top + inner.height + 16, "text-anchor": "middle" }, text)),
    s("line.rp-axis", { x1: left, x2: left + inner.width, y1: top + inner.height, y2: top + inner.height }),
    s("text.rp-name", { x: left + inner.width / 2, y: height - 6, "text-anchor": "middle" }, x.name),
    s(
      "text",
      { transform: `translate(12 ${top + inner.height / 2}) rotate(-90)`, "text-anchor": "middle", class: "rp-name" },
      y.name,
    ),
    body,
  );
  return { svg, body, toX, toY, inner: { left, top, ...inner } };
}

/** Labels at the ends of lines, moved apart where they would touch: [{ y, ... }] gets `at`. */
export function spread(labels, gap, low, high) {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  sorted.forEach((item, k) => (item.at = k ? Math.max(item.y, sorted[k - 1].at + gap) : Math.max(item.y, low)));
  for (let k = sorted.length - 1; k >= 0; k--) {
    const limit = k === sorted.length - 1 ? high : sorted[k + 1].at - gap;
    sorted[k].at = Math.min(sorted[k].at, limit);
  }
  return labels;
}

/** Red, green and blue of #rrggbb. */
export const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** A legend of a colour map with its two ends. */
export function colourBar(stops) {
  const ends = [h("span"), h("span")];
  const bar = h("span.rp-bar", { style: `background: linear-gradient(to right, ${stops.join(", ")})` });
  return {
    element: h("div.rp-legend", ends[0], bar, ends[1]),
    set: (low, high) => [low, high].forEach((text, k) => (ends[k].textContent = text)),
  };
}

/**
 * A square matrix that answers to pointer and keyboard. Callbacks get row and column:
 * onCell(row, column, x, y), or onCell(null) when nothing is pointed at; onPick(row, column).
 */
export class Heatmap {
  constructor({ name, help, stops, onCell, onPick }) {
    this.stops = stops.map(channels);
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.cursor = h("div.rp-cell", { hidden: true });
    this.picked = h("div.rp-cell.rp-picked", { hidden: true });
    this.field = h(
      "div.rp-map",
      { tabindex: "0", role: "application", "aria-roledescription": "matrix", "aria-label": `${name}. ${help}` },
      this.canvas,
      this.picked,
      this.cursor,
    );
    this.rows = h("div.rp-rows", { "aria-hidden": "true" });
    this.columns = h("div.rp-columns", { "aria-hidden": "true" });
    this.element = h("div.rp-matrix", this.rows, this.field, this.columns);
    this.n = 0;
    this.at = [0, 0];
    this.onCell = onCell;
    this.field.addEventListener(
      "pointermove",
      (event) => this.n && onCell(...this.cellAt(event), event.clientX, event.clientY),
    );
    this.field.addEventListener("pointerleave", () => onCell(null));
    this.field.addEventListener("blur", () => onCell(null));
    this.field.addEventListener("click", (event) => {
      if (!this.n) return;
      this.at = this.cellAt(event);
      onPick?.(...this.at);
    });
    this.field.addEventListener("keydown", (event) => this.key(event, onPick));
  }

  key(event, onPick) {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const far = event.shiftKey ? 10 : 1;
    if (moves[event.key] && this.n) {
      this.at = this.at.map((place, axis) => Math.min(Math.max(place + far * moves[event.key][axis], 0), this.n - 1));
      const box = this.field.getBoundingClientRect();
      const size = box.width / this.n;
      this.onCell(...this.at, box.left + (this.at[1] + 1) * size, box.top + (this.at[0] + 1) * size, true);
    } else if ((event.key === "Enter" || event.key === " ") && this.n) onPick?.(...this.at);
    else if (event.key === "Escape") this.onCell(null);
    else return;
    event.preventDefault();
  }

  cellAt(event) {
    const box = this.field.getBoundingClientRect();
    const place = (offset, size) => Math.min(Math.max(Math.floor((offset / size) * this.n), 0), this.n - 1);
    return [place(event.clientY - box.top, box.height), place(event.clientX - box.left, box.width)];
  }

  /** Draw n × n values between limits; what is undefined is hatched. Groups are [{ start, label }]. */
  draw(values, n, [low, high], groups = []) {
    this.n = n;
    this.at = this.at.map((place) => Math.min(place, Math.max(n - 1, 0)));
    this.canvas.width = this.canvas.height = Math.max(n, 1);
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(this.canvas.width, this.canvas.height);
    const last = this.stops.length - 1;
    for (let k = 0; k < n * n; k++) {
      const value = values[k];
      if (Number.isNaN(value)) {
        const grey = (Math.floor(k / n) + (k % n)) % 3 ? 150 : 90;
        image.data.set([grey, grey, grey, 255], 4 * k);
        continue;
      }
      const place = Math.min(Math.max((value - low) / (high - low || 1), 0), 1) * last;
      const from = this.stops[Math.floor(place)];
      const to = this.stops[Math.min(Math.floor(place) + 1, last)];
      for (let c = 0; c < 3; c++) image.data[4 * k + c] = from[c] + (place % 1) * (to[c] - from[c]);
      image.data[4 * k + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    // More entries than pixels are averaged. (To ask for the width would have the page laid out once more.)
    this.canvas.style.imageRendering = n > 320 ? "auto" : "pixelated";
    this.rows.classList.toggle(
      "rp-short",
      groups.every(({ label: text }) => text.length < 3),
    );
    const long = groups.some(({ label: text }) => text.length > 6);
    this.rows.classList.toggle("rp-long", long); // takes width from the matrix
    for (const [strip, side] of [
      [this.rows, "top"],
      [this.columns, "left"],
    ]) {
      let free = -Infinity;
      const shown = groups.filter((group, k) => {
        const middle = (group.start + (groups[k + 1]?.start ?? n)) / 2 / (n || 1);
        group.middle = middle;
        const room = side === "top" ? 0.07 : (long ? 0.04 : 0.032) * Math.max(3, group.label.length);
        if (middle - free < room) return false;
        free = middle;
        return true;
      });
      strip.replaceChildren(
        ...shown.map((group) => h("span", { style: `${side}: ${100 * group.middle}%` }, group.label)),
      );
    }
  }

  /** Mark the cell under the cursor, or the picked one; null hides the mark. */
  mark(which, cell) {
    const box = which === "picked" ? this.picked : this.cursor;
    box.hidden = !cell || !this.n;
    if (!cell) return;
    const share = 100 / this.n;
    Object.assign(box.style, {
      top: `${cell[0] * share}%`,
      left: `${cell[1] * share}%`,
      width: `${share}%`,
      height: `${share}%`,
    });
  }
}

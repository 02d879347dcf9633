// Verdicts as marks. Shape and colour say the same: filled or hollow, square, cross.

import { s } from "./draw.js";

/** Status → its mark around a point. */
export const MARKS = {
  supported: (x, y) => s("circle", { cx: x, cy: y, r: 5.5 }),
  contradicted: (x, y) => s("rect", { x: x - 5, y: y - 5, width: 10, height: 10 }),
  mixed: (x, y) => s("path", { d: `M${x} ${y - 7}L${x + 7} ${y}L${x} ${y + 7}L${x - 7} ${y}z` }),
  undecided: (x, y) => s("circle.rp-hollow", { cx: x, cy: y, r: 5 }),
  "not run": (x, y) => s("path", { d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`, class: "rp-hollow" }),
};

/** A status as part of a class. */
export const slug = (status) => status.replace(" ", "-");

/** A ring around what is registered. */
export const ring = (cx, cy, r = 10) => s("circle.rp-primary", { cx, cy, r });

/** A triangle below an axis' value that is registered; hollow, one that was. */
export function triangle(x, y, hollow = false) {
  const size = hollow ? 8 : 5;
  const d = `M${x} ${y}l${size} ${1.7 * size}h${-2 * size}z`;
  return s("path", { d, class: hollow ? "rp-former" : "rp-registered" });
}

/** A comparison as its mark, `size` times as large, with its interval; null where there is no number. */
export function point({ status, estimate, low, high }, x, toY, size = 1) {
  if (!Number.isFinite(estimate)) return null;
  const whisker = Number.isFinite(low) ? s("line.rp-whisker", { x1: x, x2: x, y1: toY(low), y2: toY(high) }) : null;
  const mark = s("g", { transform: `translate(${x} ${toY(estimate)}) scale(${size})` }, MARKS[status](0, 0));
  return s("g", { class: `rp-mark rp-is-${slug(status)}` }, whisker, mark);
}

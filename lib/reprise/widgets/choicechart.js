// A rule's endpoint at every choice: over a scale, or for every set. `move` puts the cursor at a place.

import { same } from "./choices.js";
import { nearest } from "./controls.js";
import { axes, ink, s } from "./draw.js";
import { MARKS, point, ring, slug, triangle } from "./marks.js";

/** Limits that hold all intervals, the margins and 0, with some room. */
function limitsOf(table, margin = 0) {
  const all = table.flat().flatMap(({ estimate, low, high }) => [estimate, low, high]);
  const ends = all.filter(Number.isFinite);
  const [low, high] = [Math.min(0, -margin, ...ends), Math.max(0, margin, ...ends)];
  const room = 0.06 * (high - low || 1);
  return [low - room, high + room];
}

/** A strip above the chart says the verdict at each choice, in words and marks where there is room. */
function strip(statuses, x, toX) {
  const edge = (i) => (i <= 0 ? x[0] : i >= x.length ? x.at(-1) : (x[i - 1] + x[i]) / 2);
  const drawn = [];
  for (let from = 0, to = 0; from < x.length; from = to) {
    const status = statuses[from];
    while (to < x.length && statuses[to] === status) to++;
    const [left, right] = [toX(edge(from)), toX(edge(to))];
    const middle = (left + right) / 2;
    const bar = s("rect", { x: left, y: 18, width: Math.max(right - left, 1), height: 5 });
    const mark = right - left > 14 ? MARKS[status](middle, 20.5) : null;
    drawn.push(s("g", { class: `rp-mark rp-strip rp-is-${slug(status)}` }, bar, mark));
    const room = right - left > 7 * status.length;
    if (room) drawn.push(s("text", { x: middle, y: 11, "text-anchor": "middle" }, status));
  }
  return drawn;
}

/** Over a scale: lines with bands, the registered choice marked below and the verdict above. */
export function overScale({ about, values: x, table, statuses, width, onPick }) {
  const { comparisons, choice, effect } = about;
  const label = choice.label.split(/[:,]/)[0];
  const { svg, body, toX, toY, inner } = axes({
    width,
    height: 300,
    top: 32,
    x: { limits: [x[0], x.at(-1)], name: choice.unit ? `${label} [${choice.unit}]` : label },
    y: { limits: limitsOf(table, choice.margin ? x.at(-1) : 0), name: effect },
  });
  const [right, low] = [inner.left + inner.width, inner.top + inner.height];
  comparisons.forEach(({ colour }, k) => {
    const known = [...x.keys()].filter((i) => Number.isFinite(table[i][k].low));
    const at = (end) => known.map((i) => `${toX(x[i]).toFixed(1)} ${toY(table[i][k][end]).toFixed(1)}`);
    const band = [...at("high"), ...at("low").reverse()].join("L");
    if (!known.length) return;
    body.append(s("path.rp-band", { d: `M${band}z`, style: `fill: ${ink(colour)}` }));
    body.append(s("path.rp-line", { d: `M${at("estimate").join("L")}`, style: `stroke: ${ink(colour)}` }));
  });
  for (const side of choice.margin ? [-1, 1] : []) {
    const ends = [x[0], x.at(-1)].map((value) => `${toX(value)} ${toY(side * value)}`);
    body.append(s("path.rp-zero", { d: `M${ends.join("L")}` }));
  }
  body.append(s("line.rp-zero", { x1: inner.left, x2: right, y1: toY(0), y2: toY(0) }));
  body.append(...strip(statuses, x, toX));
  for (const value of choice.former) body.append(triangle(toX(value), low - 14, true));
  for (const value of choice.registered) body.append(triangle(toX(value), low - 9));
  const cursor = s("g");
  body.append(cursor);
  const pick = ({ clientX }) => {
    const share = (clientX - svg.getBoundingClientRect().left - inner.left) / inner.width;
    onPick(nearest(x, x[0] + Math.min(Math.max(share, 0), 1) * (x.at(-1) - x[0])));
  };
  svg.classList.add("rp-with-cursor");
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    pick(event);
  });
  svg.addEventListener("pointermove", (event) => event.buttons && pick(event));
  const move = (i) => {
    const here = toX(x[i]);
    const beside = (k) => here + 12 * (k - (comparisons.length - 1) / 2);
    const points = table[i].map((part, k) => point(part, beside(k), toY)).filter(Boolean);
    cursor.replaceChildren(s("line.rp-cursor", { x1: here, x2: here, y1: 24, y2: low }), ...points);
  };
  return { svg, move };
}

/** Every set in order of its effect, with what it counts below. */
export function overSets({ about, values, table, width, onPick }) {
  const { choice, effect } = about;
  const order = [...values.keys()].sort((a, b) => table[a][0].estimate - table[b][0].estimate);
  const left = 66;
  const { svg, body, toX, toY, inner } = axes({
    width,
    height: 250,
    left,
    x: { limits: [-0.5, order.length - 0.5], ticks: [], name: "" },
    y: { limits: limitsOf(table), name: effect },
  });
  const height = 240 + 18 * choice.options.length;
  svg.setAttribute("height", height);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  body.append(s("line.rp-zero", { x1: left, x2: left + inner.width, y1: toY(0), y2: toY(0) }));
  const row = (place) => 232 + 18 * place;
  choice.options.forEach((name, place) => {
    body.append(s("text", { x: left - 8, y: row(place) + 4, "text-anchor": "end" }, name));
  });
  const step = inner.width / order.length;
  const groups = order.map((k, rank) => {
    const part = table[k][0];
    const x = toX(rank);
    const dots = choice.options.map((_, place) => {
      const on = values[k].includes(place);
      return s("circle", {
        cx: x,
        cy: row(place),
        r: on ? Math.min(4, 0.36 * step) : 1.5,
        class: on ? "rp-on" : "rp-off",
      });
    });
    const fixed = choice.registered.some((chosen) => same(chosen, values[k]));
    const group = s(
      "g",
      { class: `rp-point rp-mark rp-is-${slug(part.status)}` },
      s("rect.rp-hit", { x: x - step / 2, y: inner.top, width: step, height: height - inner.top }),
      point(part, x, toY, Math.min(1, step / 14)),
      fixed ? ring(x, toY(part.estimate)) : null,
      dots,
    );
    group.addEventListener("click", () => onPick(k));
    return group;
  });
  body.append(...groups);
  const move = (at) => groups.forEach((group, rank) => group.classList.toggle("rp-here", order[rank] === at));
  return { svg, move };
}

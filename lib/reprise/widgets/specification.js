// Measure matters: every analysis of a claim, in order of its effect.

import { command, h, menu, notice, spell } from "./controls.js";
import { axes, s } from "./draw.js";
import { Explorer, widget } from "./frame.js";
import { MARKS, slug } from "./marks.js";

class Specification extends Explorer {
  constructor(context) {
    super(context, "specification");
    const claims = new Map(this.about.rows.map((row) => [row.claim, row.title]));
    this.claim = claims.keys().next().value;
    const options = [...claims].map(([id, title]) => ({ value: id, label: title ? `${id} · ${title}` : id }));
    const claimMenu = menu("Claim", options, this.claim, (id) => {
      this.claim = id;
      this.choose();
    });
    this.tally = h("p.rp-tally");
    this.plot = h("div.rp-plot");
    this.details = h("div.rp-details");
    this.command = command("Copy the command");
    const key = Object.entries(MARKS).map(([status, mark]) => {
      const drawn = s("svg", { width: 16, height: 16, class: `rp-mark rp-is-${slug(status)}` }, mark(8, 8));
      return h("span", drawn, ` ${status}`);
    });
    const parts = [
      h("div.rp-controls", claimMenu.element),
      this.tally,
      this.plot,
      h("p.rp-key.rp-marks", { "aria-hidden": "true" }, key),
      this.details,
      this.command.element,
    ];
    this.show(parts, () => this.draw());
    this.choose();
  }

  choose() {
    // Ascending by effect; analyses without a number come last.
    this.rows = this.about.rows
      .filter((row) => row.claim === this.claim)
      .sort((a, b) => (a.estimate === null) - (b.estimate === null) || a.estimate - b.estimate);
    const counts = {};
    for (const { status } of this.rows) counts[status] = (counts[status] || 0) + 1;
    const words = Object.entries(counts).map(([status, count]) => `${count} ${status}`);
    const analyses = this.rows.length === 1 ? "analysis" : "analyses";
    this.tally.textContent = `${this.rows.length} ${analyses}: ${words.join(", ")}.`;
    const primary = this.rows.findIndex((row) => row.primary);
    this.at = Math.max(primary, 0);
    this.draw();
    this.tell();
  }

  draw() {
    // Many analyses on a narrow page stand beside each other all the same: the plot then scrolls by itself.
    const space = Math.max(this.plot.clientWidth, 260);
    const side = space < 560 ? 0 : 190;
    const width = Math.max(space, side + 64 + 9 * this.rows.length);
    const known = this.rows.filter((row) => row.estimate !== null);
    const choices = ["measure", "condition"].map((name) => ({
      name,
      values: [...new Set(this.about.rows.filter((row) => row.claim === this.claim).map((row) => row[name]))],
    }));
    const lines = choices.flatMap(({ name, values }) => values.map((value) => ({ name, value })));
    const rowHeight = side ? 20 : 34;
    const tops = known.flatMap((row) => [row.low ?? row.estimate, row.high ?? row.estimate, 0]);
    const [low, high] = tops.length ? [Math.min(...tops), Math.max(...tops)] : [0, 1];
    const room = (high - low || 1) * 0.08;
    const plotHeight = 230;
    const effects = [...new Set(this.rows.map((row) => row.effect || "effect"))];
    const name = effects.length === 1 ? effects[0] : "effect";
    const frame = axes({
      width: width - side,
      height: plotHeight,
      x: { limits: [-0.5, this.rows.length - 0.5], ticks: [], name: "" },
      y: { limits: [low - room, high + room], name: "effect" },
    });
    const { svg, body, toX, toY, inner } = frame;
    const height = plotHeight + lines.length * rowHeight + 16;
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    svg.setAttribute("viewBox", `${-side} 0 ${width} ${height}`);
    svg.setAttribute("role", "group");
    svg.setAttribute(
      "aria-label",
      `${this.rows.length} analyses of ${this.claim} by effect; arrow keys go from one to the next`,
    );
    body.append(s("line.rp-zero", { x1: inner.left, x2: inner.left + inner.width, y1: toY(0), y2: toY(0) }));
    lines.forEach(({ name: kind, value }, k) => {
      const y = plotHeight - 8 + k * rowHeight;
      const first = k && lines[k - 1].name !== kind;
      if (first)
        body.append(
          s("line.rp-grid", { x1: -side, x2: inner.left + inner.width, y1: y - rowHeight / 2, y2: y - rowHeight / 2 }),
        );
      body.append(
        s("text", side ? { x: inner.left - 12, y: y + 4, "text-anchor": "end" } : { x: inner.left, y: y - 8 }, value),
      );
    });
    this.points = this.rows.map((row, k) => {
      const x = toX(k);
      const y = row.estimate === null ? toY(low) : toY(row.estimate);
      const point = s(
        "g",
        {
          class: `rp-point rp-mark rp-is-${slug(row.status)}`,
          role: "button",
          tabindex: k === this.at ? 0 : -1,
          "aria-label": this.words(row),
        },
        s("rect.rp-hit", {
          x: x - Math.max(inner.width / this.rows.length / 2, 6),
          y: inner.top,
          width: Math.max(inner.width / this.rows.length, 12),
          height: height - inner.top,
        }),
        row.low === null || row.low === undefined
          ? null
          : s("line.rp-whisker", { x1: x, x2: x, y1: toY(row.low), y2: toY(row.high) }),
        MARKS[row.status](x, y),
        row.primary ? s("circle.rp-primary", { cx: x, cy: y, r: 10 }) : null,
        lines.map(({ name: kind, value }, line) => {
          const on = row[kind] === value;
          return s("circle", {
            cx: x,
            cy: plotHeight - 8 + line * rowHeight + (side ? 0 : 4),
            r: on ? 4 : 1.5,
            class: on ? "rp-on" : "rp-off",
          });
        }),
      );
      point.addEventListener("click", () => this.go(k));
      point.addEventListener("pointermove", (event) => this.hint.show(event.clientX, event.clientY, this.words(row)));
      point.addEventListener("pointerleave", () => this.hint.hide());
      point.addEventListener("keydown", (event) => {
        const to = { ArrowRight: k + 1, ArrowLeft: k - 1, Home: 0, End: this.rows.length - 1, Enter: k, " ": k }[
          event.key
        ];
        if (to === undefined) return;
        event.preventDefault();
        this.go(Math.min(Math.max(to, 0), this.rows.length - 1), true);
      });
      return point;
    });
    body.append(...this.points);
    const what = name === "effect" ? "of each analysis its comparison with the least support" : name;
    const note = `Effect: ${what}. Bars: intervals over seeds. Ring: the analysis that decides.`;
    const none = known.length ? [] : [notice("None of these analyses has a number yet.")];
    this.plot.replaceChildren(...none, svg, h("p.rp-note", note));
    this.mark();
  }

  words(row) {
    const interval = row.low === null ? "" : `, ${spell(row.low)} to ${spell(row.high)}`;
    const numbers = row.estimate === null ? "no number" : `${spell(row.estimate)}${interval}`;
    return `${row.status}: ${row.measure}, ${row.condition}: ${numbers}`;
  }

  go(k, focus = false) {
    this.at = k;
    this.mark();
    if (focus) this.points[k].focus();
    this.tell();
  }

  mark() {
    this.points.forEach((point, k) => {
      point.setAttribute("tabindex", k === this.at ? 0 : -1);
      point.setAttribute("aria-pressed", String(k === this.at));
    });
  }

  tell() {
    const row = this.rows[this.at];
    const level = row.level ? `${Math.round(100 * row.level)} % interval ` : "";
    const interval = row.low === null ? "no interval" : `${level}${spell(row.low)} to ${spell(row.high)}`;
    const chip = h("span", { class: `verdict-${slug(row.status)} rp-chip` }, row.status);
    const analysis = ` ${row.claim}, ${row.measure}, ${row.condition}${row.primary ? " (decides)" : ""}`;
    const estimate = row.estimate === null ? "no number" : spell(row.estimate);
    const effect = `${row.effect ? `${row.effect}: ` : ""}${estimate}${row.unit ? ` ${row.unit}` : ""}`;
    const asked = row.bound ? `; asked: ${row.bound}` : "";
    const numbers = h("p", `${effect}; ${interval}; n = ${row.n} seeds${asked}.`);
    this.details.replaceChildren(h("p", chip, analysis), numbers);
    this.command.set(row.command);
    this.voice.say(this.words(row));
  }
}

export default widget(Specification);

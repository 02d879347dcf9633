// Rule matters: a rule whose choices by hand are open, with its interval and verdict at each.

import { overScale, overSets } from "./choicechart.js";
import { allOf, Choices, same } from "./choices.js";
import { button, h, menu, nearest, slider, spell, tick } from "./controls.js";
import { ink, s } from "./draw.js";
import { Explorer, widget } from "./frame.js";
import { MARKS, ring, slug, triangle } from "./marks.js";

const chip = (status) => h("span", { class: `verdict-${slug(status)} rp-chip` }, status);

class Rule extends Explorer {
  constructor(context) {
    super(context, "rule");
    const { choice, options, option } = this.about;
    this.rule = new Choices(this.about);
    this.option = option;
    this.values = this.rule.values;
    this.scale = choice.kind === "scale";
    this.home = this.scale
      ? nearest(this.values, choice.registered[Math.floor(choice.registered.length / 2)])
      : this.placeOf(choice.registered[0]);
    this.at = this.home;
    const options_ = options.map(({ id, title }) => ({ value: id, label: title }));
    const optionMenu = menu(this.about.menu, options_, option, (id) => {
      this.option = id;
      this.draw();
    });
    this.plot = h("div.rp-plot");
    this.says = h("div.rp-details");
    this.sentence = h("p.rp-tally");
    this.fixed = h("p.rp-note");
    const parts = [
      this.about.withheld ? h("p.rp-notice", this.about.withheld) : null,
      options.length > 1 ? h("div.rp-controls", optionMenu.element) : null,
      this.scale ? this.makeSlider() : this.makeBoxes(),
      this.says,
      this.plot,
      h("p.rp-key.rp-marks", { "aria-hidden": "true" }, this.key()),
      this.sentence,
      this.fixed,
    ];
    this.show(parts, () => this.draw());
  }

  /** Place of a set among all. */
  placeOf(chosen) {
    const sorted = [...chosen].sort((a, b) => a - b);
    return this.values.findIndex((own) => same(own, sorted));
  }

  makeSlider() {
    const { label, unit } = this.about.choice;
    this.slider = slider(label, this.values, unit, (place) => this.go(place));
    this.reading = h("output.rp-value");
    return h("div", h("p", `${label}: `, this.reading), h("div.rp-slide", this.slider.element, this.back()));
  }

  makeBoxes() {
    const { label, options, least, least_words, noun } = this.about.choice;
    this.boxes = options.map((name) => tick(name, true, () => this.chose()));
    this.refused = h("p.rp-note", { role: "status" });
    this.tooFew = `At least ${least_words} ${noun} are needed.`;
    this.least = least;
    const boxes = this.boxes.map(({ element }) => element);
    return h("div", h("div.rp-controls", h("fieldset", h("legend", label), boxes), this.back()), this.refused);
  }

  /** A button that goes to what the rule has registered; of several sets, to one after the other. */
  back() {
    const { registered } = this.about.choice;
    let turn = 0;
    return button("Registered choice", () => {
      if (this.scale) return this.go(this.home);
      turn = same(this.values[this.at], registered[turn]) ? (turn + 1) % registered.length : turn;
      this.go(this.placeOf(registered[turn]));
    });
  }

  chose() {
    const chosen = this.boxes.flatMap(({ box }, place) => (box.checked ? [place] : []));
    const few = chosen.length < this.least;
    this.refused.textContent = few ? this.tooFew : "";
    if (few) this.boxes.forEach(({ box }, place) => (box.checked = this.values[this.at].includes(place)));
    else this.go(this.placeOf(chosen));
  }

  key() {
    const { choice, comparisons } = this.about;
    const mark = (drawn, kind) => h("span", s("svg", { width: 16, height: 16, class: `rp-mark ${kind}` }, drawn));
    const found = Object.keys(MARKS)
      .filter((status) => status !== "not run" && (this.scale || status !== "mixed"))
      .map((status) => h("span", mark(MARKS[status](8, 8), `rp-is-${slug(status)}`), ` ${status}`));
    if (!this.scale) return [...found, h("span", mark(ring(8, 8, 6), ""), " registered")];
    found.push(h("span", mark(triangle(8, 4), ""), " registered"));
    if (choice.former.length) found.push(h("span", mark(triangle(8, 1, true), ""), " as before"));
    if (comparisons.length > 1)
      found.push(
        ...comparisons.map(({ short, colour }) =>
          h("span", h("span.rp-swatch", { style: `background: ${ink(colour)}` }), ` ${short}`),
        ),
      );
    if (choice.margin) found.push(h("span", "dashed: the margin"));
    return found;
  }

  go(at) {
    this.at = at;
    this.mark();
    this.tell();
  }

  /** All that depends on the option and the width. */
  draw() {
    this.table = this.values.map((choice) => this.rule.parts(this.option, choice));
    this.statuses = this.table.map((parts) => allOf(parts.map(({ status }) => status)));
    const width = Math.max(this.plot.clientWidth, 240);
    const chart = (this.scale ? overScale : overSets)({
      about: this.about,
      values: this.values,
      table: this.table,
      statuses: this.statuses,
      width,
      onPick: (place) => this.go(place),
    });
    const { svg } = chart;
    this.move = chart.move;
    svg.setAttribute("role", "img");
    this.sentence.textContent = this.rule.sentence(this.option).replace(this.about.withheld, "").trim();
    svg.setAttribute("aria-label", `${this.about.effect} at every choice. ${this.sentence.textContent}`);
    this.plot.replaceChildren(svg);
    const registered = this.rule.registered(this.option);
    const numbers = registered.map((part) => `${interval(part)}, ${part.status}`).join("; ");
    const { title } = this.about.options.find(({ id }) => id === this.option);
    const menu_ = this.about.options.length > 1 ? ` (${title.replace(", registered", "")})` : "";
    this.fixed.textContent = `As registered, ${this.rule.spell(...this.about.choice.registered)}${menu_}: ${numbers}.`;
    this.mark();
    this.tell();
  }

  /** The present choice, in the controls and in the picture. */
  mark() {
    const choice = this.values[this.at];
    if (this.scale) {
      this.slider.set(this.at);
      this.slider.element.setAttribute("aria-valuetext", this.rule.spell(choice));
      this.reading.textContent = this.rule.spell(choice);
    } else this.boxes.forEach(({ box }, place) => (box.checked = choice.includes(place)));
    this.move?.(this.at);
  }

  tell() {
    const parts = this.table[this.at];
    const status = this.statuses[this.at];
    const lines = parts.map((part) => {
      const never = part.censored ? ` ${part.censored} of ${part.n} never get there: all their steps count.` : "";
      const basis = `${100 * part.level} % interval, n = ${part.n}; asked: ${part.bound}`;
      const own = parts.length > 1 ? [` `, chip(part.status)] : [];
      return h(
        "p",
        { "data-values": part.values.join(" ") },
        `${part.name}: ${interval(part)} (${basis}).${never}`,
        own,
      );
    });
    const where = this.rule.spell(this.values[this.at]);
    this.says.replaceChildren(h("p", chip(status), ` at ${where}`), ...lines);
    this.voice.say(`${where}: ${status}. ${parts.map((part) => interval(part)).join("; ")}`);
  }
}

const interval = ({ estimate, low, high, unit }) =>
  `${spell(estimate)} [${spell(low)}, ${spell(high)}]${unit ? ` ${unit}` : ""}`;

export default widget(Rule);

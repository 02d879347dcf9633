// Dynamics explorer: change over training, and the state under a cursor.

import { ChangeChart, ChangeData, summarise } from "./change.js";
import { button, cell, h, nearest, notice, placeMenu, readout, slider, spell, tick, titles } from "./controls.js";
import { StateCourse } from "./course.js";
import { ink } from "./draw.js";
import { Explorer, widget } from "./frame.js";

class Dynamics extends Explorer {
  constructor(context) {
    super(context, "dynamics");
    const { reference, measures, seeds, layers, x, states } = this.about;
    this.data = new ChangeData(this.about, this.trait("change"), this.trait("levels"));
    Object.assign(this, { reference, measure: 0, seeds: new Set(seeds.keys()), layers: new Set(layers.keys()) });
    const kept = states ? StateCourse.places(states) : [];
    this.places = kept.length ? kept : x;
    this.at = this.places.length - 1;
    if (states) {
      this.course = new StateCourse(this, measures[0]);
      this.course.place = this.places[this.at];
      this.engine = this.course.engine;
    }
    this.build();
    this.refresh();
    this.course?.refresh();
  }

  build() {
    const { measures, references, seeds, layers, x_title } = this.about;
    const measureMenu = placeMenu("Measure", titles(measures), 0, (measure) => {
      this.measure = measure;
      this.refresh();
      if (!this.course) return;
      this.course.measure = measures[measure];
      this.course.refresh();
    });
    const referenceMenu = placeMenu("Change from", references, this.reference, (reference) => {
      this.reference = reference;
      this.fit.box.checked = this.startsHigh();
      this.refresh();
    });
    this.fit = tick("fit the axis to what follows the first tenth", this.startsHigh(), () => this.refresh());
    const toggles = (set, labels) =>
      labels.map((label, place) => {
        const toggle = (on) => {
          if (on) set.add(place);
          else set.delete(place);
          this.refresh();
        };
        return tick(label, true, toggle).element;
      });
    const layerBoxes = toggles(
      this.layers,
      layers.map(({ name }) => name),
    );
    layerBoxes.forEach((box, k) => {
      box.append(h("span.rp-swatch", { style: `background: ${ink(layers[k].colour)}`, "aria-hidden": "true" }));
    });
    const seedBoxes = toggles(this.seeds, seeds.map(String));
    this.chart = new ChangeChart({ onPlace: (value) => this.moveTo(nearest(this.places, value)) });
    this.note = h("p.rp-note");
    this.slider = slider(`Position in training (${x_title})`, this.places, x_title, (place) => this.moveTo(place));
    this.play = button("Play", () => this.toggle());
    this.table = h("div.rp-readout");
    const fieldset = (legend, boxes) => h("fieldset", h("legend", legend), boxes);
    const parts = [
      h("div.rp-controls", measureMenu.element, referenceMenu.element),
      h("div.rp-controls", fieldset("Layers", layerBoxes), fieldset("Seeds", seedBoxes), this.fit.element),
      this.chart.element,
      this.note,
      h("div.rp-player", this.play, this.slider.element),
      this.table,
      ...(this.course?.parts ?? [notice("No states are kept here: there is no RDM and no map to show.")]),
    ];
    this.show(parts, () => {
      this.refresh();
      this.course?.map.redraw();
    });
  }

  startsHigh() {
    return this.data.startsHigh(this.reference, this.measure);
  }

  refresh() {
    const { layers, levels, seeds, x, x_title, measures, quantiles } = this.about;
    if (!this.seeds.size || !this.layers.size) {
      this.chart.say(!this.seeds.size ? "No seed is chosen." : "No layer is chosen.");
      this.table.replaceChildren();
      this.note.textContent = "";
      return;
    }
    const chosen = [...this.layers].sort((a, b) => a - b);
    const asked = [...this.seeds].sort((a, b) => a - b);
    // A measure that units do not hold is known of those seeds alone that keep Gram matrices.
    const known = asked.filter((seed) =>
      chosen.some((layer) => {
        const [series] = this.data.series(this.reference, this.measure, layer, [seed]);
        return !series.every(Number.isNaN);
      }),
    );
    const picked = known.length ? known : asked;
    this.lines = chosen.map((layer) => ({
      name: layers[layer].name,
      colour: layers[layer].colour,
      ...summarise(this.data.series(this.reference, this.measure, layer, picked), quantiles),
      levels: levels.map((_, number) => this.data.level(number, this.measure, layer, picked)),
    }));
    this.chart.draw({
      lines: this.lines,
      x,
      x_title,
      y_title: `change, 1 − ${measures[this.measure].symbol} (0 = none)`,
      late: this.fit.box.checked,
      place: this.places[this.at],
    });
    const bands =
      picked.length > 1
        ? `Lines: mean over ${picked.length} seeds; bands: 95 % t interval over seeds.`
        : "One seed: no band, for it takes two.";
    const those = known.map((seed) => seeds[seed]).join(", ");
    const without = !known.length
      ? " It is not known of these seeds from this reference."
      : known.length < asked.length
        ? ` It follows from kept Gram matrices alone: seed ${those}, where they were kept.`
        : "";
    const dashes = ["Dotted", "Dashed", "Dash-dotted"];
    const dotted = levels.map(({ title, kind }, k) => `${dashes[k % 3]}: ${title} (${kind}), in the layer's colour.`);
    const cut = this.fit.box.checked ? " The axis is cut above the first tenth." : "";
    this.note.textContent = `${bands}${without} ${dotted.join(" ")}${cut}`;
    this.read();
  }

  /** The numbers at the cursor. */
  read() {
    const { x, x_title, levels } = this.about;
    const place = this.places[this.at];
    let k = x.findIndex((value) => value >= place);
    if (k < 0) k = x.length - 1;
    const interval = ({ low, high }) => (Number.isNaN(low[k]) ? "–" : `${spell(low[k])} to ${spell(high[k])}`);
    const rows = this.lines.map((line) => [
      line.name,
      cell(line.mean[k]),
      h("td", interval(line)),
      ...line.levels.map((level) => cell(level)),
    ]);
    const columns = ["layer", "change", "interval", ...titles(levels)];
    this.table.replaceChildren(readout(`At ${x[k]} ${x_title}`, columns, rows));
  }

  moveTo(at) {
    this.at = at;
    this.slider.set(at);
    this.chart.move(this.places[at]);
    if (this.lines && this.seeds.size && this.layers.size) this.read();
    this.course?.show(this.places[at]);
  }

  toggle() {
    if (this.timer) return this.pause();
    if (this.at === this.places.length - 1) this.moveTo(0);
    const slow = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.play.textContent = "Pause";
    this.timer = setInterval(
      () => {
        if (this.at + 1 >= this.places.length) this.pause();
        else this.moveTo(this.at + 1);
      },
      slow ? 1500 : 600,
    );
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    this.play.textContent = "Play";
  }

  close() {
    this.pause();
    super.close();
  }
}

export default widget(Dynamics);

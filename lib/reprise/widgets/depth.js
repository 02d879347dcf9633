// Two conditions layer by layer: their networks against each other, and each before against after fine-tuning.

import { ChangeChart, summarise } from "./change.js";
import { cell, h, notice, placeMenu, readout, spell, titles } from "./controls.js";
import { form, similarity } from "./core.js";
import { canResample } from "./resample.js";

const CROP_RESAMPLES = 400;

export class DepthPanel {
  constructor(about, outcomes, states, engine) {
    Object.assign(this, { about, outcomes, states, engine, measure: 0 });
    this.chart = new ChangeChart({});
    this.note = h("div.rp-note");
    this.table = h("div.rp-readout");
    const measureMenu = placeMenu("Measure", titles(about.measures), 0, (measure) => {
      this.measure = measure;
      this.show(...this.asked);
    });
    this.element = h("div", measureMenu.element, this.chart.element, this.note, this.table);
  }

  /** Sides are { look, units, single }: how it is drawn, its units of all seeds, that of the one seed (or −1). */
  show(sides, seed) {
    this.asked = [sides, seed];
    const { layers, measures, probes, quantiles, keptSeeds, n } = this.about;
    const measure = measures[this.measure];
    const first = sides.map(({ single: unit }) => (unit < 0 ? -1 : this.outcomes.units[unit][3]));
    const known = first.every((state) => state >= 0) && this.states[first[0]].set === this.states[first[1]].set;
    const pairs = known ? layers.map((_, k) => [first[0] + k, first[1] + k]) : [];
    const keep = [...Array(n).keys()];
    const forms = pairs.map((pair) => pair.map((state) => form(this.states[state], measure, keep)));
    const between = Float64Array.from(layers, (_, k) => (known ? 1 - similarity(...forms[k], measure) : NaN));
    const changes = (side, fresh) => summarise(this.known(sides[side].units, fresh), quantiles);
    const tuned = sides.map(({ look }, side) => ({ ...look, ...changes(side, false) }));
    const fresh = { ...changes(0, true), name: "null", colour: "var(--rp-muted)", dash: "1 4" };
    fresh.low.fill(NaN); // the null is a level: its band would hide the lines
    const partly = sides.some(({ units }) => this.known(units).length < units.length);
    const draw = (intervals) => {
      const [low, high] = [1, 0].map((end) =>
        Float64Array.from(layers, (_, k) => (intervals ? 1 - intervals[k][end] : NaN)),
      );
      const cross = { name: "A–B", colour: "var(--rp-ink)", mean: between, low, high };
      this.chart.draw({
        lines: known ? [fresh, ...tuned, cross] : [fresh, ...tuned],
        x: layers.map((_, k) => k),
        height: 300,
        x_title: "layer, from the image to the classes",
        y_title: `change, 1 − ${measure.symbol} (0 = none)`,
        ticks: { values: layers.map((_, k) => k), label: (k) => layers[k].short },
        what: "A, B, A against B, and the null; the numbers stand in the table below",
      });
      this.tell({ measure, between, low, high, intervals, tuned, fresh });
    };
    // Asked once for a pair: to draw it anew, at another width, takes no other answer.
    const key = JSON.stringify([pairs, measure]);
    this.key = key;
    draw(this.answer?.key === key ? this.answer.intervals : null);
    const band = `95 % interval over crops (${canResample(measure) ? `${CROP_RESAMPLES} resamples` : "jackknife"})`;
    const computed = `on the same ${probes} test crops, computed in this page; band: ${band}. `;
    const crops = known ? `A–B: networks A and B of seed ${seed} after fine-tuning, ${computed}` : "";
    const some = partly ? " (this measure: of the seeds that keep Gram matrices)" : "";
    const mean = `mean over seeds with 95 % t interval${some}`;
    const tuning = `A (solid), B (dashed): before against after fine-tuning, ${mean}.`;
    const dotted = "Dotted: A against a fresh network (null).";
    const kept = keptSeeds.length
      ? `Gram matrices are kept for seed ${keptSeeds.join(", ")} alone, and not for every condition`
      : "no Gram matrices are kept";
    this.note.replaceChildren(
      h("p", `${crops}${tuning} ${dotted}`),
      known ? "" : notice(`A against B cannot be computed for seed ${seed}: ${kept}.`),
    );
    if (!known || this.answer?.key === key) return;
    this.engine.ask("intervals", { pairs, measure, keep, resamples: CROP_RESAMPLES, seed: 0 }).then((intervals) => {
      if (!intervals || key !== this.key) return; // another pair is shown by now
      this.answer = { key, intervals };
      draw(intervals);
    });
  }

  /** Changes of some units; of a measure that units do not hold, of those alone that keep Gram matrices. */
  known(units, fresh = false) {
    const all = units.map((unit) => this.outcomes.change(this.measure, unit, fresh));
    const there = all.filter((values) => !values.every(Number.isNaN));
    return there.length ? there : all;
  }

  tell({ measure, between, low, high, intervals, tuned, fresh }) {
    const interval = (k) => {
      const [from, to] = intervals ? [low[k], high[k]] : [null, null];
      const text = intervals ? `${spell(from)} to ${spell(to)}` : "–";
      return h("td.rp-interval", { "data-low": from, "data-high": to }, text);
    };
    const rows = this.about.layers.map(({ name }, k) => [
      name,
      h("td.rp-between", { "data-value": between[k] }, spell(between[k])),
      interval(k),
      ...tuned.map(({ mean }) => cell(mean[k])),
      cell(fresh.mean[k]),
    ]);
    const columns = ["layer", "A–B", "interval", "A by fine-tuning", "B by fine-tuning", "null"];
    this.table.replaceChildren(readout(`Change, ${measure.title}`, columns, rows));
  }
}

// How two conditions learn, A beside B: quality over the steps of fine-tuning, and by the share of the labels.

import { ChangeChart, summarise } from "./change.js";
import { h, nearest, panel, slider, spell } from "./controls.js";
import { meanInterval } from "./outcomes.js";

/** Quality on the test pictures after every evaluated step, with a cursor. */
export class LearningCurves {
  constructor(about, outcomes) {
    Object.assign(this, { about, outcomes, at: about.steps.length - 1 });
    this.chart = new ChangeChart({ onPlace: (value) => this.moveTo(nearest(about.steps, value)) });
    this.slider = slider("Steps of fine-tuning", about.steps, "steps", (place) => this.moveTo(place));
    this.note = h("p.rp-note");
    this.parts = [this.chart.element, this.slider.element, this.note];
  }

  line(look, units) {
    const series = units.map((unit) => this.outcomes.curve(unit));
    return { ...look, ...summarise(series, this.about.quantiles) };
  }

  /** Sides and others are { look, units }; the others are drawn faintly behind. */
  show(sides, others) {
    const { steps } = this.about;
    this.lines = sides.map(({ look, units }) => this.line(look, units));
    const faint = others.map(({ look, units }) => this.line({ ...look, faint: true }, units));
    this.chart.draw({
      lines: [...faint, ...this.lines],
      x: steps,
      x_title: "steps of fine-tuning",
      y_title: "mean IoU (1 = perfect)",
      place: steps[this.at],
      height: 290,
      what: "A and B; the numbers at the cursor stand below",
    });
    this.moveTo(this.at);
  }

  moveTo(at) {
    const { steps, judges } = this.about;
    this.at = at;
    this.slider.set(at);
    this.chart.move(steps[at]);
    const interval = ({ low, high }) => (Number.isNaN(low[at]) ? "" : ` (${spell(low[at])} to ${spell(high[at])})`);
    const said = this.lines.map((line) => `${line.name} ${spell(line.mean[at])}${interval(line)}`).join("; ");
    this.note.textContent = `After ${steps[at]} steps, on ${judges} test pictures: ${said}. A: solid; B: dashed.`;
  }
}

/** Final quality of two starts at every share of the labels. */
export class QualityByShare {
  constructor(about, outcomes) {
    Object.assign(this, { about, outcomes });
    this.chart = new ChangeChart({});
    this.note = h("p.rp-note");
    this.element = panel("Quality by share of the labels", this.chart.element, this.note);
  }

  /** Sides are { look, condition, start }: the last one is the start in words. */
  show(sides, which) {
    const { shares, quantiles, qualities } = this.about;
    if (shares.length < 2) {
      this.chart.say("Only one share of the labels is in the store.");
      this.note.textContent = "";
      return;
    }
    const units = (condition, share) => this.outcomes.of(condition[0], share);
    const lines = sides.map(({ look, condition }) => {
      const all = shares.map((_, share) => {
        const values = units(condition, share).map((unit) => this.outcomes.quality(which, unit));
        return meanInterval(values, quantiles);
      });
      const [mean, low, high] = ["mean", "low", "high"].map((key) =>
        Float64Array.from(all, (interval) => interval[key]),
      );
      return { ...look, mean, low, high };
    });
    const x = shares.map(({ value }) => Math.log10(value));
    this.chart.draw({
      lines,
      x,
      x_title: "share of the target's training pictures",
      y_title: `${qualities[which].title} (1 = perfect)`,
      height: 250,
      ticks: { values: x, label: (place) => shares[x.indexOf(place)].label },
      what: "A and B",
    });
    const counted = ({ label }, count) =>
      count ? `${label} ${count} seed${count === 1 ? "" : "s"}` : `${label} not there`;
    const said = sides.map(({ look, condition, start }) => {
      const counts = shares.map((share, k) => counted(share, units(condition, k).length));
      return `${look.name}, ${start}: ${counts.join(", ")}`;
    });
    this.note.textContent = `${said.join(". ")}.`;
  }
}

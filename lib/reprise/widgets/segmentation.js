// Segmentation explorer: what networks started from, how many labels they saw, and what became of them.

import { button, choice, h, menu, nearest, panel, placeMenu, places, spell, tick, titles } from "./controls.js";
import { DepthPanel } from "./depth.js";
import { loaded } from "./engine.js";
import { Explorer, widget } from "./frame.js";
import { LearningCurves, QualityByShare } from "./learning.js";
import { Predictions } from "./masks.js";
import { meanInterval, Outcomes } from "./outcomes.js";
import { QualityChart } from "./quality.js";

const SIDES = ["A", "B"];
const DASH = { A: null, B: "6 4" };

class Segmentation extends Explorer {
  constructor(context) {
    super(context, "segmentation");
    const { features, sets, n, pair } = this.about;
    const traits = ["quality", "curve", "change", "fresh"];
    const packed = Object.fromEntries(traits.map((name) => [name, this.trait(name)]));
    this.outcomes = new Outcomes(this.about, packed);
    if (features.length) {
      Object.assign(this, loaded({ gram: this.trait("gram"), mean: this.trait("mean"), features, sets, n }));
    }
    this.chosen = { A: [...pair.a], B: [...pair.b] };
    Object.assign(this, { seed: pair.seed, which: 0, next: "B", others: false, strike: false });
    this.build();
    this.refresh();
  }

  build() {
    const { starts, qualities, missing } = this.about;
    const qualityMenu = placeMenu("Quality", titles(qualities), 0, (which) => this.set({ which }));
    this.seedMenu = menu("Seed", [], "", (value) => this.set({ seed: Number(value) }));
    this.pickers = SIDES.map((side) => {
      const start = placeMenu("started from", titles(starts), this.chosen[side][0], (place) => this.start(side, place));
      const share = menu("share of the labels", [], "", (value) =>
        this.pick(side, [this.chosen[side][0], Number(value)]),
      );
      const menus = h("div.rp-controls", start.element, share.element);
      return { start, share, element: h("fieldset.rp-state", h("legend", `Networks ${side}`), menus) };
    });
    const swap = button("Swap A and B", () => this.swap());
    this.result = h("div.rp-result");
    this.rows = new QualityChart({
      onPick: (k) => this.pick(this.next, this.shownRows[k]),
      onPoint: (words, x, y) => (words ? this.hint.show(x, y, words) : this.hint.hide()),
    });
    const nextChoice = choice("A row that is chosen becomes", SIDES, this.next, (side) => (this.next = side));
    this.curves = new LearningCurves(this.about, this.outcomes);
    const others = tick("show the other starts", false, (on) => this.set({ others: on }));
    this.byShare = new QualityByShare(this.about, this.outcomes);
    const bytes = ["masks", "truth", "pictures"].map((name) => [name, this.trait(name, Uint8Array)]);
    this.predictions = new Predictions(this.about, Object.fromEntries(bytes), (...said) => this.overPixel(...said));
    const strike = tick("strike out what is wrong", false, (on) => this.set({ strike: on }));
    this.depth = new DepthPanel(this.about, this.outcomes, this.states, this.engine);
    const lines = missing.map(([name, line]) => h("li", `${name}: `, h("code", line)));
    const count = `Not in the store: ${missing.length} condition${missing.length === 1 ? "" : "s"}`;
    const curves = panel("Learning curves", others.element, ...this.curves.parts);
    const parts = [
      h(
        "div.rp-states",
        this.pickers.map(({ element }) => element),
      ),
      h("div.rp-controls", qualityMenu.element, this.seedMenu.element, swap),
      this.result,
      h(
        "div.rp-grid",
        panel("Final quality", nextChoice, this.rows.element),
        h("div.rp-panel", curves, this.byShare.element),
      ),
      panel("Predictions beside the truth", this.predictions.truth && strike.element, ...this.predictions.parts),
      panel("Representations, layer by layer", this.depth.element),
      missing.length ? h("details.rp-missing", h("summary", count), h("ul", lines)) : null,
    ];
    this.show(parts, () => this.refresh());
  }

  set(values) {
    Object.assign(this, values);
    this.refresh();
  }

  pick(side, condition) {
    this.chosen[side] = [...condition];
    this.refresh();
  }

  /** Another start, at the share that is nearest to the one before. */
  start(side, start) {
    const shares = this.outcomes.shares(start);
    this.pick(side, [start, shares[nearest(shares, this.chosen[side][1])]]);
  }

  swap() {
    this.chosen = { A: this.chosen.B, B: this.chosen.A };
    this.refresh();
  }

  /** The learning rate that was chosen for a condition; empty where each seed has its own. */
  rate([start, share]) {
    return this.about.rates.find(([a, b]) => a === start && b === share)?.[2] ?? "";
  }

  /** A condition in words; the share where there are several. */
  name([start, share], short = false) {
    const { starts, shares } = this.about;
    return starts[start].title + (shares.length > 1 && !short ? `, ${shares[share].label} of the labels` : "");
  }

  refresh() {
    this.sides = SIDES.map((side) => {
      const condition = this.chosen[side];
      const look = { name: side, colour: this.about.starts[condition[0]].colour, dash: DASH[side] };
      const words = { title: this.name(condition), start: this.name(condition, true) };
      return { look, condition, units: this.outcomes.of(...condition), ...words };
    });
    this.refreshMenus();
    for (const side of this.sides) side.single = this.outcomes.find(...side.condition, this.seed);
    this.showResult();
    this.showQuality();
    this.curves.show(this.sides, this.others ? this.otherRows() : []);
    this.byShare.show(this.sides, this.which);
    this.predictions.show(this.sides, this.seed, this.strike);
    this.depth.show(this.sides, this.seed);
  }

  /** What there is at the chosen conditions can be chosen. */
  refreshMenus() {
    this.sides.forEach(({ condition: [start, share] }, k) => {
      const there = this.outcomes.shares(start);
      const options = places(this.about.shares.map(({ label }) => label)).map(({ value, label }, place) => {
        const known = there.includes(place);
        return { value, label: known ? label : `${label} (not there)`, disabled: !known };
      });
      this.pickers[k].start.set(String(start));
      this.pickers[k].share.replace(options, String(share));
    });
    const found = this.sides.flatMap(({ units }) => units.map((unit) => this.outcomes.units[unit][2]));
    const seeds = [...new Set(found)].sort((a, b) => a - b);
    if (!seeds.includes(this.seed)) this.seed = seeds[0];
    const options = seeds.map((seed) => ({ value: String(seed), label: String(seed) }));
    this.seedMenu.replace(options, String(this.seed));
  }

  showResult() {
    const { qualities, quantiles } = this.about;
    const of = (values) => meanInterval(values, quantiles);
    const said = ({ mean, low, high, n }, digits = 3) => {
      const interval = `${spell(low, digits)} to ${spell(high, digits)}`;
      return `${spell(mean, digits)} (${Number.isNaN(low) ? "no interval: one seed" : interval}, n = ${n})`;
    };
    const [a, b] = this.sides.map(({ units }) => units);
    const each = [a, b].map((units, k) => {
      const values = units.map((unit) => this.outcomes.quality(this.which, unit));
      return `${SIDES[k]} ${said(of(values))}`;
    });
    const gain = of(this.outcomes.gains(this.which, a, b).map((value) => 100 * value));
    const paired = gain.n ? `${said(gain, 1)} points, pairs of one seed` : "no seed in common";
    const data = { "data-value": gain.mean, "data-low": gain.low, "data-high": gain.high };
    const rates = this.sides.map(({ condition }) => this.rate(condition));
    // What two rates do is not what two starts do.
    const apart = rates[0] !== rates[1] && rates.every(Boolean);
    const value = apart ? "withdrawn" : `${gain.mean > 0 ? "+" : ""}${spell(gain.mean, 1)}`;
    const unit = apart ? ": " : " points of ";
    const points = h("span", `${unit}${qualities[this.which].title}, B less A`);
    const why = `the learning rates differ (A ${rates[0]}, B ${rates[1]}), so it is not that of the start alone`;
    const difference = apart ? `withdrawn: ${why}` : paired;
    this.result.replaceChildren(
      h("p.rp-number", h("strong.rp-value", data, value), points),
      h("p", `${each.join("; ")}; B − A ${difference}. 95 % t intervals over seeds.`),
    );
    this.voice.say(`B less A: ${difference}.`);
  }

  showQuality() {
    const { starts, levels, qualities, quantiles } = this.about;
    const { A, B } = this.chosen;
    this.shownRows = starts.map((_, start) => [start, A[1]]).filter((row) => this.outcomes.of(...row).length);
    if (B[1] !== A[1]) this.shownRows.push(B);
    const marks = (row) => SIDES.filter((side) => String(this.chosen[side]) === String(row)).join(" ");
    this.rows.draw({
      rows: this.shownRows.map((row) => ({
        title: this.name(row, row[1] === A[1]),
        colour: starts[row[0]].colour,
        marks: marks(row),
        values: this.outcomes.of(...row).map((unit) => this.outcomes.quality(this.which, unit)),
      })),
      levels: this.which ? [] : levels,
      name: `${qualities[this.which].title} on the test pictures`,
      quantiles,
    });
  }

  /** Starts of the rows that are neither A nor B. */
  otherRows() {
    const { starts } = this.about;
    const rows = this.shownRows.filter((row) => SIDES.every((side) => String(this.chosen[side]) !== String(row)));
    return rows.map((row) => ({ look: { name: "", colour: starts[row[0]].colour }, units: this.outcomes.of(...row) }));
  }

  overPixel(words, x, y, byKeys) {
    if (!words) return this.hint.hide();
    this.hint.show(x, y, ...words.map((text) => h("div", text)));
    if (byKeys) this.voice.say(words.join("; "));
  }
}

export default widget(Segmentation);

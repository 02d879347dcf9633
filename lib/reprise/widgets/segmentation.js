// Segmentation explorer: what networks started from, how many labels they saw, and what became of them.

import { ChangeChart, summarise } from "./change.js";
import { announcer, choice, h, hint, menu, numbers, onWidth, spell, tick } from "./controls.js";
import { DepthPanel } from "./depth.js";
import { Engine } from "./engine.js";
import { MaskView } from "./masks.js";
import { agreement, meanInterval, Outcomes, unpackClasses } from "./outcomes.js";
import { QualityChart } from "./quality.js";
import { unpack } from "./tasks.js";

const SIDES = ["A", "B"];
const DASH = { A: null, B: "6 4" };

class Segmentation {
  constructor(model, root) {
    this.about = model.get("about");
    const trait = (name, Kind) => numbers(model.get(name), Kind);
    this.outcomes = new Outcomes(this.about, {
      quality: trait("quality"),
      curve: trait("curve"),
      change: trait("change"),
      fresh: trait("fresh"),
    });
    this.bytes = {
      masks: trait("masks", Uint8Array),
      truth: trait("truth", Uint8Array),
      pictures: trait("pictures", Uint8Array),
    };
    const { features, n, steps, pair } = this.about;
    if (features.length) {
      const packed = { gram: trait("gram"), mean: trait("mean"), features, sets: this.about.sets, n };
      this.states = unpack(packed);
      this.engine = new Engine(packed);
    }
    this.chosen = { A: [...pair.a], B: [...pair.b] };
    Object.assign(this, { seed: pair.seed, which: 0, next: "B", at: steps.length - 1, others: false, strike: false });
    this.build(root);
    this.refresh();
  }

  build(root) {
    const { title, unit, starts, qualities, steps, classes, shown, missing } = this.about;
    this.hint = hint(root);
    this.voice = announcer();
    const qualityMenu = menu(
      "Quality",
      qualities.map(({ title: label }, k) => ({ value: String(k), label })),
      "0",
      (value) => this.set({ which: Number(value) }),
    );
    this.seedMenu = menu("Seed", [], "", (value) => this.set({ seed: Number(value) }));
    this.pickers = Object.fromEntries(
      SIDES.map((side) => [
        side,
        {
          start: menu(
            "started from",
            starts.map(({ title: label }, k) => ({ value: String(k), label })),
            String(this.chosen[side][0]),
            (value) => this.start(side, Number(value)),
          ),
          share: menu("share of the labels", [], "", (value) => this.pick(side, [this.chosen[side][0], Number(value)])),
        },
      ]),
    );
    const swap = h("button", { type: "button", class: "rp-button", onclick: () => this.swap() }, "Swap A and B");
    this.result = h("div", { class: "rp-result" });
    this.rows = new QualityChart({
      onPick: (k) => this.pick(this.next, this.shownRows[k]),
      onPoint: (words, x, y) => (words ? this.hint.show(x, y, words) : this.hint.hide()),
    });
    this.curves = new ChangeChart({ onPlace: (value) => this.moveTo(this.nearest(value)) });
    this.slider = h("input", {
      type: "range",
      min: 0,
      max: steps.length - 1,
      step: 1,
      value: this.at,
      "aria-label": "Steps of fine-tuning",
      oninput: () => this.moveTo(Number(this.slider.value)),
    });
    this.atCursor = h("p", { class: "rp-note" });
    this.shares = new ChangeChart({});
    this.sharesNote = h("p", { class: "rp-note" });
    this.masks = new MaskView({
      classes,
      side: shown.side,
      count: shown.names.length,
      onPixel: (words, ...rest) => this.overPixel(words, ...rest),
    });
    this.masksNote = h("p", { class: "rp-note" });
    this.depth = new DepthPanel(this.about, this.outcomes, this.states, this.engine);
    const panel = (text, ...parts) => h("section", { class: "rp-panel" }, h("h4", {}, text), parts);
    root.append(
      h("header", {}, h("h3", {}, title), unit ? h("p", { class: "rp-note" }, unit) : null),
      h(
        "div",
        { class: "rp-states" },
        SIDES.map((side) =>
          h(
            "fieldset",
            { class: "rp-state" },
            h("legend", {}, `Networks ${side}`),
            h("div", { class: "rp-controls" }, this.pickers[side].start.element, this.pickers[side].share.element),
          ),
        ),
      ),
      h("div", { class: "rp-controls" }, qualityMenu.element, this.seedMenu.element, swap),
      this.result,
      h(
        "div",
        { class: "rp-grid" },
        panel(
          "Final quality",
          choice(
            "A row that is chosen becomes",
            SIDES.map((value) => ({ value, label: value })),
            this.next,
            (value) => (this.next = value),
          ),
          this.rows.element,
        ),
        h(
          "div",
          { class: "rp-panel" },
          panel(
            "Learning curves",
            tick("show the other starts", false, (on) => this.set({ others: on })).element,
            this.curves.element,
            this.slider,
            this.atCursor,
          ),
          panel("Quality by share of the labels", this.shares.element, this.sharesNote),
        ),
      ),
      panel(
        "Predictions beside the truth",
        this.bytes.truth.length
          ? tick("strike out what is wrong", false, (on) => this.set({ strike: on })).element
          : null,
        this.masks.element,
        this.masksNote,
      ),
      panel("Representations, layer by layer", this.depth.element),
      missing.length
        ? h(
            "details",
            { class: "rp-missing" },
            h("summary", {}, `Not in the store: ${missing.length} condition${missing.length === 1 ? "" : "s"}`),
            h(
              "ul",
              {},
              missing.map(([name, line]) => h("li", {}, `${name}: `, h("code", {}, line))),
            ),
          )
        : null,
      this.voice.element,
    );
    this.stop = onWidth(root, () => this.refresh());
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
    const before = this.chosen[side][1];
    const shares = this.outcomes.shares(start);
    this.pick(side, [
      start,
      shares.reduce((best, share) => (Math.abs(share - before) < Math.abs(best - before) ? share : best), shares[0]),
    ]);
  }

  swap() {
    this.chosen = { A: this.chosen.B, B: this.chosen.A };
    this.refresh();
  }

  units(side) {
    return this.outcomes.of(...this.chosen[side]);
  }

  /** A condition in words; the share where there are several. */
  name([start, share], short = false) {
    const { starts, shares } = this.about;
    return starts[start].title + (shares.length > 1 && !short ? `, ${shares[share].label} of the labels` : "");
  }

  refresh() {
    const { shares } = this.about;
    for (const side of SIDES) {
      const [start, share] = this.chosen[side];
      const there = this.outcomes.shares(start);
      this.pickers[side].start.set(String(start));
      this.pickers[side].share.replace(
        shares.map(({ label }, k) => ({
          value: String(k),
          label: there.includes(k) ? label : `${label} (not there)`,
          disabled: !there.includes(k),
        })),
        String(share),
      );
    }
    const seeds = [
      ...new Set(SIDES.flatMap((side) => this.units(side).map((unit) => this.outcomes.units[unit][2]))),
    ].sort((a, b) => a - b);
    if (!seeds.includes(this.seed)) this.seed = seeds[0];
    this.seedMenu.replace(
      seeds.map((seed) => ({ value: String(seed), label: String(seed) })),
      String(this.seed),
    );
    this.single = Object.fromEntries(SIDES.map((side) => [side, this.outcomes.find(...this.chosen[side], this.seed)]));
    this.showResult();
    this.showQuality();
    this.showCurves();
    this.showShares();
    this.showMasks();
    this.showLayers();
  }

  showResult() {
    const { qualities, quantiles } = this.about;
    const of = (values) => meanInterval(values, quantiles);
    const said = ({ mean, low, high, n }, digits = 3) =>
      `${spell(mean, digits)} (${Number.isNaN(low) ? "no interval: one seed" : `${spell(low, digits)} to ${spell(high, digits)}`}, n = ${n})`;
    const each = SIDES.map(
      (side) => `${side} ${said(of(this.units(side).map((unit) => this.outcomes.quality(this.which, unit))))}`,
    );
    const gain = of(this.outcomes.gains(this.which, this.units("A"), this.units("B")).map((value) => 100 * value));
    const paired = gain.n ? `${said(gain, 1)} points, pairs of one seed` : "no seed in common";
    this.result.replaceChildren(
      h(
        "p",
        { class: "rp-number" },
        h(
          "strong",
          { class: "rp-value", "data-value": gain.mean, "data-low": gain.low, "data-high": gain.high },
          `${gain.mean > 0 ? "+" : ""}${spell(gain.mean, 1)}`,
        ),
        h("span", {}, ` points of ${qualities[this.which].title}, B less A`),
      ),
      h("p", {}, `${each.join("; ")}; B − A ${paired}. 95 % t intervals over seeds.`),
    );
    this.voice.say(`B less A: ${paired}.`);
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

  look(side) {
    return { name: side, colour: this.about.starts[this.chosen[side][0]].colour, dash: DASH[side] };
  }

  line(side, series) {
    return { ...this.look(side), ...summarise(series, this.about.quantiles) };
  }

  showCurves() {
    const { starts, steps, quantiles } = this.about;
    const lines = SIDES.map((side) =>
      this.line(
        side,
        this.units(side).map((unit) => this.outcomes.curve(unit)),
      ),
    );
    const faint = !this.others
      ? []
      : this.shownRows
          .filter((row) => SIDES.every((side) => String(this.chosen[side]) !== String(row)))
          .map((row) => ({
            name: "",
            colour: starts[row[0]].colour,
            faint: true,
            ...summarise(
              this.outcomes.of(...row).map((unit) => this.outcomes.curve(unit)),
              quantiles,
            ),
          }));
    this.drawn = lines;
    this.curves.draw({
      lines: [...faint, ...lines],
      x: steps,
      x_title: "steps of fine-tuning",
      y_title: "mean IoU (1 = perfect)",
      place: steps[this.at],
      height: 290,
      what: "A and B; the numbers at the cursor stand below",
    });
    this.moveTo(this.at);
  }

  nearest(value) {
    return this.about.steps.reduce(
      (best, step, k, all) => (Math.abs(step - value) < Math.abs(all[best] - value) ? k : best),
      0,
    );
  }

  moveTo(at) {
    this.at = at;
    this.slider.value = at;
    this.slider.setAttribute("aria-valuetext", `${this.about.steps[at]} steps`);
    this.curves.move(this.about.steps[at]);
    const said = this.drawn.map(
      ({ name, mean, low, high }) =>
        `${name} ${spell(mean[at])}${Number.isNaN(low[at]) ? "" : ` (${spell(low[at])} to ${spell(high[at])})`}`,
    );
    this.atCursor.textContent = `After ${this.about.steps[at]} steps, on ${this.about.judges} test pictures: ${said.join("; ")}. A: solid; B: dashed.`;
  }

  showShares() {
    const { shares, quantiles, qualities } = this.about;
    if (shares.length < 2) {
      this.shares.say("Only one share of the labels is in the store.");
      this.sharesNote.textContent = "";
      return;
    }
    const lines = SIDES.map((side) => {
      const every = shares.map((_, share) =>
        meanInterval(
          this.outcomes.of(this.chosen[side][0], share).map((unit) => this.outcomes.quality(this.which, unit)),
          quantiles,
        ),
      );
      const [mean, low, high] = ["mean", "low", "high"].map((key) => Float64Array.from(every, (one) => one[key]));
      return { ...this.look(side), mean, low, high };
    });
    const places = shares.map(({ value }) => Math.log10(value));
    this.shares.draw({
      lines,
      x: places,
      x_title: "share of the target's training pictures",
      y_title: `${qualities[this.which].title} (1 = perfect)`,
      height: 250,
      ticks: { values: places, label: (place) => shares[places.indexOf(place)].label },
      what: "A and B",
    });
    this.sharesNote.textContent = `${SIDES.map(
      (side) =>
        `${side}, ${this.name(this.chosen[side], true)}: ${shares
          .map(({ label }, k) => {
            const count = this.outcomes.of(this.chosen[side][0], k).length;
            return count ? `${label} ${count} seed${count === 1 ? "" : "s"}` : `${label} not there`;
          })
          .join(", ")}`,
    ).join(". ")}.`;
  }

  showMasks() {
    const { shown, classes } = this.about;
    const area = shown.side ** 2 * shown.names.length;
    const truth = this.bytes.truth.length ? this.bytes.truth : null;
    const columns = [];
    if (this.bytes.pictures.length) columns.push({ title: "picture", kind: "picture", pixels: this.bytes.pictures });
    if (truth) columns.push({ title: "truth", kind: "classes", pixels: truth });
    for (const side of SIDES) {
      const unit = this.single[side];
      const pixels = unit < 0 ? null : unpackClasses(this.bytes.masks, unit, area, shown.bits);
      const score = pixels && truth ? ` · IoU here ${spell(agreement(pixels, truth, classes.length).mean, 2)}` : "";
      columns.push({
        title: `${side}: ${this.name(this.chosen[side])}${score}`,
        kind: "classes",
        pixels,
        missing: `Seed ${this.seed} is not in the store.`,
      });
    }
    this.masks.show(columns, truth, this.strike);
    const lacks = [this.bytes.pictures.length ? "" : "the pictures", truth ? "" : "their true classes"]
      .filter(Boolean)
      .join(" and ");
    this.masksNote.textContent = `Networks of seed ${this.seed}. Test pictures ${shown.names.join(", ")} of ${shown.dataset} (their middle).${lacks ? ` Not at hand when this page was built: ${lacks}.` : ""}`;
  }

  overPixel(words, x, y, byKeys) {
    if (!words) return this.hint.hide();
    this.hint.show(x, y, ...words.map((text) => h("div", {}, text)));
    if (byKeys) this.voice.say(words.join("; "));
  }

  showLayers() {
    this.depth.show({
      seed: this.seed,
      units: SIDES.map((side) => this.units(side)),
      single: SIDES.map((side) => this.single[side]),
      looks: SIDES.map((side) => this.look(side)),
    });
  }

  close() {
    this.stop();
    this.engine?.close();
  }
}

function render({ model, el }) {
  const root = h("section", {
    class: "rp-explorer rp-segmentation",
    role: "group",
    "aria-label": model.get("about").title,
  });
  el.append(root);
  const explorer = new Segmentation(model, root);
  return () => explorer.close();
}

export default { render };

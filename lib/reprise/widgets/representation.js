// Representation explorer: any two states, under any measure that follows from their Grams.

import { button, choice, h, menu, notice, panel, spell } from "./controls.js";
import { fewest, form, similarity } from "./core.js";
import { colourBar, Heatmap } from "./draw.js";
import { loaded } from "./engine.js";
import { Explorer, widget } from "./frame.js";
import { rdm } from "./grams.js";
import { PairView } from "./pair.js";
import { nameOf, StatePicker } from "./pickers.js";
import { canResample } from "./resample.js";
import { Gallery, StimulusPanel } from "./stimuli.js";

const RESAMPLES = 1000;

class Representation extends Explorer {
  constructor(context) {
    super(context, "representation");
    const { features, sets, n, columns } = this.about;
    Object.assign(this, loaded({ gram: this.trait("gram"), mean: this.trait("mean"), features, sets, n }));
    this.choice = { ...this.model.get("selection") };
    this.ranked = true;
    this.gallery = new Gallery(this.about, this.trait("pictures", Uint8Array));
    this.panel = new StimulusPanel(this.gallery, () => this.refresh());
    // The matrix can be of the states of one level in the first column.
    this.scope = columns.length && columns[0].levels.length > 1 ? this.level(0, this.choice.a) : -1;
    this.build();
    this.refresh();
  }

  level(column, state) {
    return this.about.columns[column].codes[state];
  }

  build() {
    const { measures, methods, stops, columns } = this.about;
    const entryMenu = (label, entries, key) => {
      const options = entries.map(({ id, title }) => ({ value: id, label: title }));
      return menu(label, options, this.choice[key], (id) => {
        this.choice[key] = id;
        this.refresh();
      });
    };
    const measureMenu = entryMenu("Measure", measures, "measure");
    this.methodMenu = entryMenu("RDMs compared by", methods, "method");
    const rankedChoice = choice("Show dissimilarities", ["ranked", "raw"], "ranked", (value) => {
      this.ranked = value === "ranked";
      this.refreshPair();
    });
    const swap = button("Swap A and B", () => this.pick(this.choice.b, this.choice.a));
    this.pickers = {
      a: new StatePicker("State A", columns, this.choice.a, (state) => this.pick(state, this.choice.b)),
      b: new StatePicker("State B", columns, this.choice.b, (state) => this.pick(this.choice.a, state)),
    };
    this.result = h("div.rp-result");
    this.matrix = new Heatmap({
      name: "Matrix of dissimilarities between states",
      help: "Arrow keys move, Enter chooses the two states of a cell",
      stops,
      onCell: (...place) => this.overMatrix(...place),
      onPick: (row, column) => this.pick(this.shown[row], this.shown[column]),
    });
    this.matrixNote = h("p.rp-note.rp-matrix-note");
    const legend = colourBar(stops);
    legend.set("0 same geometry", "1 − similarity: 1 or more");
    this.pair = new PairView({ stops, onCell: (...place) => this.overPair(...place) });
    const levels = columns.length && columns[0].levels.length > 1 ? columns[0].levels : [];
    const scopes = levels.map((level, code) => ({ value: String(code), label: `${columns[0].title} ${level}` }));
    scopes.unshift({ value: "-1", label: `all ${this.states.length} states` });
    const scopeMenu = menu("Matrix of", scopes, String(this.scope), (value) => {
      this.scope = Number(value);
      this.refreshMatrix();
    });
    const matrix = [scopeMenu.element, this.matrix.element, legend.element, this.matrixNote];
    const [sideA, sideB] = this.pair.sides;
    const parts = [
      h("div.rp-controls", measureMenu.element, this.methodMenu.element, rankedChoice, swap),
      h("div.rp-states", this.pickers.a.element, this.pickers.b.element),
      this.result,
      h("div.rp-grid", panel("All states, pair by pair", ...matrix), this.pair.scatter, sideA.element, sideB.element),
      this.panel.element,
    ];
    this.show(parts, () => {
      this.hint.hide();
      this.pair.drawScatter();
    });
  }

  pick(a, b) {
    Object.assign(this.choice, { a, b });
    this.pickers.a.show(a);
    this.pickers.b.show(b);
    this.refreshPair();
    this.markPicked();
  }

  /** The measure as the numerical core takes it. */
  measure() {
    const entry = this.about.measures.find(({ id }) => id === this.choice.measure);
    return entry.form === "rdm" ? { ...entry, method: this.choice.method } : entry;
  }

  refresh() {
    this.refreshPair();
    this.refreshMatrix();
  }

  refreshPair() {
    const { a, b } = this.choice;
    const [stateA, stateB] = [this.states[a], this.states[b]];
    this.panel.show(stateA.set);
    const keep = this.panel.keep();
    const measure = this.measure();
    this.methodMenu.select.disabled = measure.form !== "rdm";
    const distance = measure.distance || "euclidean";
    const vectors = [stateA, stateB].map((state) => rdm(state, distance, keep));
    const groups = this.groups(keep.map((index) => this.gallery.letter(stateA.set, index)));
    this.pair.show({
      vectors,
      m: keep.length,
      distance,
      ranked: this.ranked,
      groups,
      names: [a, b].map((state) => nameOf(this.about.columns, state)),
      alike: (i, j) => this.gallery.alike(stateA.set, keep[i], keep[j]),
    });
    const same = stateA.set === stateB.set;
    const value = same ? similarity(form(stateA, measure, keep), form(stateB, measure, keep), measure) : NaN;
    this.tell(value, measure, keep, same, null);
    this.model.set("selection", { ...this.choice });
    this.model.save_changes();
    if (Number.isNaN(value)) return;
    this.engine.ask("interval", { a, b, measure, keep, resamples: RESAMPLES, seed: 0 }).then((answer) => {
      if (answer) this.tell(value, measure, keep, same, answer);
    });
  }

  /** The similarity with its interval in words, or why there is none. */
  tell(value, measure, keep, same, answer) {
    const method =
      measure.form === "rdm" ? `; ${this.about.methods.find(({ id }) => id === measure.method).title}` : "";
    if (Number.isNaN(value)) {
      const least = fewest(measure);
      const why = !same
        ? "the two states were looked at with different stimuli"
        : keep.length < least
          ? `it takes at least ${least} stimuli`
          : "in one of the states stimuli cannot be told apart, or one has constant features";
      this.result.replaceChildren(notice(`No similarity (${measure.title}): ${why}.`));
      this.voice.say(`No similarity: ${why}.`);
      return;
    }
    const interval = answer ? `${spell(answer.interval[0])} to ${spell(answer.interval[1])}` : "…";
    const data = { "data-low": answer?.interval[0], "data-high": answer?.interval[1] };
    const resamples = canResample(measure);
    const lost = answer && resamples ? RESAMPLES - answer.defined : 0;
    const left = lost > 0 ? ` (${lost} resamples were undefined)` : "";
    const how = resamples ? `bootstrap, ${RESAMPLES} resamples` : "jackknife, leaving out each in turn";
    this.result.replaceChildren(
      h("p.rp-number", h("strong.rp-value", { "data-value": value }, spell(value)), h("span", " similarity")),
      h(
        "p",
        `${measure.title}${method}. `,
        h("span.rp-interval", data, `95 % interval over ${keep.length} stimuli ${interval}`),
        ` (${how})${left}. Change, 1 − similarity: ${spell(1 - value)}.`,
        measure.distance ? "" : ` The RDMs shown are Euclidean: ${measure.symbol} compares the same inner products.`,
      ),
    );
    if (answer) this.voice.say(`Similarity ${spell(value)}, interval ${interval}.`);
  }

  groups(labels) {
    const found = [];
    labels.forEach((label, start) => {
      if (!start || labels[start - 1] !== label) found.push({ start, label });
    });
    return found.length > 1 && found.length < labels.length ? found : [];
  }

  refreshMatrix() {
    const columns = this.about.columns;
    const all = this.states.map((_, index) => index);
    this.shown = (this.scope < 0 ? all : all.filter((state) => this.level(0, state) === this.scope)).sort((a, b) => {
      for (const { codes } of columns) if (codes[a] !== codes[b]) return codes[a] - codes[b];
      return a - b;
    });
    const request = { chosen: this.shown, measure: this.measure(), keep: this.panel.keep() };
    const shown = this.shown;
    this.matrix.field.setAttribute("aria-busy", "true");
    const progress = (share) =>
      (this.matrixNote.textContent = `Comparing ${shown.length} states: ${Math.round(100 * share)} %`);
    this.engine.ask("matrix", request, progress).then((values) => {
      if (!values) return;
      this.values = values;
      const first = columns.findIndex(({ codes }) => shown.some((state) => codes[state] !== codes[shown[0]]));
      const groups =
        first < 0 ? [] : this.groups(shown.map((state) => columns[first].levels[columns[first].codes[state]]));
      this.matrix.draw(
        values.map((value) => 1 - value),
        shown.length,
        [0, 1],
        groups,
      );
      this.matrix.field.removeAttribute("aria-busy");
      const by = groups.length ? `, by ${columns[first].title}` : "";
      const missing = values.some(Number.isNaN) ? " Hatched: undefined." : "";
      this.matrixNote.textContent = `${shown.length} states${by}. Click a cell to compare its two states.${missing}`;
      this.markPicked();
    });
  }

  markPicked() {
    const cell = [this.choice.a, this.choice.b].map((state) => this.shown?.indexOf(state) ?? -1);
    this.matrix.mark("picked", cell.every((place) => place >= 0) ? cell : null);
  }

  overMatrix(row, column, x, y, byKeys) {
    this.matrix.mark("cursor", row === null ? null : [row, column]);
    if (row === null || !this.values) return this.hint.hide();
    const value = spell(1 - this.values[row * this.shown.length + column]);
    const [a, b] = [nameOf(this.about.columns, this.shown[row]), nameOf(this.about.columns, this.shown[column])];
    this.hint.show(x, y, h("strong", `1 − similarity ${value}`), h("div", `A: ${a}`), h("div", `B: ${b}`));
    if (byKeys) this.voice.say(`${value}. A: ${a}. B: ${b}.`);
  }

  overPair(cell, x, y, byKeys) {
    if (!cell || x === undefined) return this.hint.hide();
    const keep = this.panel.keep();
    const { set } = this.states[this.choice.a];
    const [i, j] = [keep[cell[0]], keep[cell[1]]];
    const [a, b] = cell[2].map((value) => spell(value));
    const words = `in A ${a}, in B ${b}`;
    this.hint.show(x, y, ...this.gallery.pair(set, i, j, words));
    if (byKeys) this.voice.say(`${this.gallery.name(set, i)} and ${this.gallery.name(set, j)}: ${words}.`);
  }
}

export default widget(Representation);

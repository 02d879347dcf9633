// Dynamics explorer: change over training, and the state under a cursor.

import { ChangeChart, ChangeData, summarise } from "./change.js";
import { announcer, h, hint, menu, notice, numbers, onWidth, spell, tick } from "./controls.js";
import { colourBar, Heatmap, ink } from "./draw.js";
import { Engine } from "./engine.js";
import { rdm } from "./grams.js";
import { StimulusMap } from "./map.js";
import { shares } from "./pair.js";
import { Gallery } from "./stimuli.js";
import { unpack } from "./tasks.js";

class Dynamics {
  constructor(model, root) {
    this.about = model.get("about");
    const { references, seeds, layers, x, levels, states } = this.about;
    this.data = new ChangeData(this.about, numbers(model.get("change")), numbers(model.get("levels")));
    this.reference = this.about.reference;
    this.measure = 0;
    this.seeds = new Set(seeds.keys());
    this.layers = new Set(layers.keys());
    this.references = references;
    this.levelTitles = levels;
    if (states) {
      const packed = {
        gram: numbers(model.get("gram")),
        mean: numbers(model.get("mean")),
        features: states.features,
        sets: states.sets,
        n: states.n,
      };
      this.states = unpack(packed);
      this.engine = new Engine(packed);
      this.gallery = new Gallery(
        { ...states, picture: this.about.picture },
        numbers(model.get("pictures"), Uint8Array),
      );
      this.shownLayer = layers.length - 1;
    }
    const stops = this.states ? [...new Set(states.frames.flat().map(([place]) => place))].sort((a, b) => a - b) : [];
    this.places = stops.length ? stops : x;
    this.at = this.places.length - 1;
    this.build(root);
    this.refresh();
    this.refreshMap();
  }

  build(root) {
    const { measures, seeds, layers, title, unit, stops, x_title } = this.about;
    this.hint = hint(root);
    this.voice = announcer();
    const measureMenu = menu(
      "Measure",
      measures.map(({ title: label }, value) => ({ value: String(value), label })),
      "0",
      (value) => {
        this.measure = Number(value);
        this.refresh();
        this.refreshMap();
      },
    );
    const referenceMenu = menu(
      "Change from",
      this.references.map((label, value) => ({ value: String(value), label })),
      String(this.reference),
      (value) => {
        this.reference = Number(value);
        this.fit.box.checked = this.startsHigh();
        this.refresh();
      },
    );
    this.fit = tick("fit the axis to what follows the first tenth", this.startsHigh(), () => this.refresh());
    const toggles = (set, all, label) =>
      all.map(
        (item, index) =>
          tick(label(item), true, (on) => {
            if (on) set.add(index);
            else set.delete(index);
            this.refresh();
          }).element,
      );
    const layerBoxes = toggles(this.layers, layers, ({ name }) => name);
    layerBoxes.forEach((box, k) =>
      box.append(
        h("span", { class: "rp-swatch", style: `background: ${ink(layers[k].colour)}`, "aria-hidden": "true" }),
      ),
    );
    this.chart = new ChangeChart({ onPlace: (value) => this.moveTo(this.nearest(value)) });
    this.note = h("p", { class: "rp-note" });
    this.slider = h("input", {
      type: "range",
      min: 0,
      max: this.places.length - 1,
      step: 1,
      value: this.at,
      "aria-label": `Position in training (${x_title})`,
      oninput: () => this.moveTo(Number(this.slider.value)),
    });
    this.play = h("button", { type: "button", class: "rp-button", onclick: () => this.toggle() }, "Play");
    this.table = h("div", { class: "rp-readout" });
    root.append(
      h("header", {}, h("h3", {}, title), unit ? h("p", { class: "rp-note" }, unit) : null),
      h("div", { class: "rp-controls" }, measureMenu.element, referenceMenu.element),
      h(
        "div",
        { class: "rp-controls" },
        h("fieldset", {}, h("legend", {}, "Layers"), layerBoxes),
        h(
          "fieldset",
          {},
          h("legend", {}, "Seeds"),
          toggles(this.seeds, seeds, (seed) => String(seed)),
        ),
        this.fit.element,
      ),
      this.chart.element,
      this.note,
      h("div", { class: "rp-player" }, this.play, this.slider),
      this.table,
    );
    if (this.states) {
      this.rdm = new Heatmap({
        name: "RDM at the cursor",
        help: "Arrow keys move from pair to pair of stimuli",
        stops,
        onCell: (row, column, x, y, byKeys) => this.over(row, column, x, y, byKeys),
      });
      const legend = colourBar(stops);
      legend.set("nearest pair", "farthest pair");
      this.map = new StimulusMap(this.gallery, this.about.classes);
      this.where = h("h4", {});
      const layerMenu = menu(
        "State of layer",
        layers.map(({ name }, value) => ({ value: String(value), label: name })),
        String(this.shownLayer),
        (value) => {
          this.shownLayer = Number(value);
          this.refreshMap();
        },
      );
      root.append(
        h("div", { class: "rp-controls rp-below" }, layerMenu.element),
        h(
          "div",
          { class: "rp-grid" },
          h("section", { class: "rp-panel" }, this.where, this.rdm.element, legend.element),
          h("section", { class: "rp-panel" }, h("h4", {}, "Map of the stimuli (metric MDS)"), this.map.element),
        ),
      );
    } else {
      root.append(notice("No states are kept here: there is no RDM and no map to show."));
    }
    root.append(this.voice.element);
    this.stop = onWidth(root, () => {
      this.refresh();
      this.map?.redraw();
    });
  }

  startsHigh() {
    return this.data.startsHigh(this.reference, this.measure);
  }

  refresh() {
    const { layers, seeds, x, x_title, measures, quantiles } = this.about;
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
      chosen.some((layer) =>
        this.data.series(this.reference, this.measure, layer, [seed])[0].some((value) => !Number.isNaN(value)),
      ),
    );
    const picked = known.length ? known : asked;
    this.lines = chosen.map((layer) => ({
      name: layers[layer].name,
      colour: layers[layer].colour,
      ...summarise(this.data.series(this.reference, this.measure, layer, picked), quantiles),
      levels: this.levelTitles.map((_, number) => this.data.level(number, this.measure, layer, picked)),
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
    const without = !known.length
      ? " It is not known of these seeds from this reference."
      : known.length < asked.length
        ? ` It follows from kept Gram matrices alone: seed ${known.map((seed) => seeds[seed]).join(", ")}, where they were kept.`
        : "";
    const dotted = this.levelTitles.map(
      ({ title, kind }, k) =>
        `${["Dotted", "Dashed", "Dash-dotted"][k % 3]}: ${title} (${kind}), in the layer's colour.`,
    );
    const cut = this.fit.box.checked ? " The axis is cut above the first tenth." : "";
    this.note.textContent = `${bands}${without} ${dotted.join(" ")}${cut}`;
    this.read();
  }

  /** The numbers at the cursor. */
  read() {
    const { x, x_title } = this.about;
    const place = this.places[this.at];
    let k = x.findIndex((value) => value >= place);
    if (k < 0) k = x.length - 1;
    const cell = (value) => h("td", {}, spell(value));
    this.table.replaceChildren(
      h(
        "table",
        {},
        h("caption", {}, `At ${x[k]} ${x_title}`),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["layer", "change", "interval", ...this.levelTitles.map(({ title }) => title)].map((text) =>
              h("th", { scope: "col" }, text),
            ),
          ),
        ),
        h(
          "tbody",
          {},
          this.lines.map((line) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, line.name),
              cell(line.mean[k]),
              h("td", {}, Number.isNaN(line.low[k]) ? "–" : `${spell(line.low[k])} to ${spell(line.high[k])}`),
              line.levels.map(cell),
            ),
          ),
        ),
      ),
    );
  }

  nearest(value) {
    return this.places.reduce(
      (best, place, k) => (Math.abs(place - value) < Math.abs(this.places[best] - value) ? k : best),
      0,
    );
  }

  moveTo(at) {
    this.at = at;
    this.slider.value = at;
    this.slider.setAttribute("aria-valuetext", `${this.places[at]} ${this.about.x_title}`);
    this.chart.move(this.places[at]);
    if (this.lines && this.seeds.size && this.layers.size) this.read();
    this.showState();
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

  distance() {
    return this.about.measures[this.measure].distance || "euclidean";
  }

  /** New maps for the whole course of a layer; each is turned onto the one before. */
  refreshMap() {
    if (!this.states) return;
    this.frames = null;
    this.path = this.about.states.frames[this.shownLayer];
    this.showState();
    const keep = Array.from({ length: this.about.states.n }, (_, i) => i);
    this.engine
      .ask("frames", { chosen: this.path.map(([, state]) => state), distance: this.distance(), keep })
      .then((frames) => {
        if (!frames) return;
        this.frames = frames;
        this.map.fit(frames);
        this.showState();
      });
  }

  showState() {
    if (!this.states) return;
    const place = this.places[this.at];
    const k = this.path.findLastIndex(([position]) => position <= place);
    const { x_title, layers, states } = this.about;
    if (k < 0) {
      this.where.textContent = `RDM: none of ${layers[this.shownLayer].name} is kept here`;
      this.rdm.draw(new Float64Array(0), 0, [0, 1]);
      return this.map.show(null, 0);
    }
    const [position, index] = this.path[k];
    const state = this.states[index];
    const keep = Array.from({ length: states.n }, (_, i) => i);
    this.vector = rdm(state, this.distance(), keep);
    const ranked = shares(this.vector);
    const n = states.n;
    const full = new Float64Array(n * n);
    for (let i = 0, at = 0; i < n; i++)
      for (let j = i + 1; j < n; j++) full[i * n + j] = full[j * n + i] = ranked[at++];
    const groups = this.gallery
      .classes(state.set)
      .map(({ members }) => ({ start: members[0], label: this.gallery.letter(state.set, members[0]) }));
    this.rdm.draw(full, n, [0, 1], groups.length < n ? groups : []);
    this.set = state.set;
    this.where.textContent = `RDM of ${layers[this.shownLayer].name} at ${position} ${x_title}, ranked`;
    this.map.show(this.frames?.[k], state.set, this.frames === null);
  }

  over(row, column, x, y, byKeys) {
    this.rdm.mark("cursor", row === null ? null : [row, column]);
    if (row === null) return this.hint.hide();
    const n = this.about.states.n;
    const [i, j] = row < column ? [row, column] : [column, row];
    const value = i === j ? 0 : this.vector[i * n - (i * (i + 1)) / 2 + j - i - 1];
    const [one, two] = [row, column].map((index) => this.gallery.name(this.set, index));
    this.hint.show(
      x,
      y,
      h("div", { class: "rp-two" }, this.gallery.tile(this.set, row), this.gallery.tile(this.set, column)),
      h("div", {}, one),
      h("div", {}, two),
      h("strong", {}, `dissimilarity ${spell(value)}`),
    );
    if (byKeys) this.voice.say(`${one} and ${two}: ${spell(value)}.`);
  }

  close() {
    this.pause();
    this.stop();
    this.engine?.close();
  }
}

function render({ model, el }) {
  const root = h("section", {
    class: "rp-explorer rp-dynamics",
    role: "group",
    "aria-label": model.get("about").title,
  });
  el.append(root);
  const explorer = new Dynamics(model, root);
  return () => explorer.close();
}

export default { render };

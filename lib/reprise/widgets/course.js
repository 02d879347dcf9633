// The kept states of a layer in the course of training, one at a time: its RDM and a map of its stimuli.

import { h, panel, placeMenu, spell } from "./controls.js";
import { colourBar, Heatmap } from "./draw.js";
import { loaded } from "./engine.js";
import { rdm } from "./grams.js";
import { StimulusMap } from "./map.js";
import { entryOf, shares, squared } from "./pair.js";
import { Gallery } from "./stimuli.js";

export class StateCourse {
  /** `explorer` lends its hint and its voice; `measure` is the entry of the menu whose distance counts. */
  constructor(explorer, measure) {
    const { states, layers, stops, classes, picture } = explorer.about;
    const { features, sets, n } = states;
    const packed = { gram: explorer.trait("gram"), mean: explorer.trait("mean"), features, sets, n };
    Object.assign(this, loaded(packed), { explorer, measure, layer: layers.length - 1, n });
    this.every = [...Array(n).keys()];
    this.gallery = new Gallery({ ...states, picture }, explorer.trait("pictures", Uint8Array));
    const names = layers.map(({ name }) => name);
    const layerMenu = placeMenu("State of layer", names, this.layer, (layer) => {
      this.layer = layer;
      this.refresh();
    });
    const help = "Arrow keys move from pair to pair of stimuli";
    this.matrix = new Heatmap({ name: "RDM at the cursor", help, stops, onCell: (...cell) => this.over(...cell) });
    const legend = colourBar(stops);
    legend.set("nearest pair", "farthest pair");
    this.where = h("h4");
    this.map = new StimulusMap(this.gallery, classes);
    const matrix = h("section.rp-panel", this.where, this.matrix.element, legend.element);
    const map = panel("Map of the stimuli (metric MDS)", this.map.element);
    this.parts = [h("div.rp-controls.rp-below", layerMenu.element), h("div.rp-grid", matrix, map)];
  }

  /** Places in training at which states are kept, ascending. */
  static places({ frames }) {
    return [...new Set(frames.flat().map(([place]) => place))].sort((a, b) => a - b);
  }

  distance() {
    return this.measure.distance || "euclidean";
  }

  /** New maps for the whole course of a layer; each is turned onto the one before. */
  refresh() {
    this.frames = null;
    this.path = this.explorer.about.states.frames[this.layer];
    this.show(this.place);
    const chosen = this.path.map(([, state]) => state);
    this.engine.ask("frames", { chosen, distance: this.distance(), keep: this.every }).then((frames) => {
      if (!frames) return;
      this.frames = frames;
      this.map.fit(frames);
      this.show(this.place);
    });
  }

  /** The last state that is kept at a place in training or before it. */
  show(place) {
    this.place = place;
    const { x_title, layers } = this.explorer.about;
    const { name } = layers[this.layer];
    const k = this.path.findLastIndex(([position]) => position <= place);
    if (k < 0) {
      this.where.textContent = `RDM: none of ${name} is kept here`;
      this.matrix.draw(new Float64Array(0), 0, [0, 1]);
      return this.map.show(null, 0);
    }
    const [position, index] = this.path[k];
    this.vector = rdm(this.states[index], this.distance(), this.every);
    this.set = this.states[index].set;
    const label = (stimulus) => this.gallery.letter(this.set, stimulus);
    const groups = this.gallery.classes(this.set).map(({ members: [start] }) => ({ start, label: label(start) }));
    const ranked = squared(shares(this.vector), this.n);
    this.matrix.draw(ranked, this.n, [0, 1], groups.length < this.n ? groups : []);
    this.where.textContent = `RDM of ${name} at ${position} ${x_title}, ranked`;
    this.map.show(this.frames?.[k], this.set, this.frames === null);
  }

  over(row, column, x, y, byKeys) {
    const { hint, voice } = this.explorer;
    this.matrix.mark("cursor", row === null ? null : [row, column]);
    if (row === null) return hint.hide();
    const entry = entryOf(row, column, this.n);
    const value = spell(entry === null ? 0 : this.vector[entry]);
    hint.show(x, y, ...this.gallery.pair(this.set, row, column, `dissimilarity ${value}`));
    const names = [row, column].map((index) => this.gallery.name(this.set, index));
    if (byKeys) voice.say(`${names.join(" and ")}: ${value}.`);
  }
}

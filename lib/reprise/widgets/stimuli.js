// Stimuli: their pictures or labelled tiles, and which of them count.

import { button, freshId, h } from "./controls.js";

/** Pictures of stimuli from packed bytes, or tiles with the class's number where there are none. */
export class Gallery {
  constructor(about, bytes) {
    this.stimuli = about.stimuli;
    this.shape = about.picture;
    this.bytes = bytes;
  }

  /** Classes of a set with the places of their stimuli. */
  classes(set) {
    const groups = new Map();
    this.stimuli[set].forEach(([name], index) => groups.set(name, [...(groups.get(name) || []), index]));
    return [...groups].map(([name, members]) => ({ name, members }));
  }

  /** A stimulus in words. */
  name(set, index) {
    const [name, item] = this.stimuli[set][index];
    return name ? `${name}, no. ${item}` : `stimulus ${item}`;
  }

  /** Whether two stimuli are of one class. */
  alike(set, i, j) {
    return this.stimuli[set][i][0] === this.stimuli[set][j][0];
  }

  /** The letter that stands for a stimulus's class where there is little room. */
  letter(set, index) {
    const place = this.classes(set).findIndex(({ members }) => members.includes(index));
    return place < 26 ? String.fromCharCode(65 + place) : String(place + 1);
  }

  /** Its picture, or a tile that names it. */
  tile(set, index) {
    // Pictures are those of the first set.
    if (this.shape && set === 0) {
      const [height, width, channels] = this.shape;
      const canvas = h("canvas", { width, height, class: "rp-picture", "aria-hidden": "true" });
      const context = canvas.getContext("2d");
      const image = context.createImageData(width, height);
      const start = index * height * width * channels;
      for (let k = 0; k < height * width; k++) {
        for (let c = 0; c < 3; c++) image.data[4 * k + c] = this.bytes[start + channels * k + (channels > 1 ? c : 0)];
        image.data[4 * k + 3] = 255;
      }
      context.putImageData(image, 0, 0);
      return canvas;
    }
    return h(
      "span.rp-picture.rp-tile",
      { "aria-hidden": "true" },
      `${this.letter(set, index)}${this.stimuli[set][index][1]}`,
    );
  }

  /** Two stimuli beside each other, and what is said of them: for a hint. */
  pair(set, i, j, words) {
    const names = [i, j].map((index) => h("div", this.name(set, index)));
    return [h("div.rp-two", this.tile(set, i), this.tile(set, j)), ...names, h("strong", words)];
  }
}

/** Boxes to drop whole classes, and buttons for single stimuli. Calls onChange with the kept indices. */
export class StimulusPanel {
  constructor(gallery, onChange) {
    this.gallery = gallery;
    this.onChange = onChange;
    this.element = h("details.rp-stimuli");
    this.set = null;
  }

  /** Show a set of stimuli, all of them kept. */
  show(set) {
    if (set === this.set) return;
    this.set = set;
    this.kept = new Set(this.gallery.stimuli[set].keys());
    this.title = h("summary");
    this.boxes = [];
    this.buttons = new Map();
    const groups = this.gallery.classes(set).map(({ name, members }) => {
      const id = freshId();
      const box = h("input", {
        type: "checkbox",
        checked: true,
        id,
        onchange: () =>
          this.change(() => members.forEach((i) => (box.checked ? this.kept.add(i) : this.kept.delete(i)))),
      });
      this.boxes.push({ box, members });
      return h(
        "div.rp-class",
        { role: "group", "aria-labelledby": `${id}-name` },
        h(
          "label",
          { for: id, id: `${id}-name`, class: "rp-tick" },
          box,
          h("span", `${this.gallery.letter(set, members[0])}: ${name || "stimuli"}`),
        ),
        h(
          "div.rp-tiles",
          members.map((index) => this.stimulus(index)),
        ),
      );
    });
    const all = button("Keep all", () =>
      this.change(() => this.gallery.stimuli[set].forEach((_, i) => this.kept.add(i))),
    );
    const hasPictures = this.gallery.shape && set === 0;
    this.element.replaceChildren(
      this.title,
      h(
        "p",
        "Untick a class, or press a stimulus, to leave it out of everything above. ",
        hasPictures ? "" : "The pictures were not at hand when this page was built: tiles stand for them. ",
        all,
      ),
      ...groups,
    );
    this.mark();
  }

  stimulus(index) {
    const element = h(
      "button",
      {
        type: "button",
        class: "rp-stimulus",
        "aria-label": this.gallery.name(this.set, index),
        title: this.gallery.name(this.set, index),
        onclick: () => this.change(() => (this.kept.has(index) ? this.kept.delete(index) : this.kept.add(index))),
      },
      this.gallery.tile(this.set, index),
    );
    this.buttons.set(index, element);
    return element;
  }

  change(act) {
    act();
    this.mark();
    this.onChange();
  }

  mark() {
    for (const [index, button] of this.buttons) button.setAttribute("aria-pressed", String(this.kept.has(index)));
    for (const { box, members } of this.boxes) {
      const count = members.filter((index) => this.kept.has(index)).length;
      box.checked = count === members.length;
      box.indeterminate = count > 0 && count < members.length;
    }
    this.title.textContent = `Stimuli: ${this.kept.size} of ${this.gallery.stimuli[this.set].length} kept`;
  }

  /** Kept stimuli in order. */
  keep() {
    return [...this.kept].sort((a, b) => a - b);
  }
}

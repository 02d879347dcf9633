// Pictures with their classes, column by column: truth beside predictions, one cursor in all of them.

import { h, notice, spell } from "./controls.js";
import { channels, ink } from "./draw.js";
import { agreement, unpackClasses } from "./outcomes.js";

export class MaskView {
  /** Classes are { name, colour }; onPixel gets words for a pixel, or null, and whether by keyboard. */
  constructor({ classes, side, count, onPixel }) {
    Object.assign(this, { classes, side, count, onPixel, at: [0, 0, 0] });
    this.colours = classes.map(({ colour }) => channels(colour));
    this.grid = h("div.rp-masks", {
      tabindex: "0",
      role: "application",
      "aria-roledescription": "pictures",
      "aria-label": "Segmented pictures. Arrow keys move a cursor, Page Up and Page Down go from picture to picture",
    });
    this.key = h(
      "ul.rp-classes",
      classes.map(({ name, colour }) =>
        h("li", h("span.rp-patch", { style: `background: ${ink(colour)}`, "aria-hidden": "true" }), name),
      ),
    );
    this.element = h("div", this.grid, this.key);
    this.grid.addEventListener("keydown", (event) => this.press(event));
    this.grid.addEventListener("pointerleave", () => this.point(null));
    this.grid.addEventListener("blur", () => this.point(null));
  }

  /**
   * Columns are { title, pixels, kind, missing }: kind "classes" (a byte a pixel) or "picture" (three).
   * With `truth`, pixels of other columns that differ from it can be struck out.
   */
  show(columns, truth, strike) {
    this.columns = columns;
    this.truth = truth;
    this.marks = [];
    this.grid.style.gridTemplateColumns = `repeat(${columns.length}, minmax(0, 12rem))`;
    const cells = columns.map(({ title }) => h("span.rp-column", title));
    for (let picture = 0; picture < this.count; picture++) {
      for (const column of columns) {
        if (!column.pixels) {
          cells.push(picture ? h("span") : notice(column.missing));
          continue;
        }
        const mark = h("div.rp-cell", { hidden: true });
        const cell = h("div.rp-mask", this.paint(column, picture, strike), mark);
        this.marks.push([picture, mark]);
        cell.addEventListener("pointermove", (event) => {
          const box = cell.getBoundingClientRect();
          const place = (offset, size) => Math.min(Math.max(Math.floor((offset / size) * this.side), 0), this.side - 1);
          this.point(
            [picture, place(event.clientY - box.top, box.height), place(event.clientX - box.left, box.width)],
            event.clientX,
            event.clientY,
          );
        });
        cells.push(cell);
      }
    }
    this.grid.replaceChildren(...cells);
  }

  paint({ pixels, kind }, picture, strike) {
    const canvas = h("canvas", { width: this.side, height: this.side, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    const image = context.createImageData(this.side, this.side);
    const area = this.side ** 2;
    for (let k = 0; k < area; k++) {
      const at = picture * area + k;
      const value = pixels[at];
      let colour = kind === "picture" ? pixels.subarray(3 * at, 3 * at + 3) : this.colours[value];
      const known = this.truth && this.truth[at] < this.classes.length;
      // Struck out: every other diagonal is black, which is seen on every colour.
      if (
        strike &&
        kind === "classes" &&
        known &&
        value !== this.truth[at] &&
        (Math.floor(k / this.side) + (k % this.side)) % 3 === 0
      )
        colour = [0, 0, 0];
      // Unlabelled pixels stay empty.
      if (colour) image.data.set([...colour, 255], 4 * k);
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  press(event) {
    const moves = {
      ArrowUp: [0, -1, 0],
      ArrowDown: [0, 1, 0],
      ArrowLeft: [0, 0, -1],
      ArrowRight: [0, 0, 1],
      PageUp: [-1, 0, 0],
      PageDown: [1, 0, 0],
    };
    if (event.key === "Escape") this.point(null);
    else if (moves[event.key]) {
      const far = event.shiftKey ? 10 : 1;
      const limits = [this.count, this.side, this.side];
      const to = this.at.map((place, axis) =>
        Math.min(Math.max(place + (axis ? far : 1) * moves[event.key][axis], 0), limits[axis] - 1),
      );
      const box = this.marks.find(([picture]) => picture === to[0])?.[1].parentElement.getBoundingClientRect();
      this.point(
        to,
        box && box.left + ((to[2] + 1) / this.side) * box.width,
        box && box.top + ((to[1] + 1) / this.side) * box.height,
        true,
      );
    } else return;
    event.preventDefault();
  }

  /** Mark a pixel in every column of its picture and tell its classes. */
  point(place, x, y, byKeys = false) {
    if (place) this.at = place;
    const share = 100 / this.side;
    for (const [picture, mark] of this.marks ?? []) {
      mark.hidden = !place || picture !== place[0];
      if (place)
        Object.assign(mark.style, {
          top: `${place[1] * share}%`,
          left: `${place[2] * share}%`,
          width: `${share}%`,
          height: `${share}%`,
        });
    }
    if (!place) return this.onPixel(null);
    const at = place[0] * this.side ** 2 + place[1] * this.side + place[2];
    const words = this.columns
      .filter(({ pixels, kind }) => pixels && kind === "classes")
      .map(({ title, pixels }) => `${title}: ${this.classes[pixels[at]]?.name ?? "not labelled"}`);
    this.onPixel(words, x, y, byKeys);
  }
}

/** Predictions of the networks of one seed beside the truth; `bytes` are { masks, truth, pictures }, maybe empty. */
export class Predictions {
  constructor(about, { masks, truth, pictures }, onPixel) {
    const { classes, shown } = about;
    Object.assign(this, { about, masks });
    [this.truth, this.pictures] = [truth, pictures].map((pixels) => (pixels.length ? pixels : null));
    this.view = new MaskView({ classes, side: shown.side, count: shown.names.length, onPixel });
    this.note = h("p.rp-note");
    this.parts = [this.view.element, this.note];
  }

  /** Sides are { look, title, single }: the unit of the seed, or −1. */
  show(sides, seed, strike) {
    const { shown, classes } = this.about;
    const { truth, pictures } = this;
    const area = shown.side ** 2 * shown.names.length;
    const columns = [];
    if (pictures) columns.push({ title: "picture", kind: "picture", pixels: pictures });
    if (truth) columns.push({ title: "truth", kind: "classes", pixels: truth });
    for (const { look, title, single } of sides) {
      const pixels = single < 0 ? null : unpackClasses(this.masks, single, area, shown.bits);
      const score = pixels && truth ? ` · IoU here ${spell(agreement(pixels, truth, classes.length).mean, 2)}` : "";
      const missing = `Seed ${seed} is not in the store.`;
      columns.push({ title: `${look.name}: ${title}${score}`, kind: "classes", pixels, missing });
    }
    this.view.show(columns, truth, strike);
    const lacks = [pictures ? "" : "the pictures", truth ? "" : "their true classes"].filter(Boolean).join(" and ");
    const test = `Test pictures ${shown.names.join(", ")} of ${shown.dataset} (their middle).`;
    const hidden = lacks ? ` Not at hand when this page was built: ${lacks}.` : "";
    this.note.textContent = `Networks of seed ${seed}. ${test}${hidden}`;
  }
}

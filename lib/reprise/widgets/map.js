// A map of stimuli: letters stand for classes, so that colour is not needed to tell them apart.

import { h, notice, spell } from "./controls.js";
import { ink, s } from "./draw.js";

export class StimulusMap {
  constructor(gallery, colours) {
    this.gallery = gallery;
    this.colours = colours;
    this.plot = h("div.rp-plot.rp-stimulus-map");
    this.note = h("p.rp-note");
    this.element = h("div", this.plot, this.note);
    this.extent = 1;
  }

  /** Fix the scale to a sequence of frames, so that growth is seen as growth. */
  fit(frames) {
    const all = frames.filter(Boolean).flatMap(({ points }) => points.flat().map(Math.abs));
    this.extent = all.reduce((top, value) => Math.max(top, value), 0) || 1;
  }

  /** One frame, or null where there is none (yet). */
  show(frame, set, waiting = false) {
    if (!frame) {
      this.marks = null;
      this.plot.replaceChildren(notice(waiting ? "Working out the maps …" : "No map: a distance is undefined here."));
      this.note.textContent = "";
      return;
    }
    this.frame = frame;
    this.set = set;
    if (!this.marks || this.marks.length !== frame.points.length || this.drawnSet !== set) this.draw();
    this.place();
    const stress = `Stress ${spell(frame.stress, 2)}: 0 would be exact.`;
    this.note.textContent = `Each letter is a stimulus, the letter its class. ${stress}`;
  }

  redraw() {
    if (!this.marks) return;
    this.draw();
    this.place();
  }

  draw() {
    this.drawnSet = this.set;
    this.size = Math.min(Math.max(this.plot.clientWidth, 200), 416);
    const svg = s("svg", {
      width: this.size,
      height: this.size,
      class: "rp-chart rp-frame",
      role: "img",
      "aria-label": "Map of the stimuli: near points are similar stimuli",
    });
    this.marks = this.frame.points.map((_, index) => {
      const letter = this.gallery.letter(this.set, index);
      const place = this.gallery.classes(this.set).findIndex(({ members }) => members.includes(index));
      const mark = s(
        "text.rp-letter",
        { "text-anchor": "middle", dy: 4, style: `fill: ${ink(this.colours[place % this.colours.length])}` },
        s("title", this.gallery.name(this.set, index)),
        letter,
      );
      svg.append(mark);
      return mark;
    });
    this.plot.replaceChildren(svg);
  }

  place() {
    const half = this.size / 2;
    const scale = (half - 10) / this.extent;
    this.frame.points.forEach(([x, y], index) => {
      this.marks[index].style.transform = `translate(${half + x * scale}px, ${half - y * scale}px)`;
    });
  }
}

// The frame of every explorer: its part of the page with its heading, what it says, and how it ends.

import { announcer, h, hint, numbers, onWidth, replaceTwin } from "./controls.js";

/** What explorers extend: `about` is what Python says of the widget, `hint` stands at the pointer, `voice` is heard. */
export class Explorer {
  constructor({ model, el }, kind) {
    const about = model.get("about");
    this.root = h("section", { class: `rp-explorer rp-${kind}`, role: "group", "aria-label": about.title });
    el.append(this.root);
    Object.assign(this, { model, about, hint: hint(this.root), voice: announcer() });
    this.root.append(h("header", h("h3", about.title), about.unit ? h("p.rp-note", about.unit) : null));
  }

  /** Numbers of a trait of bytes. */
  trait(name, Kind) {
    return numbers(this.model.get(name), Kind);
  }

  /** The parts below the heading. At every new width, the first one too, all is drawn. */
  show(parts, draw = () => {}) {
    this.root.append(...parts.filter(Boolean), this.voice.element);
    this.stop = onWidth(this.root, draw);
  }

  close() {
    this.stop();
    this.engine?.close();
  }
}

/** The widget of a kind of explorer; on the screen it takes the place of its static twin. */
export const widget = (Kind) => ({
  render(context) {
    const explorer = new Kind(context);
    replaceTwin(explorer.about.twin);
    return () => explorer.close();
  },
});

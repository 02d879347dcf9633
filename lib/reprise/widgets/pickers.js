// Choosing one state by its properties.

import { h, placeMenu } from "./controls.js";

/** A state in words: the levels of all columns that have more than one. */
export function nameOf(columns, state) {
  return columns
    .filter(({ levels }) => levels.length > 1)
    .map(({ title, levels, codes }) => `${title} ${levels[codes[state]]}`)
    .join(", ");
}

/** The state with a level in one column that keeps most of the others: not every combination was kept. */
export function nearestState(columns, from, column, code) {
  let [best, most] = [from, -Infinity];
  for (let state = 0; state < columns[column].codes.length; state++) {
    if (columns[column].codes[state] !== code) continue;
    const score = columns.reduce((sum, { codes }) => {
      const far = Math.abs(codes[state] - codes[from]);
      return sum + (far ? -far / (1 + far) : columns.length);
    }, 0);
    if (score > most) [best, most] = [state, score];
  }
  return best;
}

/** A menu for each column. Calls onPick with the index of the state. */
export class StatePicker {
  constructor(legend, columns, state, onPick) {
    this.columns = columns;
    this.state = state;
    this.menus = columns.map(({ title, levels, codes }, column) =>
      levels.length > 1 ? placeMenu(title, levels, codes[state], (code) => this.move(column, code, onPick)) : null,
    );
    this.message = h("p.rp-note", { role: "status" });
    const menus = this.menus.map((item) => item?.element);
    this.element = h("fieldset.rp-state", h("legend", legend), h("div.rp-controls", menus), this.message);
  }

  move(column, code, onPick) {
    const before = this.state;
    const state = nearestState(this.columns, before, column, code);
    const moved = this.columns.filter(({ codes }, k) => k !== column && codes[state] !== codes[before]);
    onPick(state);
    const words = moved.map(({ title, levels, codes }) => `${title} ${levels[codes[state]]}`).join(", ");
    this.message.textContent = words ? `Kept only with ${words}: shown so.` : "";
  }

  show(state) {
    this.state = state;
    this.message.textContent = "";
    this.menus.forEach((item, column) => item?.set(String(this.columns[column].codes[state])));
  }
}

// Pieces of a page that all explorers share: elements, menus, messages, hints.

/** Fills an element: classes, attributes if the first part is a plain object (on… are listeners), and children. */
export function filled(element, classes, parts) {
  const [first] = parts;
  const plain = first && typeof first === "object" && !Array.isArray(first) && !(first instanceof Node);
  const [attributes, children] = plain ? [first, parts.slice(1)] : [{}, parts];
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** An element of the page: `h("p.rp-note", { id: "a" }, "text", child)`; false and null are left out. */
export function h(tag, ...parts) {
  const [name, ...classes] = tag.split(".");
  return filled(document.createElement(name), classes, parts);
}

let names = 0;

/** A name that no other element of the page has. */
export function freshId() {
  names += 1;
  return `rp-${names}-${Math.random().toString(36).slice(2, 8)}`;
}

/** A labelled menu. Options are { value, label, disabled } or, in groups, { group, options }. */
export function menu(label, options, value, onChange) {
  const option = (item) => h("option", { value: item.value, disabled: item.disabled }, item.label);
  const fill = (items) =>
    items.map((item) => (item.group ? h("optgroup", { label: item.group }, item.options.map(option)) : option(item)));
  const select = h("select", { onchange: () => onChange(select.value) }, fill(options));
  select.value = value;
  return {
    element: h("label.rp-field", h("span", label), select),
    select,
    set: (next) => (select.value = next),
    replace: (items, next) => {
      select.replaceChildren(...fill(items));
      select.value = next;
    },
  };
}

/** Titles of some entries. */
export const titles = (entries) => entries.map(({ title }) => title);

/** Labels as options that stand for their places. */
export const places = (labels) => labels.map((label, place) => ({ value: String(place), label }));

/** A labelled menu of some labels; it gives their places. */
export function placeMenu(label, labels, place, onChange) {
  return menu(label, places(labels), String(place), (value) => onChange(Number(value)));
}

/** A labelled box to tick. */
export function tick(label, checked, onChange, attributes = {}) {
  const box = h("input", { type: "checkbox", checked, onchange: () => onChange(box.checked), ...attributes });
  return { element: h("label.rp-tick", box, h("span", label)), box };
}

/** Two or more exclusive choices beside each other. */
export function choice(legend, values, value, onChange) {
  const name = freshId();
  const boxes = values.map((item) => {
    const box = h("input", {
      type: "radio",
      name,
      value: item,
      checked: item === value,
      onchange: () => onChange(item),
    });
    return h("label.rp-tick", box, h("span", item));
  });
  return h("fieldset.rp-choice", h("legend", legend), boxes);
}

/** A button that does something when it is pressed. */
export const button = (label, onclick) => h("button.rp-button", { type: "button", onclick }, label);

/** A part of an explorer with a heading of its own. */
export const panel = (heading, ...parts) => h("section.rp-panel", h("h4", heading), ...parts);

/** Place of the value that is nearest to another. */
export const nearest = (values, to) =>
  values.reduce((best, value, place) => (Math.abs(value - to) < Math.abs(values[best] - to) ? place : best), 0);

/** A slider over ascending values, at the last one; `unit` is said after a value. It gives and takes places. */
export function slider(label, values, unit, onChange) {
  const last = values.length - 1;
  const oninput = () => onChange(Number(element.value));
  const element = h("input", { type: "range", min: 0, max: last, step: 1, value: last, "aria-label": label, oninput });
  const set = (place) => {
    element.value = place;
    element.setAttribute("aria-valuetext", `${values[place]} ${unit}`);
  };
  return { element, set };
}

/** A table of numbers with a caption; the first cell of a row is its name. */
export function readout(caption, columns, rows) {
  return h(
    "table",
    h("caption", caption),
    h(
      "thead",
      h(
        "tr",
        columns.map((text) => h("th", { scope: "col" }, text)),
      ),
    ),
    h(
      "tbody",
      rows.map(([name, ...cells]) => h("tr", h("th", { scope: "row" }, name), ...cells)),
    ),
  );
}

/** A cell of such a table. */
export const cell = (value) => h("td", spell(value));

/** A line that a screen reader says when it changes; what changes quickly is said once, at rest. */
export function announcer() {
  const element = h("p.rp-spoken", { role: "status", "aria-live": "polite" });
  let timer = 0;
  return {
    element,
    say: (text) => {
      clearTimeout(timer);
      timer = setTimeout(() => (element.textContent = text), 400);
    },
  };
}

/** A hint beside the pointer or a cell; it never leaves the explorer. */
export function hint(root) {
  const box = h("div.rp-hint", { "aria-hidden": "true", hidden: true });
  root.append(box);
  return {
    show: (x, y, ...content) => {
      box.replaceChildren(...content);
      box.hidden = false;
      const frame = root.getBoundingClientRect();
      const left = Math.min(x - frame.left + 14, frame.width - box.offsetWidth - 4);
      const below = y - frame.top + 16;
      const above = y - frame.top - box.offsetHeight - 12;
      box.style.left = `${Math.max(left, 4)}px`;
      box.style.top = `${below + box.offsetHeight > frame.height && above > 0 ? above : below}px`;
    },
    hide: () => (box.hidden = true),
  };
}

/** A command with a button that copies it; where a page may not copy, the text is selected instead. */
export function command(label = "Copy") {
  const text = h("code");
  const copy = button(label, async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);
      copy.textContent = "Selected";
    }
    setTimeout(() => (copy.textContent = label), 1500);
  });
  return { element: h("div.rp-command", text, copy), set: (value) => (text.textContent = value) };
}

/** What is said instead of a picture or a number that cannot be had. */
export const notice = (text) => h("p.rp-notice", text);

/** A number for people: a real minus sign, and a dash where there is none. */
export function spell(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return value.toFixed(digits).replace(/^-/, "−");
}

/** Bytes of a trait as numbers; they can start anywhere in their buffer, so they are copied. */
export function numbers(view, Kind = Float32Array) {
  if (!view?.byteLength) return new Kind(0);
  return new Kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** Tells an element's width as last seen: to ask the element itself, amid changes, has the page laid out anew. */
export function seenWidth(element) {
  let width = 0;
  new ResizeObserver(([entry]) => (width = Math.round(entry.contentRect.width))).observe(element);
  return () => width || element.clientWidth;
}

/** Calls when an element's width changes, and returns how to stop that. */
export function onWidth(element, call) {
  let last = 0;
  const observer = new ResizeObserver(() => {
    const width = Math.round(element.clientWidth);
    if (width && width !== last) {
      last = width;
      call(width);
    }
  });
  observer.observe(element);
  return () => observer.disconnect();
}

/** On the screen an explorer that works takes the place of the static one with this id; on paper it does not. */
export function replaceTwin(id) {
  if (id) document.getElementById(id)?.classList.add("rp-replaced");
}

// Pieces of a page that all explorers share: elements, menus, messages, hints.

/** An element with attributes (on… are listeners, false and null are left out) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
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
    element: h("label", { class: "rp-field" }, h("span", {}, label), select),
    select,
    set: (next) => (select.value = next),
    replace: (items, next) => {
      select.replaceChildren(...fill(items));
      select.value = next;
    },
  };
}

/** A labelled box to tick. */
export function tick(label, checked, onChange, attributes = {}) {
  const box = h("input", { type: "checkbox", checked, onchange: () => onChange(box.checked), ...attributes });
  return { element: h("label", { class: "rp-tick" }, box, h("span", {}, label)), box };
}

/** Two or more exclusive choices beside each other. */
export function choice(legend, options, value, onChange) {
  const name = freshId();
  const boxes = options.map((item) =>
    h(
      "label",
      { class: "rp-tick" },
      h("input", {
        type: "radio",
        name,
        value: item.value,
        checked: item.value === value,
        onchange: () => onChange(item.value),
      }),
      h("span", {}, item.label),
    ),
  );
  return h("fieldset", { class: "rp-choice" }, h("legend", {}, legend), boxes);
}

/** A line that a screen reader says when it changes; what changes quickly is said once, at rest. */
export function announcer() {
  const element = h("p", { class: "rp-spoken", role: "status", "aria-live": "polite" });
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
  const box = h("div", { class: "rp-hint", "aria-hidden": "true", hidden: true });
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
  const text = h("code", {});
  const button = h("button", { type: "button", class: "rp-button" }, label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = label), 1500);
  });
  return { element: h("div", { class: "rp-command" }, text, button), set: (value) => (text.textContent = value) };
}

/** What is said instead of a picture or a number that cannot be had. */
export const notice = (text) => h("p", { class: "rp-notice" }, text);

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

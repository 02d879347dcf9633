// Parameter panel: a form from a study's schema, whether a setting is published, and the command for it.

import { command, freshId, h, menu, replaceTwin } from "./controls.js";
import {
  differing,
  parseSeeds,
  parseValue,
  runCommand,
  same,
  spellDuration,
  spellSeeds,
  spellValue,
  workOf,
} from "./settings.js";

const STAGES = {
  training: "Training: networks depend on these",
  analysis: "Analysis: only what is measured on them depends on these",
  display: "Display: only pictures depend on these",
};

class Panel {
  constructor(about, root) {
    this.about = about;
    this.inputs = new Map();
    const presetMenu = menu(
      "Preset",
      about.presets.map(({ name }) => ({ value: name, label: name })),
      about.preset,
      (name) => this.start(name),
    );
    this.presetNote = h("p", { class: "rp-note" });
    this.seeds = h("input", { type: "text", inputmode: "numeric", size: 10, oninput: () => this.refresh() });
    const seedsHelp = freshId();
    this.seeds.setAttribute("aria-describedby", seedsHelp);
    this.seedsNote = h("span", { class: "rp-note rp-wrong", id: seedsHelp });
    this.status = h("div", { class: "rp-status", role: "status", "aria-live": "polite" });
    this.command = command("Copy the command");
    this.time = h("p", { class: "rp-note" });
    const groups = Object.entries(STAGES).map(([stage, text]) => {
      const fields = about.fields.filter((field) => field.stage === stage);
      if (!fields.length) return null;
      return h(
        "details",
        { class: "rp-fields", open: stage === "training" },
        h("summary", {}, text),
        h(
          "div",
          { class: "rp-form" },
          fields.map((field) => this.field(field)),
        ),
      );
    });
    const reset = h(
      "button",
      { type: "button", class: "rp-button", onclick: () => this.start(this.preset.name) },
      "Back to the preset",
    );
    root.append(
      h("header", {}, h("h3", {}, about.title)),
      h(
        "div",
        { class: "rp-controls" },
        presetMenu.element,
        h("label", { class: "rp-field" }, h("span", {}, "Seeds (0..4: both ends)"), this.seeds),
        reset,
      ),
      this.presetNote,
      this.seedsNote,
      ...groups.filter(Boolean),
      h("div", { class: "rp-outcome" }, this.status, this.command.element, this.time),
    );
    this.start(about.preset);
  }

  field(field) {
    const help = freshId();
    const change = () => this.refresh();
    let input;
    let list = null;
    if (field.kind === "choice") {
      input = h(
        "select",
        { onchange: change },
        field.choices.map((value) => h("option", { value }, value)),
      );
    } else if (field.kind === "flag") {
      input = h(
        "select",
        { onchange: change },
        ["false", "true"].map((value) => h("option", { value }, value)),
      );
    } else {
      const numeric = field.kind === "integer" || field.kind === "number";
      list = field.choices.length
        ? h(
            "datalist",
            { id: freshId() },
            field.choices.map((value) => h("option", { value })),
          )
        : null;
      input = h("input", {
        type: numeric ? "number" : "text",
        step: field.kind === "integer" ? 1 : numeric ? "any" : null,
        min: field.minimum ?? field.exclusiveMinimum,
        max: field.maximum ?? field.exclusiveMaximum,
        list: list?.id,
        oninput: change,
      });
    }
    input.setAttribute("aria-describedby", help);
    const changed = h("span", { class: "rp-changed" });
    const wrong = h("span", { class: "rp-wrong", role: "alert" });
    this.inputs.set(field.name, { field, input, changed, wrong });
    const limits = this.limits(field);
    return h(
      "div",
      { class: "rp-setting" },
      h("label", {}, h("span", {}, h("code", {}, field.name), changed), input, list),
      h("p", { class: "rp-note", id: help }, `${field.help}${limits}`),
      wrong,
    );
  }

  limits({ unit, minimum, exclusiveMinimum, maximum, exclusiveMaximum }) {
    const parts = [
      unit || null,
      minimum === undefined ? null : `at least ${minimum}`,
      exclusiveMinimum === undefined ? null : `above ${exclusiveMinimum}`,
      maximum === undefined ? null : `at most ${maximum}`,
      exclusiveMaximum === undefined ? null : `below ${exclusiveMaximum}`,
    ].filter(Boolean);
    return parts.length ? ` (${parts.join(", ")})` : "";
  }

  /** All values of a preset. */
  start(name) {
    this.preset = this.about.presets.find((preset) => preset.name === name);
    this.presetNote.textContent = this.preset.about;
    this.seeds.value = spellSeeds(this.preset.seeds);
    for (const [field, { input }] of this.inputs) {
      const value = this.preset.values[field];
      input.value = Array.isArray(value) ? value.join(",") : String(value);
    }
    this.refresh();
  }

  refresh() {
    const values = {};
    let sound = true;
    for (const [name, { field, input, changed, wrong }] of this.inputs) {
      try {
        values[name] = parseValue(field, input.value);
        wrong.textContent = "";
        input.removeAttribute("aria-invalid");
      } catch (error) {
        sound = false;
        wrong.textContent = `${name}: ${error.message}.`;
        input.setAttribute("aria-invalid", "true");
      }
      const preset = this.preset.values[name];
      changed.textContent = name in values && !same(values[name], preset) ? ` changed from ${spellValue(preset)}` : "";
    }
    let seeds = [];
    try {
      seeds = parseSeeds(this.seeds.value);
      this.seedsNote.textContent = "";
    } catch (error) {
      sound = false;
      this.seedsNote.textContent = `Seeds: ${error.message}.`;
    }
    this.command.element.hidden = !sound;
    if (!sound) {
      this.status.replaceChildren(h("p", {}, "A value cannot be used: see above."));
      this.time.textContent = "";
      return;
    }
    this.tell(values, seeds);
  }

  tell(values, seeds) {
    const { about, preset } = this;
    const published = about.published.map((entry) => ({
      ...entry,
      apart: differing(about.fields, values, entry.settings),
    }));
    const exact = published.find(({ apart }) => !apart.length);
    const link = ({ link: address, label }) => (address ? h("a", { href: address }, label) : label);
    let missing = seeds;
    if (exact) {
      missing = seeds.filter((seed) => !exact.seeds.includes(seed));
      this.status.replaceChildren(
        missing.length === seeds.length
          ? h("p", {}, "✗ Published with other seeds only (", spellSeeds(exact.seeds), "): ", link(exact), ".")
          : missing.length
            ? h(
                "p",
                {},
                "± Published for some of these seeds (",
                spellSeeds(exact.seeds),
                "): ",
                link(exact),
                `; seed ${spellSeeds(missing)} would be computed.`,
              )
            : h("p", {}, "✓ Published: ", link(exact), ". The command only gathers what is there."),
      );
    } else {
      const nearest = published.sort((a, b) => a.apart.length - b.apart.length)[0];
      this.status.replaceChildren(
        h(
          "p",
          {},
          "✗ Not published. ",
          ...(nearest
            ? [
                "Nearest: ",
                link(nearest),
                `, which has ${nearest.apart
                  .slice(0, 6)
                  .map(({ name }) => `${name}=${spellValue(nearest.settings[name])}`)
                  .join(", ")}${nearest.apart.length > 6 ? " and more" : ""}.`,
              ]
            : ["Nothing of this study is published yet."]),
        ),
      );
    }
    this.command.set(runCommand(about.study, about.fields, preset, values, seeds));
    const work = workOf(preset, values);
    const times = Object.entries(about.rates).map(
      ([device, rate]) => `${spellDuration(work * rate * missing.length)} on ${device}`,
    );
    const what = `${missing.length} unit${missing.length === 1 ? "" : "s"}`;
    this.time.textContent = !missing.length
      ? ""
      : times.length
        ? `Roughly, for ${what}: ${times.join("; ")}. The command checks what this form cannot, says it more exactly, and can be interrupted and gone on with.`
        : `How long ${what} would take is not known: none was timed yet.`;
  }
}

function render({ model, el }) {
  const about = model.get("about");
  const root = h("section", { class: "rp-explorer rp-parameters", role: "group", "aria-label": about.title });
  el.append(root);
  new Panel(about, root);
  replaceTwin(about.twin);
}

export default { render };

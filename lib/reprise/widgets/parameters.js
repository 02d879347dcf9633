// Parameter panel: a form from a study's schema, whether a setting is published, and the command for it.

import { button, command, freshId, h, menu } from "./controls.js";
import { Explorer, widget } from "./frame.js";
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

class Parameters extends Explorer {
  constructor(context) {
    super(context, "parameters");
    const { fields, presets, preset } = this.about;
    this.inputs = new Map();
    const options = presets.map(({ name }) => ({ value: name, label: name }));
    const presetMenu = menu("Preset", options, preset, (name) => this.start(name));
    this.presetNote = h("p.rp-note");
    this.seeds = h("input", { type: "text", inputmode: "numeric", size: 10, oninput: () => this.refresh() });
    const seedsHelp = freshId();
    this.seeds.setAttribute("aria-describedby", seedsHelp);
    this.seedsNote = h("span.rp-note.rp-wrong", { id: seedsHelp });
    this.status = h("div.rp-status", { role: "status", "aria-live": "polite" });
    this.command = command("Copy the command");
    this.time = h("p.rp-note");
    const groups = Object.entries(STAGES).map(([stage, text]) => {
      const settings = fields.filter((field) => field.stage === stage).map((field) => this.field(field));
      if (!settings.length) return null;
      const open = stage === "training";
      return h("details.rp-fields", { open }, h("summary", text), h("div.rp-form", settings));
    });
    const seeds = h("label.rp-field", h("span", "Seeds (0..4: both ends)"), this.seeds);
    const reset = button("Back to the preset", () => this.start(this.preset.name));
    this.show([
      h("div.rp-controls", presetMenu.element, seeds, reset),
      this.presetNote,
      this.seedsNote,
      ...groups,
      h("div.rp-outcome", this.status, this.command.element, this.time),
    ]);
    this.start(preset);
  }

  field(field) {
    const help = freshId();
    const change = () => this.refresh();
    let input;
    let list = null;
    const options = (values) => values.map((value) => h("option", { value }, value));
    if (field.kind === "choice") {
      input = h("select", { onchange: change }, options(field.choices));
    } else if (field.kind === "flag") {
      input = h("select", { onchange: change }, options(["false", "true"]));
    } else {
      const numeric = field.kind === "integer" || field.kind === "number";
      const offered = field.choices.map((value) => h("option", { value }));
      list = offered.length ? h("datalist", { id: freshId() }, offered) : null;
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
    const changed = h("span.rp-changed");
    const wrong = h("span.rp-wrong", { role: "alert" });
    this.inputs.set(field.name, { field, input, changed, wrong });
    const limits = this.limits(field);
    return h(
      "div.rp-setting",
      h("label", h("span", h("code", field.name), changed), input, list),
      h("p.rp-note", { id: help }, `${field.help}${limits}`),
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
      this.status.replaceChildren(h("p", "A value cannot be used: see above."));
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
    const say = (...words) => this.status.replaceChildren(h("p", ...words));
    let missing = seeds;
    if (exact) {
      missing = seeds.filter((seed) => !exact.seeds.includes(seed));
      const there = [spellSeeds(exact.seeds), "): ", link(exact)];
      if (missing.length === seeds.length) say("✗ Published with other seeds only (", ...there, ".");
      else if (missing.length) {
        say("± Published for some of these seeds (", ...there, `; seed ${spellSeeds(missing)} would be computed.`);
      } else say("✓ Published: ", link(exact), ". The command only gathers what is there.");
    } else if (published.length) {
      const [closest] = published.sort((a, b) => a.apart.length - b.apart.length);
      const apart = closest.apart.map(({ name }) => `${name}=${spellValue(closest.settings[name])}`);
      const has = `${apart.slice(0, 6).join(", ")}${apart.length > 6 ? " and more" : ""}`;
      say("✗ Not published. ", "Nearest: ", link(closest), `, which has ${has}.`);
    } else say("✗ Not published. ", "Nothing of this study is published yet.");
    this.command.set(runCommand(about.study, about.fields, preset, values, seeds));
    const work = workOf(preset, values);
    const rates = Object.entries(about.rates);
    const times = rates.map(([device, rate]) => `${spellDuration(work * rate * missing.length)} on ${device}`);
    const what = `${missing.length} unit${missing.length === 1 ? "" : "s"}`;
    const checked =
      "The command checks what this form cannot, says it more exactly, and can be interrupted and gone on with.";
    const known = times.length
      ? `Roughly, for ${what}: ${times.join("; ")}. ${checked}`
      : `How long ${what} would take is not known: none was timed yet.`;
    this.time.textContent = missing.length ? known : "";
  }
}

export default widget(Parameters);

// Settings as text and back, as the command line has them.

/** Quotes a word for a POSIX shell where it needs it. */
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** Seeds as people write them: 0..4 (both ends), 0,3,7 or 2. Throws with a message for people. */
export function parseSeeds(text) {
  const seeds = [];
  for (const part of text.split(",")) {
    const match = /^\s*(\d+)(?:\s*\.\.\s*(\d+))?\s*$/.exec(part);
    if (!match) throw new Error("write 0..4 (both ends included), 0,3,7 or 2");
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (last < first) throw new Error("the smaller end first");
    if (last - first > 9999) throw new Error("fewer than 10 000 seeds");
    for (let seed = first; seed <= last; seed++) if (!seeds.includes(seed)) seeds.push(seed);
  }
  return seeds;
}

/** Seeds as the command line takes them. */
export function spellSeeds(seeds) {
  const run = seeds.length > 1 && seeds.every((seed, k) => seed === seeds[0] + k);
  return run ? `${seeds[0]}..${seeds.at(-1)}` : seeds.join(",");
}

/** What a person entered in a field, as a JSON value. Throws with a message for people. */
export function parseValue(field, text) {
  if (field.kind === "choice") return text;
  if (field.kind === "flag") return text === true || text === "true";
  if (field.kind === "list") {
    const parts = text
      .replace(/^[\s[(]+|[\s\])]+$/g, "")
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean);
    return parts.map((part) => (part !== "" && Number.isFinite(Number(part)) ? Number(part) : part));
  }
  if (field.kind === "text") {
    const trimmed = text.trim();
    if (trimmed !== "" && Number.isFinite(Number(trimmed))) return Number(trimmed);
    return trimmed === "null" ? null : trimmed;
  }
  const value = Number(text);
  if (String(text).trim() === "" || !Number.isFinite(value)) throw new Error("a number is needed");
  if (field.kind === "integer" && !Number.isInteger(value)) throw new Error("a whole number is needed");
  if (field.minimum !== undefined && value < field.minimum) throw new Error(`at least ${field.minimum}`);
  if (field.exclusiveMinimum !== undefined && value <= field.exclusiveMinimum)
    throw new Error(`above ${field.exclusiveMinimum}`);
  if (field.maximum !== undefined && value > field.maximum) throw new Error(`at most ${field.maximum}`);
  if (field.exclusiveMaximum !== undefined && value >= field.exclusiveMaximum)
    throw new Error(`below ${field.exclusiveMaximum}`);
  return value;
}

/** A value as it is written after the equals sign. */
export const spellValue = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** Whether two JSON values are the same. */
export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** Fields in which two settings differ; those that only pictures depend on do not count. */
export const differing = (fields, a, b) =>
  fields.filter(({ name, stage }) => stage !== "display" && !same(a[name], b[name]));

/** The command line that computes a setting. */
export function runCommand(study, fields, preset, values, seeds) {
  const changed = fields.filter(({ name }) => !same(values[name], preset.values[name]));
  const sets = changed.map(({ name }) => quoted(`${name}=${spellValue(values[name])}`));
  return [
    "reprise run",
    study,
    "--preset",
    preset.name,
    ...(sets.length ? ["--set", ...sets] : []),
    "--seeds",
    spellSeeds(seeds),
  ].join(" ");
}

/** Work of a unit: the preset's, times for each changed field how work grows with it alone. */
export function workOf(preset, values) {
  let work = preset.work;
  for (const [name, table] of Object.entries(preset.ratios)) {
    const value = values[name];
    if (same(value, preset.values[name])) continue;
    const exact = table.find(([other]) => other === value);
    if (exact) {
      work *= exact[1];
    } else if (typeof value === "number" && value > 0) {
      // Along the line through the two nearest points, both axes logarithmic.
      let k = table.findIndex(([other]) => other > value);
      k = k < 0 ? table.length - 1 : Math.max(k, 1);
      const [[x, u], [y, v]] = [table[k - 1], table[k]];
      work *= Math.exp(
        Math.log(u) + ((Math.log(value) - Math.log(x)) / (Math.log(y) - Math.log(x))) * (Math.log(v) - Math.log(u)),
      );
    }
  }
  return work;
}

/** A duration in words, to the precision of an estimate. */
export function spellDuration(seconds) {
  if (seconds < 1) return "less than a second";
  for (const [size, name] of [
    [86400, "day"],
    [3600, "hour"],
    [60, "minute"],
    [1, "second"],
  ]) {
    const count = seconds / size;
    if (count >= 1.5 || size === 1) {
      const rounded = count < 10 ? Math.round(count * 2) / 2 : Number(count.toPrecision(2));
      return `${rounded} ${name}${rounded === 1 ? "" : "s"}`;
    }
  }
  return "";
}

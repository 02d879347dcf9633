// What a rule says at any choice of what it fixes by hand, as reprise.claims.choices says it: without a page.

/** Steps until a curve first reaches a level, between evaluations interpolated; infinite if it never does. */
function stepsTo(curve, steps, level) {
  const k = curve.findIndex((value) => value >= level);
  if (k < 1) return k < 0 ? Infinity : steps[0];
  return steps[k - 1] + ((level - curve[k - 1]) / (curve[k] - curve[k - 1])) * (steps[k] - steps[k - 1]);
}

/** A curve that starts at (0, 0), read at a place; beyond its end, the last value. */
function readAt(places, curve, at) {
  const k = places.findIndex((place) => place >= at);
  if (k < 0) return curve.at(-1);
  const [from, low] = k ? [places[k - 1], curve[k - 1]] : [0, 0];
  return low + ((at - from) / (places[k] - from)) * (curve[k] - low);
}

/** Effective number of parts that share a change, the inverse Simpson index; what is below 0 counts as 0. */
function effective(changes, places) {
  const kept = places.map((place) => Math.max(changes[place], 0));
  const sum = kept.reduce((total, value) => total + value, 0);
  return 1 / kept.reduce((total, value) => total + (value / sum) ** 2, 0);
}

/**
 * Endpoints by name: from the numbers of an option and a choice, one value a seed; `censored` counts values that
 * stand for more than was measured.
 */
export const ENDPOINTS = {
  /** log (steps of one run ÷ of another) to a percentage of a final quality. */
  steps({ steps, own, other, end }, percent) {
    const budget = steps.at(-1);
    let censored = 0;
    const values = end.map((final, seed) => {
      const [a, b] = [own, other].map((curves) => stepsTo(curves[seed], steps, (percent / 100) * final));
      censored += a === Infinity;
      return Math.log(Math.max(Math.min(a, budget), 1) / Math.max(Math.min(b, budget), 1));
    });
    return { values, censored };
  },
  /** log (a change ÷ a curve of changes at a place). */
  ratio({ change, places, curves }, at) {
    return { values: change.map((value, seed) => Math.log(value / readAt(places, curves[seed], at))), censored: 0 };
  },
  /** Effective number of the chosen parts in one change minus that in another. */
  spread({ own, other }, chosen) {
    return { values: own.map((row, seed) => effective(row, chosen) - effective(other[seed], chosen)), censored: 0 };
  },
  /** Values that do not depend on the choice, which is the margin that they are held against. */
  values: ({ values }) => ({ values, censored: 0 }),
};

/** All sets of at least `least` of n places, small ones first. */
export function setsOf(n, least) {
  const of = (size, from) =>
    size
      ? [...Array(Math.max(n - from, 0)).keys()].flatMap((k) =>
          of(size - 1, from + k + 1).map((rest) => [from + k, ...rest]),
        )
      : [[]];
  return [...Array(n + 1).keys()].slice(least).flatMap((size) => of(size, 0));
}

/** Whether two sets of places, or two numbers, are one choice. */
export const same = (a, b) => String(a) === String(b);

const TURNED = { supported: "contradicted", contradicted: "supported" };
const turn = (status) => TURNED[status] ?? status;

/** What a conjunction says. */
export function allOf(statuses) {
  const found = new Set(statuses);
  if (found.size === 1 && found.has("supported")) return "supported";
  if (found.has("mixed") || (found.has("supported") && found.has("contradicted"))) return "mixed";
  return found.has("contradicted") ? "contradicted" : "undecided";
}

const listed = (words) =>
  words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : String(words[0]);

/** A rule with what it fixes by hand left open. A choice is a number, or places of the parts of a set. */
export class Choices {
  constructor({ choice, comparisons, quantiles, least_seeds, withheld }) {
    Object.assign(this, { choice, comparisons, quantiles, least_seeds, withheld });
    this.values = choice.kind === "scale" ? choice.values : setsOf(choice.options.length, choice.least);
  }

  /** One comparison at a choice, or with the mean of its endpoint over several. */
  part({ name, asks, form, numbers, unit }, option, choices) {
    const found = choices.map((choice) => ENDPOINTS[form](numbers[option], choice));
    const values = found[0].values.map(
      (_, seed) => found.reduce((sum, own) => sum + own.values[seed], 0) / found.length,
    );
    const censored = found.reduce((sum, own) => sum + own.censored, 0);
    const n = values.length;
    const level = asks === "within" ? 0.9 : 0.95;
    let estimate = values.reduce((sum, value) => sum + value, 0) / n;
    let half = NaN;
    if (values.every((value) => value === values[0] && Number.isFinite(value))) [estimate, half] = [values[0], 0];
    else {
      const squares = values.reduce((sum, value) => sum + (value - estimate) ** 2, 0);
      half = this.quantiles[n][level] * Math.sqrt(squares / (n - 1) / n);
    }
    if (n < 2) half = NaN;
    const [low, high] = [estimate - half, estimate + half];
    const margin = asks === "within" || asks === "beyond" ? choices[0] : 0;
    let status = low > margin ? "supported" : high < margin ? "contradicted" : "undecided";
    if (asks === "below") status = turn(status);
    if (asks === "within") {
      status =
        -margin < low && high < margin ? "supported" : low > margin || high < -margin ? "contradicted" : "undecided";
    }
    if (n < this.least_seeds || (censored && status === "supported")) status = "undecided";
    const bound = { above: "above 0", below: "below 0", within: `within ±${margin}`, beyond: `above ${margin}` }[asks];
    return { name, estimate, low, high, level, n, bound, status, unit, censored, values };
  }

  /** The comparisons at a choice, by their intervals alone. */
  alone(option, choice) {
    return this.comparisons.map((comparison) => this.part(comparison, option, [choice]));
  }

  /** What they say: nothing, where these runs decide nothing. */
  said(parts) {
    return this.withheld ? parts.map((part) => ({ ...part, status: "undecided" })) : parts;
  }

  parts(option, choice) {
    return this.said(this.alone(option, choice));
  }

  /** The comparisons at what the rule has fixed. */
  registered(option) {
    return this.said(this.fixed(option));
  }

  fixed(option) {
    const { kind, registered } = this.choice;
    if (kind === "scale") return this.comparisons.map((comparison) => this.part(comparison, option, registered));
    return registered.flatMap((chosen) => this.alone(option, chosen));
  }

  /** Choices in words. */
  spell(...choices) {
    const { kind, options, digits, unit, all } = this.choice;
    if (kind === "scale") return `${listed(choices.map((value) => value.toFixed(digits)))} ${unit}`.trimEnd();
    const name = (chosen) => {
      const absent = options.filter((_, place) => !chosen.includes(place));
      if (!absent.length) return all;
      return absent.length === 1 ? `all without ${absent[0]}` : chosen.map((place) => options[place]).join(" + ");
    };
    return listed(choices.map(name));
  }

  /** Choices next to each other with one verdict: [status, first, last]. */
  spans(statuses) {
    const found = [];
    statuses.forEach((status, k) => {
      if (found.at(-1)?.[0] === status) found.at(-1)[2] = this.values[k];
      else found.push([status, this.values[k], this.values[k]]);
    });
    return found;
  }

  span([, first, last]) {
    if (first === last) return `at ${this.spell(first)}`;
    return `from ${first.toFixed(this.choice.digits)} to ${this.spell(last)}`;
  }

  /** Over which choices which verdict holds, and where the registered one lies. */
  sentence(option) {
    const text = this.words(option);
    if (!this.withheld) return `${text[0].toUpperCase()}${text.slice(1)}`;
    return `${this.withheld} By its intervals alone the rule would say: ${text}`;
  }

  words(option) {
    const own = allOf(this.fixed(option).map(({ status }) => status));
    const status = (choice) => allOf(this.alone(option, choice).map((part) => part.status));
    if (this.choice.kind === "sets") return this.overSets(this.values.map(status), own);
    const text = this.overScale(this.values.map(status), own, this.choice.former.map(status));
    if (this.comparisons.length === 1) return text;
    const alone = this.comparisons.map((comparison) => {
      const statuses = this.values.map((value) => this.part(comparison, option, [value]).status);
      const held = this.spans(statuses).filter(([status]) => status === "supported");
      const where = held.map((ends) => this.span(ends)).join(" and ") || "nowhere";
      return `${comparison.short} ${comparison.asked} ${where}`;
    });
    return `${text} One by one: ${alone.join("; ")}.`;
  }

  overScale(statuses, own, before) {
    const { registered, former } = this.choice;
    const spans = this.spans(statuses);
    const alone = registered.length === 1 ? registered[0] : NaN;
    const home = spans.findIndex(([status, first, last]) => status === own && first <= alone && alone <= last);
    if (home >= 0) spans.unshift(...spans.splice(home, 1));
    const here = home >= 0 ? ` (registered: ${this.spell(alone)})` : "";
    const grouped = new Map();
    spans.forEach((ends, k) => {
      grouped.set(ends[0], [...(grouped.get(ends[0]) ?? []), this.span(ends) + (k ? "" : here)]);
    });
    let text =
      spans.length === 1
        ? `${spans[0][0]} over the whole range, ${this.span(spans[0])}${here}`
        : [...grouped].map(([status, words]) => `${status} ${words.join(", and ")}`).join("; ");
    const what = registered.length > 1 ? "mean over" : "choice,";
    if (home < 0) text += `; the registered ${what} ${this.spell(...registered)}: ${own}`;
    former.forEach((value, k) => {
      text += `; ${this.spell(value)} alone, as before: ${before[k]}`;
    });
    return `${text}.`;
  }

  overSets(statuses, own) {
    const { options, least_words, noun, registered } = this.choice;
    const counts = new Map();
    for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
    const many = [...counts].sort((a, b) => b[1] - a[1]);
    const text =
      `of ${statuses.length} sets of at least ${least_words} ${noun}: ` +
      `${many.map(([status, count]) => `${count} ${status}`).join(", ")}` +
      `; as registered (${this.spell(...registered)}): ${own}.`;
    if (many.length === 1) return text;
    // The one that matters: by its presence the commonest verdict comes and goes most.
    const common = many[0][0];
    const tallies = options.map((_, place) =>
      [true, false].map((inside) => {
        const side = statuses.filter((_, k) => this.values[k].includes(place) === inside);
        return [side.filter((status) => status === common).length, side.length];
      }),
    );
    const gap = ([[a, m], [b, n]]) => Math.abs(a / m - b / Math.max(n, 1));
    const best = tallies.reduce((top, pair, k) => (gap(pair) > gap(tallies[top]) ? k : top), 0);
    const [[a, m], [b, n]] = tallies[best];
    return (
      `${text} What matters most is ${options[best]}: with it ${a} of ${m} sets are ${common}, ` +
      `without it ${b} of ${n}.`
    );
  }
}

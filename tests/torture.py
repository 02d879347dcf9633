"""Break runs at random and count what is lost: ``make torture``, or ``python tests/torture.py --help``.

Runs of all studies are stopped at random moments until they are finished, their files are damaged at random,
and commands are made up. Whatever happens, the same command must end with the numbers of an undisturbed run,
or with one message. The table of counts goes to ``tests/README.md``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from reprise.engine.proof import digest
from reprise.engine.store import Store

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- torture -->\n", "<!-- end of torture -->"

RUNS = {
    "maml": "maml filters=2 analysis_tasks=2 evaluation_tasks=2 analysis_queries=2 analysis_steps=1 "
    "inner_steps=1 meta_batch=1 iterations=240",
    "transfer": "transfer images=40 epochs=20 probe_images=20 fresh_networks=1",
    "segmentation": "segmentation transfer=both pretrain_steps=12 steps=12 curve_every=4",
    "maml, two jobs": "maml --jobs=2 filters=2 analysis_tasks=2 evaluation_tasks=2 analysis_queries=2 "
    "analysis_steps=1 inner_steps=1 meta_batch=1 iterations=240",
}
"""What is run, with one thread and synthetic data."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


@dataclasses.dataclass
class Count:
    """What happened in a kind of trial.

    Attributes:
        trials: How often something was done.
        noticed: How often that was said: a message, or an exit code that is not 0.
        different: Units whose numbers were others afterwards.
        stuck: Commands that did not end with code 0 after it.
        tracebacks: Commands that ended with one.
        litter: Temporary files left over at the end.
    """

    trials: int = 0
    noticed: int = 0
    different: int = 0
    stuck: int = 0
    tracebacks: int = 0
    litter: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing was lost."""
        return not (self.different or self.stuck or self.tracebacks or self.litter)


def start(run: str, store: Path) -> subprocess.Popen[bytes]:
    """A run in a process group of its own, as a terminal has it; what it says goes to a file."""
    study, *settings = RUNS[run].split()
    options = [word for word in settings if word.startswith("--")]
    settings = [word for word in settings if not word.startswith("--")]
    words = ["run", study, *settings, "--preset", "smoke", "--seeds", "0,1", "--no-notebook", *options]
    environment = {**os.environ, "REPRISE_STORE": str(store), "OMP_NUM_THREADS": "1"}
    store.mkdir(parents=True, exist_ok=True)
    with open(store / "said.txt", "ab") as said:
        return subprocess.Popen(
            [sys.executable, __file__, "--command", *words],
            env=environment, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip


def numbers(store: Path) -> dict[str, str]:
    """Digest of every unit of a store."""
    found = {}
    for path in sorted(store.glob("*/*.nc")):
        unit = argparse.Namespace(study=path.parent.name, id=path.stem, seed=0)
        dataset = Store(store / "none", store).load(unit)  # type: ignore[arg-type]
        found[path.stem] = digest(dataset) if dataset is not None else "damaged"
    return found


def finish(run: str, store: Path, count: Count) -> None:
    """Let the same command end, and count what is wrong then."""
    before = (store / "said.txt").stat().st_size if (store / "said.txt").exists() else 0
    status = start(run, store).wait()
    said = (store / "said.txt").read_bytes()
    count.stuck += status != 0
    count.noticed += b"set aside" in said[before:] or b" lost;" in said[before:]
    count.tracebacks += b"Traceback" in said
    count.litter += len([*store.rglob("writing-*.tmp"), *store.rglob(".writing-*")])


def interrupts(run: str, number: signal.Signals, times: int, folder: Path, chance: random.Random) -> Count:
    """Stop a run at random moments, going on each time, and compare its units with undisturbed ones."""
    count, whole = Count(), folder / "whole"
    began = time.monotonic()
    finish(run, whole, Count())
    takes, expected = time.monotonic() - began, numbers(whole)
    while count.trials < times:
        store = folder / f"{number.name}-{count.trials}"
        for _ in range(3):
            process = start(run, store)
            try:
                process.wait(chance.uniform(0.2, 1) * takes)
                break
            except subprocess.TimeoutExpired:
                if number == signal.SIGINT:
                    os.killpg(process.pid, number)
                else:
                    process.send_signal(number)
                process.wait()
                count.trials += 1
        finish(run, store, count)
        count.different += numbers(store) != expected
        shutil.rmtree(store)
    shutil.rmtree(whole)
    return count


def damage(path: Path, chance: random.Random) -> None:
    """Change a file as disks and people do: a bit, zeros, a cut, something appended, text, or deleted."""
    content = bytearray(path.read_bytes())
    at, way = chance.randrange(max(1, len(content))), chance.randrange(6)
    if way == 0 and content:
        content[at] ^= 1 << chance.randrange(8)
    elif way == 1:
        content[at : at + 64] = bytes(len(content[at : at + 64]))
    elif way == 2:
        del content[at:]
    elif way == 3:
        content += b"appended"
    elif way == 4:
        content = bytearray(b"something else")
    path.write_bytes(content)
    if way == 5:
        path.unlink()


def mutations(run: str, kind: str, times: int, folder: Path, chance: random.Random) -> Count:
    """Damage or swap a file of a finished run, let the same command end, and compare."""
    count, whole = Count(), folder / "whole"
    finish(run, whole, Count())
    expected = numbers(whole)
    for _ in range(times):
        store = folder / "damaged"
        shutil.copytree(whole, store)
        (store / "said.txt").unlink()
        units, weights = sorted(store.glob("*/*.nc")), sorted(store.glob("weights/*/*.safetensors"))
        files = {"units": units, "weights": weights, "progress": sorted(store.glob("weights/*/*.bin"))}[kind]
        path = chance.choice(files)
        if chance.random() < 0.2 and len(files) > 1:
            shutil.copy(chance.choice([other for other in files if other != path]), path)
        else:
            damage(path, chance)
        if kind != "units":  # what is trained must be looked at again
            for unit in units:
                unit.unlink()
        finish(run, store, count)
        count.trials += 1
        count.different += numbers(store) != expected
        shutil.rmtree(store)
    shutil.rmtree(whole)
    return count


WORDS = [
    "", "0", "1", "-1", "1e5000", "nan", "inf", "1e-400", "9" * 30, "9" * 5000, "18446744073709551616", "−1",
    "0..3", "3..0", "0..1e9", "[]", "[1,", "true", "None", "a=b=c", "ü", "\U0001f600", "a" * 10_000, "\n",
    "maml", "transfer", "segmentation", "control", "smoke", "laptop", "glyphs", "<script>", "../..", "/",
    "--set", "--", "'", '"', "$(id)",
]  # fmt: skip


def command(chance: random.Random) -> list[str]:
    """A command that needs no training, made of valid and hostile words."""
    from reprise.engine.study import studies, study

    name = chance.choice([*studies()] * 4 + WORDS)
    fields = list(study(name).config.model_fields) if name in studies() else ["ways"]
    value = lambda: chance.choice([*WORDS, str(chance.uniform(-2, 2)), str(chance.randrange(-2, 999))])  # noqa: E731
    settings = [f"{chance.choice([*fields, value()])}={value()}" for _ in range(chance.randrange(4))]
    preset = chance.choice(["smoke", "laptop", value()])
    words = {
        "run": [name, *settings, "--preset", preset, "--compute", chance.choice(["never", "never", value()])],
        "status": [name, "--preset", preset, *(w for s in settings for w in ("--set", s))],
        "compare": [name, *settings, "--preset", preset],
        "describe": [name],
        "verify": [value()],
        value(): settings,
    }
    verb = chance.choice(list(words))
    extra = ["--seeds", value()] if verb in ("run", "status", "compare") and chance.random() < 0.6 else []
    if verb == "run":
        extra += ["--no-notebook", "--compute", "never"]
    return [verb, *words[verb], *extra]


def commands(times: int, folder: Path, chance: random.Random) -> tuple[Count, int]:
    """Give made-up commands to the command line; counts, and the largest memory in MB."""
    count, largest = Count(), 0
    for first in range(0, times, 100):
        made = [command(chance) for _ in range(min(100, times - first))]
        places = {"REPRISE_STORE": str(folder / "runs"), "REPRISE_DATA": str(folder / "data")}
        done = subprocess.run(
            [sys.executable, __file__, "--commands"], input=json.dumps(made), env={**os.environ, **places},
            capture_output=True, text=True,
        )  # fmt: skip
        *codes, memory = json.loads(done.stdout.splitlines()[-1])
        largest = max(largest, memory)
        count.trials += len(codes)
        count.noticed += sum(code == 2 for code in codes)
        for words, code in zip(made, codes, strict=True):
            if code not in (0, 2):
                count.tracebacks += 1
                print("traceback:", [word[:80] for word in words], code, file=sys.stderr)
    return count, largest


def answer_commands() -> None:
    """In a process of its own: run commands one after the other, then say their codes and the memory."""
    import contextlib
    import io
    import warnings

    from reprise.cli import main

    codes: list[object] = []
    for words in json.load(sys.stdin):
        sys.argv = ["reprise", *words]
        try:
            out, err = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
            with out, err, warnings.catch_warnings(action="ignore"):
                main()
            codes.append(0)
        except SystemExit as end:
            codes.append(end.code or 0)
        except BaseException as error:
            codes.append(repr(error)[:300])
    print(json.dumps([*codes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))


def table(interrupted: int, mutated: int, made_up: int, seed: int) -> list[tuple[str, str, Count]]:
    """Everything, as rows: what was tried, on what, and what came of it."""
    chance, rows = random.Random(seed), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for run in RUNS:
            for number in SIGNALS if interrupted else ():
                share = -(-interrupted // (len(RUNS) * len(SIGNALS)))
                count = interrupts(run, number, share, folder, chance)
                rows.append((f"{number.name} at random moments", run, count))
        for run in ("maml", "transfer", "segmentation") if mutated else ():
            for kind in ("units", "weights", "progress"):
                count = mutations(run, kind, -(-mutated // 9), folder, chance)
                rows.append((f"{kind} damaged or swapped", run, count))
        if made_up:
            count, memory = commands(made_up, folder, chance)
            rows.append(("made-up commands", f"all, at most {memory} MB", count))
    return rows


def markdown(rows: list[tuple[str, str, Count]], about: str) -> str:
    """The table."""
    from reprise.engine.words import markdown_table

    head = ["what", "of", "trials", "noticed", "other numbers", "stuck", "tracebacks", "litter"]
    lines = [[what, of, *map(str, dataclasses.astuple(count))] for what, of, count in rows]
    total = [sum(dataclasses.astuple(count)[i] for _, _, count in rows) for i in range(6)]
    return f"{markdown_table(head, [*lines, ['all', '', *map(str, total)]])}\n\n{about}\n"


def main() -> None:
    """Break things, count, and write the table; exit code 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interrupts", type=int, default=500)
    parser.add_argument("--mutations", type=int, default=500)
    parser.add_argument("--made-up", type=int, default=2000, help="commands")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    rows = table(given.interrupts, given.mutations, given.made_up, given.seed)
    about = f"Made by `{' '.join(['python tests/torture.py', *sys.argv[1:]])}`, {time.strftime('%Y-%m-%d')}."
    text = markdown(rows, about)
    print(text)
    head, _, rest = README.read_text().partition(BEGIN)
    README.write_text(f"{head}{BEGIN}{text}{END}{rest.partition(END)[2]}")
    sys.exit(not all(count.good for _, _, count in rows))


if sys.argv[1:2] == ["--command"] or __name__ == "__mp_main__":
    from reprise.training import session

    session.SAVE_EVERY = 0.05  # in the run itself, and in its workers

if __name__ == "__main__":
    if sys.argv[1:2] == ["--command"]:
        from reprise.cli import main as reprise

        del sys.argv[1]
        reprise()
    elif sys.argv[1:2] == ["--commands"]:
        answer_commands()
    else:
        main()

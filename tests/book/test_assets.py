"""Offline scripts: named, located, and a clear error where they cannot be had."""

import subprocess

import pytest

from reprise.book import assets


def test_anywidget_gets_its_name():
    text = assets.named_anywidget()
    assert text.count('define("anywidget", ["@jupyter-widgets/base"]') == 1


def test_fonts_are_looked_for_where_they_lie(tmp_path):
    bundle = tmp_path / "embed-amd.js"
    bundle.write_text("n.p=`${s.origin}${s.pathname}`,x;require__.p=`${url.origin}${url.pathname}`")
    assert assets.located_embedding(bundle).count("window.__jupyter_widgets_assets_path__||`") == 2
    for other in ("something else", "n.p=`${s.origin}${s.pathname}`,r.p=f(`${s.origin}`)"):
        bundle.write_text(other)
        with pytest.raises(assets.AssetError, match="in an unexpected way"):
            assets.located_embedding(bundle)
    with pytest.raises(assets.AssetError, match="missing"):
        assets.located_embedding(tmp_path / "gone.js")


def test_collects_into_the_static_folder(book, tmp_path):
    files = assets.collect(book, tmp_path / "_static")
    assert all(path.is_file() for path in files)
    names = {path.relative_to(tmp_path / "_static").as_posix() for path in files}
    assert {assets.MATHJAX, *assets.WIDGET_SCRIPTS} <= names
    stamps = [path.stat().st_mtime_ns for path in files]
    assert [path.stat().st_mtime_ns for path in assets.collect(book, tmp_path / "_static")] == stamps


def test_a_changed_lock_file_installs_again(book, monkeypatch):
    calls = []

    def npm(command, **options):
        calls.append(command[1:3])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(assets.subprocess, "run", npm)
    assets.install(book)
    assert calls == []
    (book / "package-lock.json").write_text('{"changed": true}')
    assets.install(book)
    assets.install(book)
    assert calls == [["ci", "--ignore-scripts"]]


def test_tools_are_installed_for_those_who_check_scripts_and_not_for_a_book(book, monkeypatch):
    calls = []

    def npm(command, **options):
        calls.append(command[-1] if "ci" in command else command[-3:])
        return subprocess.CompletedProcess(command, 3 * ("run" in command), "", "")

    monkeypatch.setattr(assets.subprocess, "run", npm)
    assert assets.run_script(book, "lint") == 3
    assert assets.run_script(book, "format") == 3
    assets.install(book)  # the book takes what is there
    assert calls == ["--loglevel=error", ["run", "--silent", "lint"], ["run", "--silent", "format"]]
    (book / "package-lock.json").write_text('{"changed": true}')
    assets.install(book)
    assert calls[3:] == ["--omit=dev"]
    assets.install(book, tools=True)
    assert calls[4:] == ["--loglevel=error"]


def test_errors_say_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(assets.AssetError, match=r"no package-lock\.json"):
        assets.install(tmp_path)
    (tmp_path / "package-lock.json").write_text("{}")
    failed = subprocess.CompletedProcess([], 1, "", "getaddrinfo failed")
    monkeypatch.setattr(assets.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(assets.AssetError, match=r"needs the npm registry(.|\n)*getaddrinfo failed"):
        assets.install(tmp_path)


def test_npm_comes_from_the_wheel_where_the_machine_has_none(monkeypatch):
    monkeypatch.setattr(assets.shutil, "which", lambda _: None)
    node, script = assets._npm()
    version = subprocess.run([node, script, "--version"], capture_output=True, text=True, check=True).stdout
    assert int(version.split(".")[0]) >= 9
    monkeypatch.setattr(assets, "_wheel_folder", lambda: None)
    with pytest.raises(assets.AssetError, match="no npm on this machine"):
        assets._npm()

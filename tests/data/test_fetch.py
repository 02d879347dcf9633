"""Finding, checking and fetching files; what people are told when something is missing."""

import hashlib
import urllib.error

import pytest

from reprise.data import dataset_entry, datasets, fetch
from reprise.data.registry import DataFile, DatasetEntry
from reprise.places import UserError


def _entry(content=b"pixels", **changes):
    file = DataFile(
        "a.zip", "https://example.invalid/a.zip", len(content), "sha256", hashlib.sha256(content).hexdigest()
    )
    return DatasetEntry("toy", "Toy", "few-shot", "", "MIT", "", (file,), **{"stand_in": "glyphs", **changes})


def test_a_missing_file_is_named_with_its_place_and_the_stand_in(tmp_path):
    with pytest.raises(fetch.DataMissing) as caught:
        fetch.require(_entry(), tmp_path)
    message = str(caught.value)
    for word in (
        "a.zip",
        "https://example.invalid",
        str(tmp_path / "a.zip"),
        "reprise data fetch toy",
        "glyphs",
    ):
        assert word in message
    assert isinstance(caught.value, UserError) and isinstance(caught.value, FileNotFoundError)


def test_an_intact_file_is_found_in_the_root_and_in_torchvisions_folder(tmp_path):
    entry = dataset_entry("omniglot")
    file = entry.files[0]
    assert [path.parent.name for path in file.candidates(tmp_path)] == ["omniglot-py", tmp_path.name]
    (tmp_path / "a.zip").write_bytes(b"pixels")
    assert fetch.require(_entry(), tmp_path) == [tmp_path / "a.zip"]


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"pixelz")
    with pytest.raises(fetch.DataDamaged, match="not the declared"):
        fetch.require(_entry(), tmp_path)


def _serve(monkeypatch, content):
    class Response:
        def __init__(self):
            self.rest = content

        def read(self, size):
            block, self.rest = self.rest[:size], self.rest[size:]
            return block

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(fetch.urllib.request, "urlopen", lambda *_a, **_k: Response())


def test_a_download_appears_whole(tmp_path, monkeypatch):
    _serve(monkeypatch, b"pixels")
    assert fetch.require(_entry(), tmp_path / "new", download=True)[0].read_bytes() == b"pixels"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.zip"]


def test_a_broken_download_leaves_nothing(tmp_path, monkeypatch):
    _serve(monkeypatch, b"pix")
    with pytest.raises(fetch.DataDamaged):
        fetch.require(_entry(), tmp_path, download=True)
    assert not list(tmp_path.iterdir())


def test_offline_the_message_says_so(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(fetch.urllib.request, "urlopen", refuse)
    with pytest.raises(fetch.DataMissing, match="download failed.*no route"):
        fetch.require(_entry(), tmp_path, download=True)


def test_fingerprints_differ_and_follow_the_checksums():
    fingerprints = [entry.fingerprint for entry in datasets().values()]
    assert len(set(fingerprints)) == len(fingerprints)
    assert _entry(b"one").fingerprint != _entry(b"two").fingerprint


def test_every_declared_set_can_be_loaded_or_has_a_stand_in():
    for entry in datasets().values():
        assert entry.synthetic or entry.files or entry.directory
        # Nothing that is drawn can stand in for fixed tasks.
        assert entry.synthetic or entry.kind == "one-shot-task" or entry.stand_in in datasets()
        assert entry.licence

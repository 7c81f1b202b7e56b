"""The protocol number in a file's header chooses the reader."""

import json

import pytest

import oddrow
from oddrow import artifact
from oddrow.artifact import PROTOCOL, READERS
from oddrow.exceptions import ModelFileError
from testing.model_files import packed, sections


@pytest.fixture
def of_protocol(article, tmp_path):
    """The path of the same model in a file of another protocol number."""
    manifest, arrays = sections(artifact.dumps(article))

    def write(protocol):
        path = tmp_path / f"{protocol}.oddrow"
        path.write_bytes(packed(manifest, arrays, protocol=protocol))
        return path

    return write


def test_the_newest_reader_is_of_the_protocol_that_is_written():
    assert max(READERS) == PROTOCOL
    assert sorted(READERS) == list(range(1, PROTOCOL + 1))


def test_a_registered_reader_is_chosen_by_its_number(article, of_protocol, numbers, monkeypatch):
    seen = []

    def reader(content):
        seen.append((content.protocol, json.loads(content.manifest)["settings"], len(content.body) > 0))
        return READERS[1](content)

    monkeypatch.setitem(READERS, PROTOCOL + 1, reader)
    newer = of_protocol(PROTOCOL + 1)
    assert oddrow.load(newer).surprise(numbers).tobytes() == article.surprise(numbers).tobytes()
    artifact.load_model(newer)
    artifact.loads_model(newer.read_bytes())
    assert seen == [(PROTOCOL + 1, "article", True)] * 3
    oddrow.load(of_protocol(1))
    assert len(seen) == 3
    assert artifact.dumps(article)[8] == PROTOCOL  # what is written does not change


def test_a_protocol_without_a_reader_asks_for_an_upgrade(of_protocol):
    expected = rf"protocol {PROTOCOL + 1} is newer than this oddrow reads \({PROTOCOL}\); upgrade oddrow"
    with pytest.raises(ModelFileError, match=expected):
        oddrow.load(of_protocol(PROTOCOL + 1))


def test_an_error_of_a_reader_names_the_file(of_protocol, monkeypatch):
    def reader(content):
        raise ModelFileError("no such part")

    monkeypatch.setitem(READERS, 2, reader)
    path = of_protocol(2)
    with pytest.raises(ModelFileError, match=rf"^{path}: no such part$"):
        oddrow.load(path)

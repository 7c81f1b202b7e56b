"""A file of one kind is read as that kind alone, after its sizes and hashes agree."""

import pytest

from oddrow.container import Content, FileKind, pack_file, read_bytes, read_file
from oddrow.exceptions import CheckpointError, ModelFileError

NOTE = FileKind(b"ODDNOTES", "note", body="pages", error=CheckpointError, way_out="write one", max_body=100)
CONTENT = Content(2, b'{"a": 1}', b"body")
BYTES = b"".join(pack_file(NOTE, CONTENT))


def test_packed_content_is_read_from_bytes_and_from_a_file(tmp_path):
    (tmp_path / "note").write_bytes(BYTES)
    assert read_bytes(BYTES, NOTE, newest=2) == read_file(tmp_path / "note", NOTE, newest=3) == CONTENT


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an oddrow note; write one"),
        (b"ODDROW\r\n" + BYTES[8:], "not an oddrow note; write one"),
        (BYTES[:-1], "the note is truncated or damaged"),
        (BYTES[:40], "the note is truncated: 40 bytes"),
        (BYTES[:-1] + b"!", "the note is damaged: its pages do not have the recorded hash"),
        (b"".join(pack_file(NOTE, Content(3, b"", b""))), r"note protocol 3 is newer than this oddrow reads \(2\)"),
        (b"".join(pack_file(NOTE, Content(0, b"", b""))), "protocol 0 never existed"),
        (b"".join(pack_file(NOTE, Content(1, b"", bytes(101)))), "the pages take 101 bytes; a note holds at most 100"),
    ],
)
def test_any_other_file_is_refused_with_the_error_of_the_kind(tmp_path, content, said):
    with pytest.raises(CheckpointError, match=said):
        read_bytes(content, NOTE, newest=2)
    (tmp_path / "note").write_bytes(content)
    with pytest.raises(CheckpointError, match=said):
        read_file(tmp_path / "note", NOTE, newest=2)


def test_a_folder_and_a_missing_file_cannot_be_read(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ModelFileError, match="cannot be read as a note"):
            read_file(path, NOTE, newest=2)

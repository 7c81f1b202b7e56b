"""Any text file at all: the rows that stand beside a row, before it or behind it, change nothing about it."""

import io

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings

from oddrow import VAEDetector
from oddrow.exceptions import DataError, OddrowError
from oddrow.table import open_stream, read_table
from strategies import text_files
from untrained import no_training

unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))


def surprise(detector, content):
    """The bits of each row's surprise, or the error, of the file read whole and as a stream."""
    found = []
    for read in (read_whole, read_stream):
        try:
            found.append([row.tobytes() for row in detector.surprise(read(content, detector))])
        except DataError as error:
            found.append(type(error).__name__)
    assert found[0] == found[1], f"read whole {found[0]}, as a stream {found[1]}"
    return found[0]


def read_whole(content, _):
    return read_table(io.BytesIO(content), as_written=True)


def read_stream(content, detector):
    stream = open_stream(io.BytesIO(content), expects=detector.model_.encoding.names)
    return pa.Table.from_batches(stream, stream.schema)


@settings(unhurried, max_examples=300)
@given(text_files())
def test_the_rows_of_a_text_file_are_scored_alike_alone_and_beside_any_others(drawn):
    with no_training():
        check_alone_and_beside(drawn)


def check_alone_and_beside(drawn):
    detector = VAEDetector(random_state=0)
    try:
        detector.fit(read_table(io.BytesIO(drawn.content(drawn.rows)), as_written=True))
    except OddrowError:
        return
    rng = np.random.default_rng(drawn.seed)
    some = [drawn.rows[place] for place in rng.integers(0, len(drawn.rows), 4)]
    alone = {row: surprise(detector, drawn.content([row])) for row in {*some, *drawn.later}}
    assert not any(isinstance(alone[row], str) for row in some), "a training row is refused"
    fitting = [row for row, found in alone.items() if not isinstance(found, str)]
    for _ in range(3):
        rows = [fitting[place] for place in rng.integers(0, len(fitting), rng.integers(1, 12))]
        assert surprise(detector, drawn.content(rows)) == [alone[row][0] for row in rows]
    whole = surprise(detector, drawn.content([*drawn.rows, *fitting]))
    assert whole[len(drawn.rows) :] == [alone[row][0] for row in fitting]
    assert surprise(detector, drawn.content(drawn.rows)) == whole[: len(drawn.rows)]

"""An invalid parameter is named before anything is fitted."""

import numpy as np
import pyarrow as pa
import pytest

from oddrow import VAEDetector
from oddrow.exceptions import SchemaMismatchError, SettingError
from oddrow.views import VIEWS


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kl_weight": "a"}, "kl_weight is 'a'; give a finite number >= 0"),
        ({"view_weights": "nearest"}, "view_weights is 'nearest'; give a mapping"),
        ({"view_weights": {"far": 1}}, "view_weights has 'far', which is not a view; choose from likelihood, marginal"),
        ({"view_weights": {"nearest": -1}}, "view_weights has 'nearest' at -1; give a finite number >= 0"),
        ({"view_weights": {"nearest": True}}, "view_weights has 'nearest' at True"),
        ({"view_weights": dict.fromkeys(VIEWS, 0)}, "view_weights sets every weight to 0"),
        ({"view_weights": {"nearest": 2}, "settings": "article"}, 'settings="article" has no views'),
        ({"settings": ["default"]}, "settings is .*; choose from 'default', 'narrow', 'article'"),
        ({"columns": "a"}, "columns is 'a'; give a mapping"),
        ({"encoding": 3}, "encoding is 3; give a TableEncoding"),
        ({"time_limit": "a"}, "time_limit is 'a'; give seconds > 0"),
        ({"checkpoint": 3}, "checkpoint is 3; give the path of a folder"),
        ({"time_limit": 0}, "time_limit is 0; give seconds > 0"),
        ({"time_limit": float("nan")}, "time_limit is nan; give seconds > 0"),
        ({"max_steps": 0}, "max_steps is 0; give a whole number >= 1"),
        ({"max_steps": 1.5}, "max_steps is 1.5; give a whole number >= 1"),
        ({"resume": True}, "resume needs a checkpoint"),
        ({"checkpoint": "folder", "random_state": None}, "a checkpoint needs a random_state"),
        ({"policy": 3}, "policy is 3; give one of FalseAlarmRate"),
        ({"calibration": "none"}, "calibration is 'none'; choose from 'auto', 'split', 'cross', 'blocks'"),
        ({"columns": {"z": "number"}}, "column 'z' is named as 'number' but is not in the table, which has 'x0', 'x1'"),
        ({"columns": {"x1": "figure"}}, "column 'x1'.*figure"),
    ],
)
def test_an_invalid_parameter_raises_a_setting_error_before_the_table_is_read(given, said):
    detector = VAEDetector(**{"random_state": 0, **given})
    rows = np.arange(40.0).reshape(20, 2)
    with pytest.raises(SettingError, match=said):
        detector.fit(rows)
    read = []
    batches = (read.append(number) or rows for number in range(3))
    with pytest.raises(SettingError, match=said):
        detector.fit_batches(batches)
    assert read == ([0] if "columns" in given and isinstance(given["columns"], dict) else [])


def test_columns_other_than_those_to_start_from_are_refused_at_the_first_batch(untrained):
    first = VAEDetector(random_state=0).fit(pa.table({"x": np.arange(20.0), "y": np.arange(20.0)}))
    read = []
    other = pa.table({"x": np.arange(20.0), "w": np.arange(20.0)})
    with pytest.raises(SchemaMismatchError, match="has no column 'y'"):
        VAEDetector(random_state=0).fit_batches((read.append(number) or other for number in range(3)), start_from=first)
    assert read == [0]

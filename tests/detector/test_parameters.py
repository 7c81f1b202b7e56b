"""A parameter that has no meaning is named before anything is fitted."""

import numpy as np
import pytest

from oddrow import VAEDetector
from oddrow.exceptions import SettingError
from oddrow.scoring import VIEWS


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kl_weight": "a"}, "kl_weight is 'a'; give a finite number >= 0"),
        ({"view_weights": "nearest"}, "view_weights is 'nearest'; give a mapping"),
        ({"view_weights": {"far": 1}}, "view_weights has 'far', which is no view; choose from likelihood, marginal"),
        ({"view_weights": {"nearest": -1}}, "view_weights has 'nearest' at -1; give a finite number >= 0"),
        ({"view_weights": {"nearest": True}}, "view_weights has 'nearest' at True"),
        ({"view_weights": dict.fromkeys(VIEWS, 0)}, "view_weights leaves no view"),
        ({"view_weights": {"nearest": 2}, "settings": "article"}, 'settings="article" has none'),
        ({"settings": ["default"]}, "settings is .*; choose from 'default', 'narrow', 'article'"),
        ({"columns": "a"}, "columns is 'a'; give a mapping"),
        ({"encoding": 3}, "encoding is 3; give a TableEncoding"),
        ({"time_limit": "a"}, "time_limit is 'a'; give seconds > 0"),
    ],
)
def test_a_parameter_of_the_wrong_type_is_an_error_of_ours(given, said):
    with pytest.raises(SettingError, match=said):
        VAEDetector(random_state=0, **given).fit(np.arange(40.0).reshape(20, 2))

"""The named choices of encoding, network and hold-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from oddrow.exceptions import SettingError
from oddrow.table import EncodingStyle


@dataclass(frozen=True)
class DetectorSettings:
    """One named choice of encoding, network and hold-out.

    ``stopping_share`` of the training table is watched for early stopping and sets the scale of the views,
    ``calibration_share`` calibrates the surprise; neither trains. Both zero: the training rows calibrate, as in the
    article.
    """

    style: EncodingStyle
    hidden: tuple[int, ...]
    n_latent: int
    stopping_share: float
    calibration_share: float


SETTINGS: Mapping[str, DetectorSettings] = {
    "default": DetectorSettings("standard", (256, 256), 32, stopping_share=0.1, calibration_share=0.2),
    "narrow": DetectorSettings("standard", (64, 64), 8, stopping_share=0.1, calibration_share=0.2),
    "article": DetectorSettings("article", (60,), 40, stopping_share=0.0, calibration_share=0.0),
}


def checked_settings(name: str) -> DetectorSettings:
    """The settings of this name.

    Raises
    ------
    SettingError
        If there are none.
    """
    if not isinstance(name, str) or name not in SETTINGS:
        raise SettingError(f"settings is {name!r}; choose from {', '.join(map(repr, SETTINGS))}")
    return SETTINGS[name]


def checked_calibration(name: str) -> Literal["split", "cross"]:
    """The calibration of this name.

    Raises
    ------
    SettingError
        If there is none.
    """
    if name == "split":
        return "split"
    if name == "cross":
        return "cross"
    raise SettingError(f"calibration is {name!r}; choose from 'split', 'cross'")

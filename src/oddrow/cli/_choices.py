"""The choices that several commands offer: detectors, settings, ways to calibrate, ways to clean."""

from __future__ import annotations

from enum import StrEnum


class DetectorName(StrEnum):
    """The detectors by their short names."""

    VAE = "vae"
    AUTOENCODER = "autoencoder"


class CalibrationName(StrEnum):
    """The ways to calibrate."""

    SPLIT = "split"
    CROSS = "cross"
    BLOCKS = "blocks"


class CleanName(StrEnum):
    """How far the training rows are trusted."""

    ASSUME = "assume"
    ROBUST = "robust"


class SettingsName(StrEnum):
    """The named settings."""

    DEFAULT = "default"
    NARROW = "narrow"
    ARTICLE = "article"

"""On which device a fit runs."""

from __future__ import annotations

from typing import Any

import jax

from oddrow.exceptions import SettingError


def device_of(name: str) -> Any:
    """The JAX device of a name: a platform, as "cpu" or "gpu"; or "auto", an accelerator where there is one.

    Raises
    ------
    SettingError
        If JAX has no such device here.
    """
    config: Any = jax.config
    chosen = config.jax_default_device  # of the host program, if it has one
    if name == "auto" and isinstance(chosen, jax.Device):
        return chosen
    try:
        return jax.devices(None if name == "auto" else name)[0]
    except RuntimeError as error:
        found = ", ".join(sorted({device.platform for device in jax.devices()}))
        raise SettingError(
            f"device is {name!r}, and JAX finds none here (it finds: {found}); give 'auto' or 'cpu', or install JAX "
            f"for it (https://docs.jax.dev/en/latest/installation.html)"
        ) from error


def device_name(device: Any) -> str:
    """What the device is called: its platform, and its kind where that says more."""
    return device.platform if device.device_kind == device.platform else f"{device.platform} ({device.device_kind})"

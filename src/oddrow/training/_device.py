"""The choice of the device that a fit runs on."""

from __future__ import annotations

from typing import Any

import jax

from oddrow.exceptions import SettingError


def device_of(name: str) -> Any:
    """Return the JAX device of a name: a platform such as "cpu" or "gpu", or "auto" for an accelerator if there is one.

    Raises
    ------
    SettingError
        If JAX finds no such device on this machine.
    """
    config: Any = jax.config
    chosen = config.jax_default_device  # set where the host program has chosen a device
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
    """Return the device's platform, followed by its kind where the kind differs from the platform."""
    return device.platform if device.device_kind == device.platform else f"{device.platform} ({device.device_kind})"

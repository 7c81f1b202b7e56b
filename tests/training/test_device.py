"""Where a fit runs: what is there is used and told, what is not is refused."""

import jax
import pytest

from oddrow.exceptions import SettingError
from oddrow.training._device import device_name, device_of


def test_the_cpu_is_always_found():
    assert device_of("cpu").platform == "cpu"
    assert device_name(device_of("cpu")) == "cpu"


def test_auto_is_the_default_device_of_the_host_program_or_of_jax():
    assert device_of("auto") == jax.devices()[0]
    cpu = jax.devices("cpu")[-1]
    with jax.default_device(cpu):
        assert device_of("auto") == cpu


def test_an_accelerator_is_named_by_its_platform_and_kind():
    class Accelerator:
        platform, device_kind = "gpu", "NVIDIA H100"

    assert device_name(Accelerator()) == "gpu (NVIDIA H100)"


def test_a_device_that_jax_does_not_find_is_refused_with_a_remedy():
    with pytest.raises(SettingError, match=r"device is 'abacus', and JAX finds none here .*; give 'auto' or 'cpu'"):
        device_of("abacus")

import errno

import pytest

from agent.errors import NoPermission, PortBusy, PortFailed, PortGone
from agent.links.failures import owning_group, port_error


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EACCES, NoPermission),
        (errno.EPERM, NoPermission),
        (errno.EBUSY, PortBusy),
        (errno.EAGAIN, PortBusy),
        (errno.ENOENT, PortGone),
        (errno.ENODEV, PortGone),
        (errno.ENXIO, PortGone),
        (errno.EIO, PortGone),
        (errno.ENOTTY, PortFailed),
        (errno.EMFILE, PortFailed),
    ],
)
def test_each_error_number_has_its_meaning(number, expected):
    error = port_error(OSError(number, "text of the system"), "/dev/ttyACM0")
    assert type(error) is expected
    assert error.facts["port"] == "/dev/ttyACM0"
    assert "?" not in error.report().title


class _WindowsError(OSError):
    """An ``OSError`` as Windows makes it; the attribute exists only there."""

    def __init__(self, winerror: int) -> None:
        super().__init__(errno.EACCES if winerror == 5 else errno.EINVAL, "text")
        self.winerror = winerror


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (5, PortBusy),
        (32, PortBusy),
        (2, PortGone),
        (31, PortGone),
        (995, PortGone),
        (87, PortFailed),
    ],
)
def test_windows_codes_come_before_the_error_number_made_of_them(code, expected):
    assert type(port_error(_WindowsError(code), "COM3")) is expected


def test_an_unknown_holder_is_another_program():
    error = port_error(OSError(errno.EBUSY, "busy"), "COM3")
    assert error.facts["holder"] == "another program"


def test_text_of_the_system_is_cleaned():
    error = port_error(OSError(errno.EINVAL, "bad\x1b[31m\ntext"), "x")
    assert "\x1b" not in error.report().title


def test_the_group_of_a_missing_device_is_not_guessed(tmp_path):
    assert owning_group(str(tmp_path / "none")) == ""

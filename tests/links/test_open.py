import subprocess
import sys

import pytest

from agent.errors import InputError
from agent.links import open_link


async def test_a_path_is_opened_as_a_serial_port(far_end):
    link = await open_link(far_end.path, 9600)
    await link.write(b"hi")
    assert await far_end.read(2) == b"hi"
    await link.close()


async def test_an_unknown_scheme_is_refused():
    with pytest.raises(InputError):
        await open_link("ws://127.0.0.1:1", 9600)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "/dev/ttyACM0"])
async def test_the_rate_that_restarts_boards_is_refused_for_every_kind_of_port(address):
    with pytest.raises(InputError) as caught:
        await open_link(address, 1200)
    assert caught.value.facts["field"] == "baud"


def test_importing_the_links_loads_no_serial_library():
    code = "import agent.links, sys; sys.exit('serialx' in sys.modules or 'serial' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

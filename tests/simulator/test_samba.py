"""The simulated SAM-BA loaders, byte by byte, as the sources of the real ones read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.simulator.samba import End, LoaderFaults, SamdLoader, UnoR4Loader
from agent.simulator.samba_chip import SAMD51P19A

ERASED = 0xFF


def test_a_samd_loader_says_who_it_is():
    loader = SamdLoader()
    assert loader.receive(b"N#") == b"\n\r"
    assert loader.receive(b"V#").startswith(b"v2.0 [Arduino:XYZ] ")
    assert loader.receive(b"wE000ED00,4#") == (0x410CC601).to_bytes(4, "little")
    assert loader.receive(b"w41002018,4#") == (0x10010305).to_bytes(4, "little")
    assert b"[" not in SamdLoader(extended=False).receive(b"V#")


def test_in_terminal_mode_the_first_goodbye_to_it_is_not_answered():
    loader = SamdLoader(terminal=True)
    assert loader.receive(b"w41002018,4#") == b"\n\r0x10010305\n\r>"
    assert loader.receive(b"N#") == b"\n\r"  # the echo of the end of a line, no more
    assert loader.receive(b"N#") == b"\n\r"
    assert loader.receive(b"o20000000,4#") == b"\x00"


def test_flash_is_written_from_ram_and_bits_only_go_down():
    loader = SamdLoader()
    assert loader.receive(b"S20004000,8#") == b""
    assert loader.receive(b"\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08") == b""
    assert loader.receive(b"Y20004000,0#Y00002000,8#") == b"Y\n\rY\n\r"
    assert loader.memory.flash[0x2000:0x2008] == bytes(range(15, 7, -1))
    loader.receive(b"S20004000,8#" + bytes([0xF0] * 8))
    loader.receive(b"Y20004000,0#Y00002000,8#")
    assert loader.memory.flash[0x2000:0x2008] == bytes(8)
    assert loader.receive(b"X00002000#") == b"X\n\r"
    assert set(loader.memory.flash[0x2000:]) == {ERASED}


def test_the_loader_itself_cannot_be_overwritten():
    loader = SamdLoader()
    before = bytes(loader.memory.flash[:0x2000])
    loader.receive(b"X00000000#S20004000,4#\0\0\0\0Y20004000,0#Y00000000,4#")
    assert loader.memory.flash[:0x2000] == before


def test_a_check_value_is_that_of_the_flash():
    loader = SamdLoader()
    loader.memory.flash[0x2000:0x2009] = b"123456789"
    assert loader.receive(b"Z00002000,9#") == b"Z000031C3#\n\r"


def test_a_read_of_a_whole_packet_never_ends():
    loader = SamdLoader()
    assert len(loader.receive(b"R00002000,3F#")) == 63
    assert loader.receive(b"R00002000,40#") == b""


def test_without_extensions_the_flash_controller_writes_pages_and_erases_rows():
    loader = SamdLoader(extended=False)
    assert loader.receive(b"X00002000#Y0,0#Z0,4#") == b""
    loader.receive(b"W41004000,A544#W00002040,11223344#W41004000,A504#")
    assert loader.memory.flash[0x2040:0x2044] == b"\x44\x33\x22\x11"
    assert loader.receive(b"w41004014,4#") == b"\x01\0\0\0"
    loader.receive(b"W4100401C,00001000#W41004000,A502#")
    assert set(loader.memory.flash[0x2000:0x2100]) == {ERASED}


def test_the_word_copy_applet_is_run_by_its_effect():
    loader = SamdLoader(extended=False)
    loader.receive(b"S20004034,4#\x01\x02\x03\x04")
    loader.receive(b"W2000402C,20004034#W20004028,00002000#W20004030,00000001#G20004020#")
    loader.receive(b"W41004000,A504#")
    assert loader.memory.flash[0x2000:0x2004] == b"\x01\x02\x03\x04"


def test_the_word_of_a_reset_ends_it():
    loader = SamdLoader()
    loader.receive(b"WE000ED0C,05FA0004#N#")
    assert loader.ended is End.RESET
    assert loader.commands["N"] == 0


def test_the_loader_of_the_uno_r4_reads_no_memory_and_erases_when_it_writes():
    loader = UnoR4Loader()
    assert loader.receive(b"V#").endswith(b"[Arduino:IKXYZ]\n\r")
    assert loader.receive(b"I#") == b"nRF52840-QIAA\n\r"
    assert loader.receive(b"w00000000,4#R00000000,4#W0,0#o0,4#") == b""
    loader.memory.flash[0x4000:0x5000] = bytes(4096)
    assert loader.receive(b"X00000000#") == b"X\n\r"
    assert loader.memory.flash[0x4000] == 0
    loader.receive(b"S00000000,00000004#")
    loader.receive(b"\x01\x02\x03\x04")
    assert loader.receive(b"Y00000000,0#") == b"Y\n\r"
    assert loader.receive(b"Y00000000,00000004#") == b"Y\n\r"
    assert loader.memory.flash[0x4000:0x4005] == b"\x01\x02\x03\x04\xff"
    assert loader.receive(b"Z00000000,00000004#") == b"Z00000D03#\n\r"
    loader.receive(b"K#")
    assert loader.ended is End.RESET


def test_a_line_that_is_too_long_stops_the_loader_of_the_uno_r4_until_a_reset():
    loader = UnoR4Loader()
    loader.receive(b"x" * 64)
    assert loader.receive(b"#N#") == b""


def test_a_samd51_erases_whole_blocks():
    loader = SamdLoader(SAMD51P19A)
    loader.memory.flash[0x4000:0x8000] = bytes(0x4000)
    loader.receive(b"X00007000#")
    assert loader.memory.flash[0x5FFF] == 0
    assert loader.memory.flash[0x6000] == ERASED


def test_a_cable_pulled_while_erasing_leaves_half_of_it():
    loader = SamdLoader(faults=LoaderFaults(vanish_on="X"))
    loader.memory.flash[0x2000:] = bytes(len(loader.memory.flash) - 0x2000)
    assert loader.receive(b"X00002000#") == b""
    assert loader.ended is End.UNPLUGGED
    assert loader.memory.flash[0x2000] == ERASED
    assert loader.memory.flash[-1] == 0


def test_a_byte_that_flips_in_writing_is_wrong_in_the_flash():
    loader = SamdLoader()
    loader.memory.flips[0x2001] = 1
    for expected in (b"\x01\x02\x03\x04", b"\x01\x03\x03\x04"):
        loader.receive(b"X2000#S20004000,4#\x01\x03\x03\x04Y20004000,0#Y2000,4#")
        assert bytes(loader.memory.flash[0x2000:0x2004]) == expected


def test_silence_noise_and_the_number_of_commands():
    loader = SamdLoader(faults=LoaderFaults(silent=True))
    assert loader.receive(b"N#V#") == b""
    loader.faults = LoaderFaults(noise=b"??", silent_on="V")
    assert loader.receive(b"N#V#") == b"??\n\r"
    assert loader.commands == {"N": 2, "V": 2}
    loader.faults = LoaderFaults(vanish_at=6)
    assert loader.receive(b"N#V#N#") == b"\n\r"
    assert loader.ended is End.UNPLUGGED


@pytest.mark.parametrize("make", [SamdLoader, UnoR4Loader])
@given(
    pieces=st.lists(
        st.binary(max_size=100) | st.from_regex(rb"[NVTwWoOhRSGXYZIK][0-9A-F]{0,8},?[0-9A-F]{0,8}#")
    )
)
def test_nothing_that_a_host_sends_breaks_a_loader(make, pieces):
    loader = make()
    before = bytes(loader.memory.flash[: loader.memory.chip.loader_bytes])
    for piece in pieces:
        loader.receive(piece)
    assert loader.memory.flash[: loader.memory.chip.loader_bytes] == before

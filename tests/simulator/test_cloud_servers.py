"""A cloud's clock and certificates."""

from __future__ import annotations

from agent.simulator.cloud_servers import CloudServers


async def test_its_clock_can_be_moved():
    async with CloudServers(lambda: 100.0, tls=False) as cloud:
        cloud.clock_ahead_s = 5.0
        assert cloud.now() == 105.0


async def test_without_tls_there_is_no_authority():
    async with CloudServers(lambda: 0.0, tls=False) as cloud:
        assert (cloud.certificates, cloud.ca) == (None, "")


async def test_the_files_of_its_certificates_are_gone_at_its_end():
    async with CloudServers(lambda: 1e9, tls=True) as cloud:
        assert cloud.certificates is not None
        assert cloud.ca.startswith("-----BEGIN CERTIFICATE")
        file = cloud.certificates.file()
        assert file.exists()
    assert not file.exists()

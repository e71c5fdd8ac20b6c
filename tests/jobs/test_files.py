"""Files with secrets are kept for a while, within bounds, and then forgotten."""

from __future__ import annotations

import asyncio

from agent.jobs.files import FILES_MAX, Files
from agent.settings import Secret

NAME = "arduino_secrets.h"


async def test_a_file_is_kept_by_job_and_name():
    files = Files()
    files.put("1", NAME, Secret("one"))
    files.put("2", NAME, Secret("two"))
    assert files.get("2", NAME) == Secret("two")
    assert files.get("2", "other") is None
    files.put("2", NAME, Secret("three"))
    assert files.get("2", NAME) == Secret("three")
    files.forget("2")
    assert files.get("2", NAME) is None
    files.forget()
    assert files.get("1", NAME) is None


async def test_a_file_is_forgotten_when_its_time_is_over():
    files = Files(keep_s=0.01)
    files.put("1", NAME, Secret("one"))
    while files.get("1", NAME):
        await asyncio.sleep(0.001)


async def test_the_oldest_file_makes_room():
    files = Files()
    for number in range(FILES_MAX + 1):
        files.put(str(number), NAME, Secret("x"))
    assert files.get("0", NAME) is None
    assert files.get("1", NAME)
    assert files.get(str(FILES_MAX), NAME)
    files.forget()

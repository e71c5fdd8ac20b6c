import asyncio

import pytest

from agent.boards.inotify import FolderListener


@pytest.mark.system("linux")
@pytest.mark.parametrize("what", ["write", "rename", "remove"])
async def test_a_change_of_a_file_wakes_the_watcher(tmp_path, what):
    (tmp_path / "old.json").touch()
    (tmp_path / "new.tmp").touch()
    woken = asyncio.Event()
    listener = FolderListener(tmp_path)
    listener.start(woken.set)
    if what == "write":
        (tmp_path / "new.json").write_text("{}")
    elif what == "rename":
        (tmp_path / "new.tmp").rename(tmp_path / "new.json")
    else:
        (tmp_path / "old.json").unlink()
    await woken.wait()
    listener.close()
    listener.close()


async def test_a_missing_folder_cannot_be_listened_to(tmp_path):
    listener = FolderListener(tmp_path / "none")
    with pytest.raises(OSError):
        listener.start(lambda: None)
    listener.close()

"""The small programs that are run on a board with MicroPython or CircuitPython, and their answers.

Each is printable ASCII and small enough for boards with little memory. What it says are lines that
begin with ``~``; other lines are of the board's own program and are skipped. A put is: room
to write, a new file beside the old, its digest, and then two renames that happen on the board, so
that no cable is needed between them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK_BYTES: Final = 256
"""Of a file in one program: four times as many characters at most, which small boards take."""
READ_BYTES: Final = 64
"""Of a file in one line of an answer."""

READ_ONLY, NOT_THERE, NO_ROOM = 30, 2, 28
"""EROFS, ENOENT and ENOSPC, the same on all ports."""

_HOSTED: Final = "('linux','darwin','win32','windows')"
"""Ports that run on a computer: their files are where they were started."""


@dataclass(frozen=True, slots=True)
class Files:
    """Names of the three files of one board."""

    folder: str
    """With its ``/`` at the end; empty where the current one counts."""
    stem: str
    suffix: str

    @property
    def current(self) -> str:
        """What the board's program reads."""
        return f"{self.folder}{self.stem}.{self.suffix}"

    @property
    def new(self) -> str:
        """Being written; means nothing yet."""
        return f"{self.folder}{self.stem}.new"

    @property
    def old(self) -> str:
        """The one before, while the new one takes its place; counts if there is no current one."""
        return f"{self.folder}{self.stem}.old"


PRELUDE: Final = b"""\
import sys
try:
 import os
except ImportError:
 import uos as os
def _h(b):return ''.join('%02x'%x for x in b)
def _s(k,v):print('~'+k,v)
def _x(n):
 try:
  os.stat(n)
  return True
 except OSError:return False
"""
"""Once after each start; the others use its names."""

IDENTIFY: Final = f"""\
_i=sys.implementation
_s('name',_i.name)
_s('version','.'.join([str(x) for x in _i.version[:3]]))
_m=getattr(_i,'_machine','')
if not _m and hasattr(os,'uname'):_m=os.uname().machine
_s('machine',_m)
_s('platform',sys.platform)
_u=b''
try:
 if _i.name=='circuitpython':
  import microcontroller
  _u=microcontroller.cpu.uid
 else:
  import machine
  _u=machine.unique_id()
except (ImportError,AttributeError):pass
_s('id',_h(_u))
_f='/'
if sys.platform in {_HOSTED}:_f=''
elif 'flash' in os.listdir('/'):_f='/flash/'
_s('folder',_f)
""".encode()


def holds(files: Files, *, toml: bool) -> bytes:
    """Says the name of the device whose settings the board has, as its program would read it."""
    if toml:
        return b"_s('holds',_h((os.getenv('MOORING_TB_NAME') or '').encode()))"
    return f"""\
try:
 import json
except ImportError:
 import ujson as json
_n=''
for _p in ({files.current!r},{files.old!r}):
 try:
  with open(_p) as f:_n=json.load(f)['tb_name']
  break
 except (OSError,ValueError,KeyError,TypeError):pass
_s('holds',_h(str(_n).encode()))
""".encode()


def make_room(files: Files) -> bytes:
    """Says 0 if files can be written, else the error number; ends what was interrupted before.

    CircuitPython lets its programs write only while no computer uses its drive.
    """
    return f"""\
_l=False
def _w():
 try:
  open({files.new!r},'wb').close()
  return 0
 except OSError as e:return e.args[0]
_r=_w()
if _r=={READ_ONLY}:
 try:
  import storage
  storage.remount('/',False)
  _l=True
  _r=_w()
 except (ImportError,RuntimeError):pass
if not _r:
 os.remove({files.new!r})
 if _x({files.old!r}):
  if _x({files.current!r}):os.remove({files.old!r})
  else:os.rename({files.old!r},{files.current!r})
_s('write',_r)
try:
 _v=os.statvfs({files.folder or "."!r})
 _s('room',_v[0]*_v[3])
except (OSError,AttributeError):pass
""".encode()


def read(name: str, limit: int) -> bytes:
    """Says the content of a file (lines of hex digits), or why it cannot be read."""
    return f"""\
try:
 with open({name!r},'rb') as f:
  _n=0
  while _n<{limit}:
   b=f.read({READ_BYTES})
   if not b:break
   _n+=len(b)
   _s('',_h(b))
 _s('end',_n)
except OSError as e:_s('error',e.args[0])
""".encode()


def write(files: Files, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Programs that write the new file, each with the bytes that are written after it."""
    yield 0, f"_f=open({files.new!r},'wb')".encode()
    for place in range(0, len(data), CHUNK_BYTES):
        chunk = data[place : place + CHUNK_BYTES]
        yield place + len(chunk), f"_=_f.write({chunk!r})".encode()
    yield len(data), b"_f.close()\nif hasattr(os,'sync'):os.sync()"


def digest(name: str) -> bytes:
    """Says a digest of a file that is read again; without a known kind, nothing."""
    return f"""\
_d=None
try:
 import hashlib
 if hasattr(hashlib,'sha256'):_d=hashlib.sha256()
 else:_d=hashlib.new('sha256')
except (ImportError,ValueError,AttributeError):pass
if _d:
 with open({name!r},'rb') as f:
  while True:
   b=f.read({CHUNK_BYTES})
   if not b:break
   _d.update(b)
 _s('sha256',_h(_d.digest()))
""".encode()


def commit(files: Files) -> bytes:
    """Puts the new file in the old one's place; at each moment one of them is there, whole."""
    return f"""\
if _x({files.current!r}):os.rename({files.current!r},{files.old!r})
os.rename({files.new!r},{files.current!r})
if hasattr(os,'sync'):os.sync()
if _x({files.old!r}):os.remove({files.old!r})
_s('done',1)
""".encode()


def remove(files: Files) -> bytes:
    """Removes the file and what may be left of others."""
    return f"""\
for _p in ({files.new!r},{files.old!r},{files.current!r}):
 if _x(_p):os.remove(_p)
if hasattr(os,'sync'):os.sync()
_s('done',1)
""".encode()


def drop_new(files: Files) -> bytes:
    """Takes a new file away that shall not count."""
    return f"""\
try:_f.close()
except (NameError,OSError):pass
if _x({files.new!r}):os.remove({files.new!r})
""".encode()


LOCK: Final = b"if _l:\n import storage\n storage.remount('/',True)"
"""Takes back what :func:`make_room` allowed."""


def said(output: bytes) -> dict[str, str]:
    """What a program said, by its words; the last of each."""
    found = re.findall(rb"^~([a-z0-9]+) ?([^\r\n]*)", output, re.MULTILINE)
    return {word.decode(): value.decode(errors="replace") for word, value in found}


def content(output: bytes) -> bytes:
    """What :func:`read` said of a file; ValueError if some of it was lost on the way."""
    data = b"".join(
        bytes.fromhex(digits.decode())
        for digits in re.findall(rb"^~ ((?:[0-9a-f]{2})*)\r?$", output, re.MULTILINE)
    )
    if said(output).get("end") != str(len(data)):
        msg = "the file did not arrive whole"
        raise ValueError(msg)
    return data


def error_number(error: bytes) -> int | None:
    """The number of an OSError in a traceback; None: it is another error, or none."""
    found = re.search(rb"OSError: (?:\[Errno )?(\d+)", error)
    return int(found[1]) if found else None


def last_line(error: bytes) -> bytes:
    """The line of a traceback that says what went wrong."""
    lines = [line for line in error.splitlines() if line.strip()]
    return lines[-1].strip() if lines else b""


def sha256(data: bytes) -> str:
    """As :func:`digest` says it."""
    return hashlib.sha256(data).hexdigest()

"""The interpreter of simulated boards: what programs can do, and what they cannot."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.simulator.tiny_python import Hangs, Thing, Thrown, TinyPython


def run(code: str, **names: object) -> str:
    said: list[str] = []
    modules = {"os": Thing({"name": "tiny", "sep": Thing({"deep": 7})})}
    TinyPython(modules, names, said.append).run(code)
    return "".join(said).replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('a', 1, b'x', (1, None))", "a 1 b'x' (1, None)\n"),
        ("import os\nprint(os.name, os.sep.deep)", "tiny 7\n"),
        ("def f(a, b):\n return a + b\nprint(f(1, 2), f('x', 'y'))", "3 xy\n"),
        ("n=0\nwhile True:\n n+=1\n if n==3:break\nprint(n)", "3\n"),
        ("for x in (1, 2, 3):\n if x==2:\n  pass\n else:print(x)", "1\n3\n"),
        ("print(''.join('%02x' % x for x in b'\\x01\\xff'))", "01ff\n"),
        ("print('.'.join([str(x) for x in (1, 2, 3, '')[:3]]))", "1.2.3\n"),
        ("try:\n import nothing\nexcept ImportError as e:print('no', e.args)", None),
        ("try:\n missing\nexcept (OSError, NameError):print('caught')", "caught\n"),
        ("try:\n 1 + 'a'\nexcept TypeError:print('types')", "types\n"),
        ("print(hasattr('x', 'join'), hasattr('x', 'nope'))", "True False\n"),
        ("print(getattr(None, 'x', 'else'))", "else\n"),
        ("print(not 1 or 0 or 'last', 1 and 2)", "last 2\n"),
        ("print(2 if False else 3)", "!SyntaxError"),
        ("class A: pass", "!SyntaxError"),
        ("lambda: 1", "!SyntaxError"),
        ("f'{1}'", "!SyntaxError"),
        ("def (", "!SyntaxError"),
        ("import sys", "!ImportError"),
        ("print(1)(2)", "!TypeError"),
        ("def f(a): return a\nf(1, 2)", "!TypeError"),
        ("''.format", "!AttributeError"),
        ("''.__class__", "!AttributeError"),
        ("print.__globals__", "!AttributeError"),
        ("b'' .join", "!AttributeError"),
        ("{}['x']", "!SyntaxError"),
        ("(1,)[5]", "!IndexError"),
        ("'%99999d' % 1", "!ValueError"),
        ("'x' * 99", "!TypeError"),
        ("__import__('os')", "!NameError"),
    ],
)
def test_programs(code, said):
    if said is not None and said.startswith("!"):
        with pytest.raises(Thrown) as thrown:
            run(code)
        assert thrown.value.kind == said[1:]
    else:
        assert said is None or run(code) == said


@pytest.mark.parametrize(
    "code", ["while True:pass", "def f():\n return f()\nf()", "x=b'1'\nwhile 1:x=x+x", "9" * 5000]
)
def test_no_program_runs_or_grows_for_ever(code):
    with pytest.raises((Hangs, Thrown)):
        run(code)


@given(st.text(max_size=120))
def test_any_text_ends(code):
    with contextlib.suppress(Thrown, Hangs):
        run(code)


def test_an_exception_that_is_not_an_error_is_caught_by_nobody():
    def interrupt() -> None:
        raise Thrown("KeyboardInterrupt")

    with pytest.raises(Thrown):
        run("try:\n stop()\nexcept Exception:pass", stop=interrupt)

"""Runs the benchmarks beside this file and prints one table: ``python3 dev.py bench``.

A benchmark is a module ``bench_*.py`` with ``run()``, plain or ``async``, that returns rows of
(name, value, unit, budget). A budget says ``<= 0.5`` or ``>= 10``; None: no budget, for ratios and
comparisons.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from types import ModuleType

Row: TypeAlias = tuple[str, float, str, str | None]

HERE = Path(__file__).parent


def main(words: list[str]) -> int:
    """Run the modules whose names contain one of ``words``; 1 if a budget was missed."""
    rows: list[tuple[str, str, str, str]] = [("benchmark", "measured", "budget", "")]
    sound = True
    for path in sorted(HERE.glob("bench_*.py")):
        if words and not any(word in path.stem for word in words):
            continue
        print(f"{path.stem} …", file=sys.stderr, flush=True)
        try:
            measured = _run(_load(path))
        except Exception:
            # One broken benchmark does not hide the others.
            traceback.print_exc()
            rows.append((path.stem, "failed", "", "✗"))
            sound = False
            continue
        for name, value, unit, budget in measured:
            met = _met(value, budget)
            sound = sound and met is not False
            mark = {None: "", True: "✓", False: "✗"}[met]
            limit = f"{budget.replace('<=', '≤').replace('>=', '≥')} {unit}" if budget else ""
            rows.append((name, f"{_number(value)} {unit}", limit, mark))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for shown in rows:
        name, rest = shown[0].ljust(widths[0]), zip(shown[1:], widths[1:], strict=True)
        print("  ".join([name, *(text.rjust(width) for text, width in rest)]).rstrip())
    return int(not sound)


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _run(module: ModuleType) -> list[Row]:
    result = module.run()
    if inspect.iscoroutine(result):
        return asyncio.run(result)
    return list(result)


def _met(value: float, budget: str | None) -> bool | None:
    if budget is None:
        return None
    sign, _, limit = budget.partition(" ")
    return {"<=": value <= float(limit), ">=": value >= float(limit)}[sign]


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr] # a real stream has it
    sys.exit(main(sys.argv[1:]))

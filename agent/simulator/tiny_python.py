"""As much of Python as a simulated board needs: small programs, run step by step over their tree.

Nothing of this computer can be reached from a program: it sees the names that it is given, plain
values, and objects that list what they let it use. What it may compute is bounded. What is missing
is a syntax error, as on firmware that was built without it.
"""

from __future__ import annotations

import ast
import operator
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value: TypeAlias = Any
"""What programs compute with."""

STEPS: Final = 200_000
"""Parts of a program that are looked at in one run; a program that goes on is one that hangs."""
VALUE_BYTES: Final = 1 << 20
"""The longest text, and the most digits of a number."""


class Thrown(Exception):
    """An exception of a program: the name of its class, and its arguments."""

    def __init__(self, kind: str, *values: object) -> None:
        super().__init__(kind)
        self.kind = kind
        self.values = values


class Hangs(Exception):
    """A program that does not end by itself."""


Names: TypeAlias = "dict[str, Value]"


class Thing:
    """Something that a program may use by the names in ``members``."""

    def __init__(self, members: Mapping[str, Value]) -> None:
        self.members = dict(members)


class _Leave(Exception):
    """Out of a loop or a function."""

    def __init__(self, how: str, value: object = None) -> None:
        super().__init__(how)
        self.how = how
        self.value = value


_BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Mod: operator.mod,
}
_COMPARE: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Is: operator.is_,
}
_METHODS: Final[dict[type, frozenset[str]]] = {
    str: frozenset({"join", "encode", "startswith", "split", "strip"}),
    bytes: frozenset({"decode"}),
    dict: frozenset({"get", "keys"}),
    list: frozenset({"append"}),
}
_EXCEPTIONS: Final = {
    "ImportError", "OSError", "ValueError", "KeyError", "TypeError", "AttributeError", "NameError",
    "RuntimeError", "IndexError", "Exception",
}  # fmt: skip
_HOST_ERRORS: Final = (TypeError, ValueError, KeyError, IndexError, ZeroDivisionError)


class TinyPython:
    """One interpreter: its names stay from program to program."""

    def __init__(
        self, modules: Mapping[str, Thing], names: Mapping[str, Value], write: Callable[[str], None]
    ) -> None:
        self._modules = modules
        self._write = write
        self._left = STEPS
        self.names: Names = {
            "print": self._print,
            "open": None,
            "str": str,
            "len": len,
            "hasattr": self._hasattr,
            "getattr": self._getattr,
            **names,
        }

    def run(self, code: str) -> None:
        """Run a program; raises :class:`Thrown` for what it did not catch, and :class:`Hangs`."""
        self._left = STEPS
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise Thrown("SyntaxError", "invalid syntax") from None
        try:
            self._body(tree.body, self.names)
        except RecursionError:
            raise Thrown("RuntimeError", "maximum recursion depth exceeded") from None

    # --- statements --------------------------------------------------------------------------

    def _body(self, body: list[ast.stmt], names: Names) -> None:
        for statement in body:
            self._count()
            method = getattr(self, f"_do_{type(statement).__name__.lower()}", None)
            if method is None:
                raise Thrown("SyntaxError", "invalid syntax")
            method(statement, names)

    def _do_expr(self, node: ast.Expr, names: Names) -> None:
        self._value(node.value, names)

    def _do_pass(self, _node: ast.Pass, _names: Names) -> None:
        """Nothing."""

    def _do_assign(self, node: ast.Assign, names: Names) -> None:
        value = self._value(node.value, names)
        for target in node.targets:
            self._bind(target, value, names)

    def _do_augassign(self, node: ast.AugAssign, names: Names) -> None:
        now = self._value(ast.Name(getattr(node.target, "id", ""), ast.Load()), names)
        new = self._binary(node.op, now, self._value(node.value, names))
        self._bind(node.target, new, names)

    def _do_if(self, node: ast.If, names: Names) -> None:
        self._body(node.body if self._value(node.test, names) else node.orelse, names)

    def _do_while(self, node: ast.While, names: Names) -> None:
        while self._value(node.test, names):
            if not self._round(node.body, names):
                return

    def _do_for(self, node: ast.For, names: Names) -> None:
        for value in self._value(node.iter, names):
            self._bind(node.target, value, names)
            if not self._round(node.body, names):
                return

    def _round(self, body: list[ast.stmt], names: Names) -> bool:
        try:
            self._body(body, names)
        except _Leave as leave:
            if leave.how == "return":
                raise
            return leave.how == "continue"
        return True

    def _do_break(self, _node: ast.Break, _names: Names) -> None:
        raise _Leave("break")

    def _do_return(self, node: ast.Return, names: Names) -> None:
        raise _Leave("return", self._value(node.value, names) if node.value else None)

    def _do_functiondef(self, node: ast.FunctionDef, names: Names) -> None:
        parameters = [each.arg for each in node.args.args]

        def call(*values: object) -> object:
            if len(values) != len(parameters):
                raise Thrown("TypeError", "function takes another number of arguments")
            inside = _Inside(self.names, zip(parameters, values, strict=True))
            try:
                self._body(node.body, inside)
            except _Leave as leave:
                return leave.value
            return None

        names[node.name] = call

    def _do_import(self, node: ast.Import, names: Names) -> None:
        for alias in node.names:
            found = self._modules.get(alias.name)
            if found is None:
                raise Thrown("ImportError", f"no module named '{alias.name}'")
            names[alias.asname or alias.name] = found

    def _do_with(self, node: ast.With, names: Names) -> None:
        item = node.items[0]
        held = self._value(item.context_expr, names)
        if item.optional_vars is not None:
            self._bind(item.optional_vars, held, names)
        try:
            self._body(node.body, names)
        finally:
            held.members["close"]()

    def _do_try(self, node: ast.Try, names: Names) -> None:
        try:
            self._body(node.body, names)
        except Thrown as thrown:
            for handler in node.handlers:
                if _catches(handler.type, thrown.kind):
                    if handler.name:
                        number = thrown.values[0] if thrown.values else None
                        names[handler.name] = Thing({"args": thrown.values, "errno": number})
                    self._body(handler.body, names)
                    return
            raise

    def _bind(self, target: ast.expr, value: Value, names: Names) -> None:
        if not isinstance(target, ast.Name):
            raise Thrown("SyntaxError", "invalid syntax")
        names[target.id] = value

    # --- expressions -------------------------------------------------------------------------

    def _value(self, node: ast.expr, names: Names) -> Value:
        self._count()
        method = getattr(self, f"_of_{type(node).__name__.lower()}", None)
        if method is None:
            raise Thrown("SyntaxError", "invalid syntax")
        try:
            return method(node, names)
        except _HOST_ERRORS as error:
            raise Thrown(type(error).__name__, str(error)) from None

    def _of_constant(self, node: ast.Constant, _names: Names) -> Value:
        return node.value

    def _of_name(self, node: ast.Name, names: Names) -> Value:
        if node.id not in names:
            raise Thrown("NameError", f"name '{node.id}' isn't defined")
        return names[node.id]

    def _of_attribute(self, node: ast.Attribute, names: Names) -> Value:
        return self._getattr(self._value(node.value, names), node.attr)

    def _of_call(self, node: ast.Call, names: Names) -> Value:
        called = self._value(node.func, names)
        values = [self._value(each, names) for each in node.args]
        if not callable(called) or node.keywords:
            raise Thrown("TypeError", "object isn't callable")
        return called(*values)

    def _of_compare(self, node: ast.Compare, names: Names) -> Value:
        left = self._value(node.left, names)
        return _COMPARE[type(node.ops[0])](left, self._value(node.comparators[0], names))

    def _of_boolop(self, node: ast.BoolOp, names: Names) -> Value:
        value: Value = None
        for each in node.values:
            value = self._value(each, names)
            if bool(value) is isinstance(node.op, ast.Or):
                break
        return value

    def _of_unaryop(self, node: ast.UnaryOp, names: Names) -> Value:
        value = self._value(node.operand, names)
        return not value if isinstance(node.op, ast.Not) else -value

    def _of_binop(self, node: ast.BinOp, names: Names) -> Value:
        return self._binary(node.op, self._value(node.left, names), self._value(node.right, names))

    def _of_tuple(self, node: ast.Tuple, names: Names) -> Value:
        return tuple(self._value(each, names) for each in node.elts)

    def _of_subscript(self, node: ast.Subscript, names: Names) -> Value:
        held = self._value(node.value, names)
        if isinstance(node.slice, ast.Slice):
            ends = (node.slice.lower, node.slice.upper)
            return held[slice(*(self._value(end, names) if end else None for end in ends))]
        return held[self._value(node.slice, names)]

    def _of_listcomp(self, node: ast.ListComp, names: Names) -> Value:
        return self._comprehended(node.elt, node.generators, names)

    def _of_generatorexp(self, node: ast.GeneratorExp, names: Names) -> Value:
        return self._comprehended(node.elt, node.generators, names)

    def _comprehended(
        self, part: ast.expr, loops: list[ast.comprehension], names: Names
    ) -> list[Value]:
        inside = _Inside(names, ())
        found = []
        for value in self._value(loops[0].iter, names):
            self._bind(loops[0].target, value, inside)
            found.append(self._value(part, inside))
        return found

    def _binary(self, kind: ast.operator, left: Value, right: Value) -> Value:
        if isinstance(left, str) and isinstance(kind, ast.Mod):
            # A width would be a way to ask for any length.
            if re.search(r"%[^%a-z]*[\d*]{3}", left):
                raise Thrown("ValueError", "format")
        elif isinstance(kind, ast.Mult) and not (type(left) is type(right) is int):
            raise Thrown("TypeError", "unsupported types for *")
        value = _BINARY[type(kind)](left, right)
        size = value.bit_length() // 3 if isinstance(value, int) else len(value)
        if size > VALUE_BYTES:
            raise Thrown("MemoryError", "memory allocation failed")
        return value

    # --- what programs can call --------------------------------------------------------------

    def _print(self, *values: object) -> None:
        self._write(" ".join(str(value) for value in values) + "\r\n")

    def _hasattr(self, held: Value, name: str) -> bool:
        try:
            self._getattr(held, name)
        except Thrown:
            return False
        return True

    def _getattr(self, held: Value, name: str, *default: object) -> Value:
        if isinstance(held, Thing) and name in held.members:
            return held.members[name]
        if name in _METHODS.get(type(held), ()):
            return getattr(held, name)
        if default:
            return default[0]
        raise Thrown("AttributeError", f"no such attribute '{name}'")

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Hangs


class _Inside(dict[str, Value]):
    """Names of a function, in front of others."""

    def __init__(self, outside: Names, own: Value) -> None:
        super().__init__(own)
        self._outside = outside

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._outside

    def __missing__(self, name: str) -> Value:
        return self._outside[name]


def _catches(kinds: ast.expr | None, thrown: str) -> bool:
    """A system's own exceptions, ``KeyboardInterrupt`` among them, are caught by no name."""
    if thrown not in _EXCEPTIONS:
        return False
    if kinds is None:
        return True
    named = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    words = {each.id for each in named if isinstance(each, ast.Name)}
    return bool(words & {thrown, "Exception"})

"""Templates as a type checker would read them: every name they ask for, against what a page's view holds.

`Reader.read` walks a template with its parents, macros and imports, knows the type of every expression from
the annotations of the views, and notes what is not there. What it cannot tell the type of, it notes as well.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final, Literal, NewType, Union, get_args, get_origin, get_type_hints

from jinja2 import Environment, nodes

TEXT_FILTERS: Final = frozenset({"trim", "urlencode", "capitalize", "upper", "lower"})
TEXT_METHODS: Final = frozenset({"startswith", "endswith"})
YES_OR_NO: Final = (nodes.Compare, nodes.Not, nodes.Test)


@dataclass(frozen=True)
class Callable:
    """What a call of a method or of a global function gives."""

    returns: object


@dataclass(frozen=True)
class Named:
    """A macro with the names that it sees besides its own parameters."""

    template: str
    node: nodes.Macro
    scope: dict[str, object] = field(compare=False, hash=False)


class Loop:
    """What Jinja offers inside a loop, as far as ours ask for it."""

    index: int
    first: bool
    last: bool


@dataclass(frozen=True)
class Row:
    """A tuple written out in a template."""

    parts: tuple[object, ...]


class Itself:
    """`self`, by which a template asks for a block of its own."""


def kinds(kind: object) -> list[object]:
    """Return what a value of this type can be, None apart: the members of a union, without aliases."""
    origin = get_origin(kind)
    if isinstance(kind, NewType):
        return kinds(kind.__supertype__)
    if origin in (Union, types.UnionType):
        return list(dict.fromkeys(one for part in get_args(kind) for one in kinds(part)))
    if origin is Literal:
        return list(dict.fromkeys(type(value) for value in get_args(kind) if value is not None))
    if origin in (Annotated, ClassVar, Final):
        return kinds(get_args(kind)[0])
    return [] if kind in (None, type(None)) else [kind]


def member(kind: object, name: str) -> object:
    """Return the type of an attribute of a value of this type; raise `LookupError` when it has none."""
    owner = get_origin(kind) or kind
    if isinstance(kind, Row | Named | Callable) or not isinstance(owner, type):
        raise LookupError(name)
    if owner is Itself:
        return Callable(str)
    if issubclass(owner, Mapping):
        return _of_mapping(kind, name)
    if owner is str and name in TEXT_METHODS:
        return Callable(bool)
    hints = get_type_hints(owner)
    if name in hints:
        return hints[name]
    held = inspect.getattr_static(owner, name)
    if isinstance(held, property):
        return get_type_hints(held.fget)["return"]
    return Callable(get_type_hints(held)["return"])


def _of_mapping(kind: object, name: str) -> object:
    key, value = get_args(kind)
    gives: dict[str, object] = {
        "items": types.GenericAlias(list, (types.GenericAlias(tuple, (key, value)),)),
        "values": types.GenericAlias(list, (value,)),
        "get": Union[value, None],  # noqa: UP007 (the members are values here, not an annotation)
    }
    return Callable(gives[name])


def each(kind: object) -> object:
    """Return the type of what a loop over such a value gives; raise `LookupError` where nothing loops."""
    if isinstance(kind, Row):
        return either(kind.parts)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is tuple:
        return parts[0] if parts[-1] is ... else either(parts)
    if isinstance(origin, type) and issubclass(origin, Sequence | Set | Mapping | Iterable):
        return parts[0]
    raise LookupError("what it loops over")


def either(parts: Iterable[object]) -> object:
    """Return the union of these types; rows of one length are joined place by place."""
    found = list(dict.fromkeys(parts))
    rows = [part for part in found if isinstance(part, Row)]
    if rows and len(rows) == len(found):
        return Row(tuple(either(column) for column in zip(*(row.parts for row in rows), strict=True)))
    return found[0] if len(found) == 1 else Union[tuple(found)]  # noqa: UP007 (made from values)


def places(kind: object, count: int) -> tuple[object, ...]:
    """Return the types of a value that is taken apart into so many names."""
    parts = kind.parts if isinstance(kind, Row) else get_args(kind)
    if not parts and isinstance(kind, type) and issubclass(kind, tuple):
        parts = tuple(get_type_hints(kind).values())
    if len(parts) != count:
        raise LookupError("what it takes apart")
    return tuple(parts)


class Reader:
    """Reads templates, and collects `faults` and the names that were `used` of what a page holds."""

    def __init__(self, env: Environment, given: Mapping[str, object]) -> None:
        self.env = env
        self.given = dict(given)
        self.faults: list[str] = []
        self.used: set[str] = set()
        self._where: list[str] = []
        self._calls: set[object] = set()

    def read(self, template: str, held: Mapping[str, object]) -> None:
        """Read a page: its template and those it extends, with the names that its view and its frame hold."""
        scope = self.given | dict(held) | {"self": Itself}
        self._read(template, scope)

    def _read(self, template: str, scope: dict[str, object]) -> None:
        tree, inner = self._tree(template), dict(scope)
        self._where.append(template)
        self._walk(tree.body, inner)
        self._where.pop()
        for parent in tree.find_all(nodes.Extends):
            assert isinstance(parent.template, nodes.Const)
            self._read(parent.template.value, dict(scope))

    def _tree(self, template: str) -> nodes.Template:
        assert self.env.loader is not None
        return self.env.parse(self.env.loader.get_source(self.env, template)[0])

    def _fault(self, node: nodes.Node, what: str) -> None:
        self.faults.append(f"{self._where[-1]}:{node.lineno}: {what}")

    def _walk(self, body: Sequence[nodes.Node], scope: dict[str, object]) -> None:
        for node in body:
            self._statement(node, scope)

    def _statement(self, node: nodes.Node, scope: dict[str, object]) -> None:
        match node:
            case nodes.Output():
                for part in node.nodes:
                    self.kind(part, scope)
            case nodes.If():
                self.kind(node.test, scope)
                self._walk([*node.body, *node.elif_, *node.else_], scope)
            case nodes.For():
                self._loop(node, scope)
            case nodes.Assign(target=nodes.Name(name=name)):
                scope[name] = self.kind(node.node, scope)
            case nodes.Macro():
                scope[node.name] = Named(self._where[-1], node, scope)
            case nodes.FromImport(template=nodes.Const(value=template)):
                self._import(template, node, scope)
            case nodes.Block():
                self._walk(node.body, dict(scope))
            case nodes.Extends():
                pass
            case _:
                self._fault(node, f"{type(node).__name__} is nothing this test can read")

    def _import(self, template: str, node: nodes.FromImport, scope: dict[str, object]) -> None:
        inner = dict(self.given)
        self._where.append(template)
        self._walk(self._tree(template).body, inner)
        self._where.pop()
        for name in node.names:
            ours, theirs = (name, name) if isinstance(name, str) else (name[1], name[0])
            if theirs in inner:
                scope[ours] = inner[theirs]
            else:
                self._fault(node, f"{template} has no {theirs}")

    def _loop(self, node: nodes.For, scope: dict[str, object]) -> None:
        inner = scope | {"loop": Loop}
        found = self.kind(node.iter, scope)
        try:
            one = either([each(kind) for kind in kinds(found)])
            if isinstance(node.target, nodes.Name):
                inner[node.target.name] = one
            elif isinstance(node.target, nodes.Tuple):
                parts = places(one, len(node.target.items))
                inner |= {
                    target.name: part
                    for target, part in zip(node.target.items, parts, strict=True)
                    if isinstance(target, nodes.Name)
                }
        except LookupError as missing:
            self._fault(node, f"no type for {missing}")
        if node.test is not None:
            self.kind(node.test, inner)
        self._walk(node.body, inner)
        self._walk(node.else_, scope)

    def kind(self, node: nodes.Expr | nodes.Node, scope: dict[str, object]) -> object:
        """Return the type of an expression, after noting what in it is not there."""
        match node:
            case nodes.TemplateData() | nodes.Concat():
                for part in node.iter_child_nodes():
                    self.kind(part, scope)
                return str
            case nodes.Const():
                return type(node.value)
            case nodes.Name():
                return self._name(node, scope)
            case nodes.Getattr():
                return self._attribute(node, scope)
            case nodes.Getitem():
                return self._item(node, scope)
            case nodes.Call():
                return self._call(node, scope)
            case nodes.Filter():
                return self._filter(node, scope)
            case nodes.CondExpr():
                self.kind(node.test, scope)
                chosen = [self.kind(node.expr1, scope)]
                return either([*chosen, self.kind(node.expr2, scope)] if node.expr2 else chosen)
            case nodes.And() | nodes.Or():
                return either([self.kind(node.left, scope), self.kind(node.right, scope)])
            case nodes.Tuple():
                return Row(tuple(self.kind(item, scope) for item in node.items))
            case nodes.Dict(items=[]):
                return Mapping[str, str]
            case _ if isinstance(node, YES_OR_NO):
                for part in node.iter_child_nodes():
                    self.kind(part.expr if isinstance(part, nodes.Operand) else part, scope)
                return bool
            case _:
                self._fault(node, f"{type(node).__name__} is nothing this test can read")
                return None

    def _name(self, node: nodes.Name, scope: dict[str, object]) -> object:
        self.used.add(node.name)
        if node.name not in scope:
            self._fault(node, f"{node.name} is not there")
        return scope.get(node.name)

    def _attribute(self, node: nodes.Getattr, scope: dict[str, object]) -> object:
        found = []
        for kind in kinds(self.kind(node.node, scope)):
            try:
                found.append(member(kind, node.attr))
            except (LookupError, AttributeError, TypeError):
                self._fault(node, f"{getattr(kind, '__name__', kind)} has no {node.attr}")
        return either(found) if found else None

    def _item(self, node: nodes.Getitem, scope: dict[str, object]) -> object:
        found = []
        for kind in kinds(self.kind(node.node, scope)):
            parts, owner = get_args(kind), get_origin(kind)
            if isinstance(node.arg, nodes.Slice):
                found.append(kind)
            elif isinstance(owner, type) and issubclass(owner, Mapping):
                self.kind(node.arg, scope)
                found.append(parts[1])
            elif owner is tuple and isinstance(node.arg, nodes.Const):
                found.append(parts[0] if parts[-1] is ... else parts[node.arg.value])
            else:
                self._fault(node, f"{getattr(kind, '__name__', kind)} is not looked into by key")
        return either(found) if found else None

    def _filter(self, node: nodes.Filter, scope: dict[str, object]) -> object:
        for part in (node.node, *node.args):
            if part is not None:
                self.kind(part, scope)
        if node.name in TEXT_FILTERS:
            return str
        return get_type_hints(self.env.filters[node.name])["return"]

    def _call(self, node: nodes.Call, scope: dict[str, object]) -> object:
        called = self.kind(node.node, scope)
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            self._fault(node, "hands over names that nobody can read")
            return None
        given = [self.kind(part, scope) for part in node.args]
        by_name = {part.key: self.kind(part.value, scope) for part in node.kwargs}
        if isinstance(called, Named):
            self._macro(node, called, given, by_name)
            return str
        if isinstance(called, Callable):
            return called.returns
        if called is not None:
            self._fault(node, "calls what cannot be called")
        return None

    def _macro(
        self, node: nodes.Call, macro: Named, given: Sequence[object], by_name: Mapping[str, object]
    ) -> None:
        names = [parameter.name for parameter in macro.node.args]
        bound = dict(zip(names, given, strict=False)) | dict(by_name)
        if len(given) > len(names) or by_name.keys() - names:
            self._fault(node, f"{macro.node.name} takes no such thing")
        defaults = dict(zip(reversed(names), reversed(macro.node.defaults), strict=False))
        for name in names:
            if name not in bound and name in defaults:
                bound[name] = self.kind(defaults[name], macro.scope)
            elif name not in bound:
                self._fault(node, f"{macro.node.name} asks for {name}")
                bound[name] = None
        call = (macro.template, macro.node.name, repr(sorted(bound.items(), key=str)))
        if call not in self._calls:
            self._calls.add(call)
            self._where.append(f"{self._where[-1]} in {macro.template}")
            self._walk(macro.node.body, macro.scope | bound)
            self._where.pop()

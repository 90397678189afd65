"""Mutants of a module: the same source with one small change each, as a slip of the hand or of thought would make it.

Left alone is what no behaviour hangs on: annotations, docstrings, decorators, imports, the words of errors and logs.
"""

from __future__ import annotations

import ast
import copy
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

_SWAPPED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_OTHER_OPERATION: dict[type[ast.operator], type[ast.operator]] = {
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
}
_OTHER_FUNCTION = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list", "reversed": "list"}
_OTHER_METHOD = {"startswith": "endswith", "endswith": "startswith"}
_QUIET_FIELDS = {"annotation", "returns", "decorator_list", "type_comment", "bases", "pattern", "type_params"}
_WORDS = {"remedy", "next", "happened", "done", "source", "place", "summary", "help"}  # keywords that carry sentences
_LONGEST_WORD = 40  # a longer text, or one with a space, is a sentence

Path = tuple[tuple[str, int | None], ...]  # from the module to a node: (field, place in it)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small change of a module. `name` stays the same as long as the function and the changed expression do, wherever its lines
    move to."""

    module: str
    line: int
    function: str  # dotted; empty at the module's level
    operator: str
    before: str
    after: str
    path: Path
    changed: ast.AST
    called: bool  # in the body of a function; else it is done at import
    place: int = 0  # among mutants that are otherwise alike

    @property
    def name(self) -> str:
        said = f"{self.function}|{self.operator}|{self.before}|{self.after}|{self.place}"
        return f"{self.module}:{self.function or '<module>'}:{sha256(said.encode()).hexdigest()[:10]}"

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.operator}: {self.before[:100]}  ->  {self.after[:100]}"


def mutants(module: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its source."""
    alike: Counter[tuple[str, ...]] = Counter()
    found: list[Mutant] = []
    tree = ast.parse(source)
    called = _called(tree)
    for path, node, function, quiet in _nodes(tree, (), "", False):
        for operator, changed in _changes(node, quiet, outermost=len(path) == 1):
            before, after = _shown(node), _shown(changed)
            if operator.startswith("if "):
                after = f"if {operator[3:]}:"
            key = (function, operator, before, after)
            line = _line(node)
            found.append(
                Mutant(module, line, function, operator, before, after, path, changed, line in called, alike[key])
            )
            alike[key] += 1
    return found


def _called(tree: ast.Module) -> frozenset[int]:
    """The lines that are in the body of a function."""
    bodies = (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(line for one in bodies for line in range(one.body[0].lineno, (one.end_lineno or 0) + 1))


def changed_source(mutant: Mutant, source: str) -> str | None:
    """The module's text with the change made; None where that is no program, or the same one."""
    tree = ast.parse(source)
    plain = ast.unparse(tree)
    holder: object = tree
    for name, place in mutant.path[:-1]:
        holder = getattr(holder, name) if place is None else getattr(holder, name)[place]
    name, place = mutant.path[-1]
    if place is None:
        setattr(holder, name, mutant.changed)
    else:
        getattr(holder, name)[place] = mutant.changed
    text = ast.unparse(ast.fix_missing_locations(tree))
    if text == plain:
        return None
    try:
        compile(text, "mutant", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    return text


def sample(found: list[Mutant], n: int, seed: int) -> list[Mutant]:
    """`n` of them at most, spread over the lines: two a line."""
    shuffled = list(found)
    random.Random(seed).shuffle(shuffled)
    a_line: Counter[tuple[str, int]] = Counter()
    chosen: list[Mutant] = []
    for one in shuffled:
        if len(chosen) == n:
            break
        if a_line[one.module, one.line] < 2:
            a_line[one.module, one.line] += 1
            chosen.append(one)
    return chosen


def _nodes(node: ast.AST, path: Path, function: str, quiet: bool) -> Iterator[tuple[Path, ast.AST, str, bool]]:
    if isinstance(node, ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.If) and "TYPE_CHECKING" in _shown(node.test)
    ):
        return
    if len(path) == 1 and _names_a_type(node):
        return
    if path:
        yield path, node, function, quiet
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    quiet = quiet or isinstance(node, ast.JoinedStr | ast.Raise) or _is_log(node)
    for name, value in ast.iter_fields(node):
        if name in _QUIET_FIELDS:
            continue
        hushed = quiet or (isinstance(node, ast.keyword) and node.arg in _WORDS)
        if isinstance(value, list):
            for place, item in enumerate(value):
                if isinstance(item, ast.AST) and not _is_docstring(item):
                    yield from _nodes(item, (*path, (name, place)), function, hushed)
        elif isinstance(value, ast.AST):
            yield from _nodes(value, (*path, (name, None)), function, hushed)


def _names_a_type(node: ast.AST) -> bool:
    """`Entries = tuple[str, ...]`, and `__all__`: what only annotations and imports use."""
    if isinstance(node, ast.Assign) and _shown(node.targets[0]) == "__all__":
        return True
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Subscript | ast.BinOp):
        return False
    return all(isinstance(one, ast.Name) and one.id[0].isupper() and not one.id.isupper() for one in node.targets)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_log(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _shown(node.func).startswith(("log.", "self.logger."))


def _changes(node: ast.AST, quiet: bool, *, outermost: bool) -> Iterator[tuple[str, ast.AST]]:
    """Operator and changed node. What stands directly in the module is never dropped: that is only a NameError."""
    match node:
        case ast.Compare():
            for place, operation in enumerate(node.ops):
                for other in _SWAPPED[type(operation)]:
                    yield "compare", _edited(node, ops=[*node.ops[:place], other(), *node.ops[place + 1 :]])
        case ast.BoolOp():
            yield "and/or", _edited(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
            for place in range(len(node.values)):
                rest = [*node.values[:place], *node.values[place + 1 :]]
                yield "drop operand", rest[0] if len(rest) == 1 else _edited(node, values=rest)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield "drop not", node.operand
        case ast.Constant() if not quiet:
            yield from _other_constants(node)
        case ast.Return() if node.value is not None and not _is_none(node.value):
            yield "return None", ast.Return(ast.Constant(None))
        case ast.If():
            for value in (True, False):
                yield f"if {value}", _edited(node, test=ast.Constant(value))
        case ast.IfExp():
            yield "swap branches", _edited(node, body=node.orelse, orelse=node.body)
        case ast.BinOp() if type(node.op) in _OTHER_OPERATION:
            yield "operation", _edited(node, op=_OTHER_OPERATION[type(node.op)]())
            if isinstance(node.op, ast.Sub | ast.BitOr | ast.BitAnd):
                yield "left only", node.left
        case ast.Tuple() | ast.List() if node.elts and isinstance(node.ctx, ast.Load):
            yield "empty", _edited(node, elts=[])
            if len(node.elts) > 1:
                yield "without the first", _edited(node, elts=node.elts[1:])
        case ast.Dict() if node.keys:
            yield "empty", ast.Dict([], [])
        case ast.comprehension():
            for place in range(len(node.ifs)):
                yield "drop filter", _edited(node, ifs=[*node.ifs[:place], *node.ifs[place + 1 :]])
        case ast.Call():
            yield from _other_calls(node, quiet)
        case ast.Slice():
            yield "swap bounds", _edited(node, lower=node.upper, upper=node.lower)
        case ast.Continue():
            yield "continue/break", ast.Break()
        case ast.Break():
            yield "continue/break", ast.Continue()
    if (
        isinstance(node, ast.Expr | ast.AugAssign | ast.Assign | ast.Raise | ast.Continue)
        and not outermost
        and not _is_inert(node)
    ):
        yield "drop statement", ast.Pass()


def _other_constants(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    match node.value:
        case bool():
            yield "boolean", ast.Constant(not node.value)
        case int() | float():
            yield "number", ast.Constant(0 if node.value == 1 else node.value + 1)
        case str() if len(node.value) < _LONGEST_WORD and " " not in node.value:
            yield "word", ast.Constant("XX" + node.value)


def _other_calls(node: ast.Call, quiet: bool) -> Iterator[tuple[str, ast.AST]]:
    match node.func:
        case ast.Name(id=name) if name in _OTHER_FUNCTION:
            keywords = [] if _OTHER_FUNCTION[name] == "list" else node.keywords
            yield "function", _edited(node, func=ast.Name(_OTHER_FUNCTION[name], ast.Load()), keywords=keywords)
        case ast.Attribute(attr=name) if name in _OTHER_METHOD:
            yield "function", _edited(node, func=ast.Attribute(node.func.value, _OTHER_METHOD[name], ast.Load()))
    if not quiet:
        for place, keyword in enumerate(node.keywords):
            if keyword.arg and keyword.arg not in _WORDS:
                yield "drop keyword", _edited(node, keywords=[*node.keywords[:place], *node.keywords[place + 1 :]])


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_inert(node: ast.AST) -> bool:
    """Whether nobody would miss a statement: a log line, what only a type checker reads."""
    text = _shown(node)
    return text.startswith(("log.", "self.logger.", "assert_never(")) or "assert_never" in text


def _edited(node: ast.AST, **changed: object) -> ast.AST:
    edited = copy.copy(node)
    for name, value in changed.items():
        setattr(edited, name, value)
    return edited


def _line(node: ast.AST) -> int:
    return int(node.target.lineno if isinstance(node, ast.comprehension) else getattr(node, "lineno", 0))


def _shown(node: ast.AST) -> str:
    """It in one line of source; of what has a body, its head."""
    match node:
        case ast.comprehension():
            conditions = "".join(f" if {ast.unparse(one)}" for one in node.ifs)
            return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}{conditions}"
        case ast.If():
            return f"if {ast.unparse(node.test)}:"
        case ast.FunctionDef() | ast.ClassDef():
            return node.name
        case (
            ast.expr()
            | ast.Expr()
            | ast.Assign()
            | ast.AugAssign()
            | ast.Return()
            | ast.Raise()
            | ast.Pass()
            | ast.Continue()
            | ast.Break()
        ):
            return " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
    return type(node).__name__

"""Plants one small fault after another in a module and asks whether its tests notice.

    python bench/mutate.py TARGET... --tests TESTS... [--sample N]

A target is a Python file or folder, or a TOML file, in which every number is a threshold. Faults
are planted in a copy of the checkout, and each run is a fork of a process that has loaded the
libraries once. Whatever survives is printed: kill it with a test, or say why it changes nothing.
"""

import argparse
import ast
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
APART = shutil.ignore_patterns(".*", "__pycache__", "build", "demo")
PATIENCE = 6  # times the time of the untouched run
ASIDE = ("annotation", "returns", "decorator_list", "bases")

OTHER = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.Pow: (ast.Mult,),
    ast.FloorDiv: (ast.Div,), ast.Mod: (ast.Mult,), ast.MatMult: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.And: (ast.Or,), ast.Or: (ast.And,),
    ast.USub: (ast.UAdd,),
}  # fmt: skip
PAIRS = ("minimum maximum", "min max", "any all", "ones zeros", "floor ceil", "low high")
NAMED = {a: b for pair in map(str.split, PAIRS) for a, b in (pair, pair[::-1])}

Fault = tuple[int, str, str]  # line, what was done, the whole text with the fault in it


def in_numbers(text: str) -> Iterator[Fault]:
    """Every number of a TOML file a little higher and lower."""
    for found in re.finditer(r"(?<== )-?\d+(\.\d+)?(?=[\s,}\]])", text):
        for number in (float(found[0]) * 1.5 + 1, float(found[0]) * 0.5 - 0.01):
            new = f"{number:.4f}" if found[1] else str(round(number))
            line = text.count("\n", 0, found.start()) + 1
            yield line, f"{found[0]} -> {new}", text[: found.start()] + new + text[found.end() :]


def in_code(text: str) -> Iterator[Fault]:
    """Every operator, number, truth value and pair of opposites of a module, turned around."""
    tree = ast.parse(text)
    for node in living(tree):
        for field, value in (*operators_instead(node), *values_instead(node)):
            old, before = getattr(node, field), ast.unparse(node)
            setattr(node, field, value)
            yield node.lineno, f"{before}  ->  {ast.unparse(node)}", ast.unparse(tree)
            setattr(node, field, old)


def living(node: ast.AST) -> Iterator[ast.AST]:
    """Everything that computes: no annotation, docstring or message."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            is_text = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if field in ASIDE or is_text or isinstance(child, ast.JoinedStr):
                continue
            if isinstance(child, ast.AST):
                yield child
                yield from living(child)


def operators_instead(node: ast.AST) -> Iterator[tuple[str, object]]:
    match node:
        case ast.Compare(ops=[op]):
            yield from (("ops", [new()]) for new in OTHER[type(op)])
        case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op) | ast.UnaryOp(op=op):
            yield from (("op", new()) for new in OTHER.get(type(op), ()))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert | ast.Not):
        yield "operand", ast.UnaryOp(op=node.op, operand=node.operand)


def values_instead(node: ast.AST) -> Iterator[tuple[str, object]]:
    match node:
        case ast.Constant(value=bool(value)):
            yield "value", not value
        case ast.Constant(value=int(value) | float(value)):
            yield "value", value + 1
            if value:
                yield "value", value / 2 if isinstance(value, float) else value - 1
        case ast.Attribute(attr=name) if name in NAMED:
            yield "attr", NAMED[name]
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMED:
            yield "id", NAMED[name]


def is_noticed(copy: Path, tests: list[str], seconds: float) -> bool:
    """Whether a fork that runs the tests fails, or takes far too long."""
    child = os.fork()
    if not child:
        run_tests(copy, tests)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        done, state = os.waitpid(child, os.WNOHANG)
        if done:
            return state != 0
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return True


def run_tests(copy: Path, tests: list[str]) -> None:
    import pytest
    from hypothesis import Phase, settings

    os.chdir(copy)
    sys.path.insert(0, str(copy))
    os.environ["PYTHONPATH"] = str(copy)
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutate", database=None, derandomize=True, phases=phases)
    settings.load_profile("mutate")
    loaded_before = "ignore::pytest.PytestAssertRewriteWarning"
    os._exit(int(pytest.main(["-x", "-q", "-pno:cacheprovider", "-W", loaded_before, *tests])))


def plant(copy: Path, path: Path, asked: argparse.Namespace, seconds: float) -> tuple[int, int]:
    """Plant the faults of one file; how many there were and how many nobody noticed."""
    whole = (copy / path).read_text(encoding="utf-8")
    faults = list((in_numbers if path.suffix == ".toml" else in_code)(whole))
    if asked.sample and asked.sample < len(faults):
        faults = random.Random(4).sample(faults, asked.sample)
    alive = 0
    for line, words, text in faults:
        (copy / path).write_text(text, encoding="utf-8")
        if not is_noticed(copy, asked.tests, seconds):
            alive += 1
            print(f"  {path}:{line}: {words}", flush=True)
    (copy / path).write_text(whole, encoding="utf-8")
    print(f"{path}: {len(faults) - alive} of {len(faults)} killed", flush=True)
    return len(faults), alive


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("targets", nargs="+", type=Path, help="from the top of the checkout")
    words.add_argument("--tests", nargs="+", required=True)
    words.add_argument("--sample", type=int, help="so many faults of each file, always the same")
    asked = words.parse_args()
    sys.dont_write_bytecode = True
    for module in ("hypothesis", "numpy", "pyarrow", "pytest", "scipy.optimize", "scipy.stats"):
        import_module(module)

    with tempfile.TemporaryDirectory() as place:
        copy = shutil.copytree(ROOT, Path(place) / "checkout", ignore=APART)
        (Path(place) / "shared").symlink_to(ROOT.parent.resolve() / "shared")
        started = time.monotonic()
        if is_noticed(copy, asked.tests, 600):
            sys.exit("the tests fail without any fault; mend them first")
        seconds = 5 + PATIENCE * (time.monotonic() - started)
        files = [f for t in asked.targets for f in (sorted(t.rglob("*.py")) if t.is_dir() else [t])]
        counts = [plant(copy, path, asked, seconds) for path in files]
    planted, alive = map(sum, zip(*counts, strict=True))
    print(f"{planted - alive} of {planted} killed, {alive} survived")
    return int(alive > 0)


if __name__ == "__main__":
    sys.exit(main())

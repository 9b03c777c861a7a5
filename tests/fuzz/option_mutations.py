"""What operators are told, and which operators they are."""

from __future__ import annotations

from random import Random
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tests.fuzz.mutation import (
    CODES,
    FLOATS,
    NotApplicableError,
    code_index,
    graph,
    ints,
    mutation,
    new_tensor,
    number,
    one_of,
    operator,
    operators_by_kind,
)
from tests.fuzz.single_operators import ROWS
from tests.fuzz.tree import CANNOT_BE_PACKED, FileTree
from tests.fuzz.writer import write

KINDS = {
    name: value for name, value in vars(schema.BuiltinOptions).items() if isinstance(value, int)
}
KINDS_2 = {
    name: value for name, value in vars(schema.BuiltinOptions2).items() if isinstance(value, int)
}
OPERATORS = sorted({row.code for row in ROWS})
_SMALL_NUMBERS = (0, -1, 1, 2, 3, 4, 5, 7, 127, -128)


def _packs(options: Any) -> bool:
    try:
        write(options)
    except CANNOT_BE_PACKED:
        return False
    return True


def _with_options(tree: FileTree, random: Random, name: str | None = None) -> tuple[Any, list[str]]:
    """An operator that has options, and their names."""
    found = operator(tree, random)
    options = found.builtinOptions
    names = [] if options is None else sorted(vars(options))
    if name is not None:
        names = [each for each in names if each.startswith(name)]
    if not names:
        raise NotApplicableError
    return found, names


def _set(options: Any, name: str, random: Random) -> None:
    """Gives one option another value that a file can hold."""
    old = getattr(options, name)
    for _ in range(8):
        value: Any
        if isinstance(old, bool):
            value = not old
        elif isinstance(old, float):
            value = random.choice(FLOATS)
        elif isinstance(old, int):
            value = number(random) if random.random() < 0.5 else random.choice(_SMALL_NUMBERS)
        elif old is None or isinstance(old, str | bytes):
            value = random.choice((None, [number(random)], [], "x", [number(random)] * 40))
        else:
            value = [number(random) for _ in range(random.choice((0, 1, len(old), 9, 40)))]
        setattr(options, name, value)
        if _packs(options):
            return
    setattr(options, name, old)


@mutation("option")
def _option(tree: FileTree, random: Random) -> None:
    found, names = _with_options(tree, random)
    _set(found.builtinOptions, random.choice(names), random)


@mutation("options-all")
def _all(tree: FileTree, random: Random) -> None:
    found, names = _with_options(tree, random)
    for name in names:
        _set(found.builtinOptions, name, random)


@mutation("option-stride")
def _stride(tree: FileTree, random: Random) -> None:
    found, names = _with_options(tree, random, "stride")
    for name in names:
        if random.random() < 0.7:
            _set(found.builtinOptions, name, random)


@mutation("option-dilation")
def _dilation(tree: FileTree, random: Random) -> None:
    found, names = _with_options(tree, random, "dilation")
    for name in names:
        if random.random() < 0.7:
            _set(found.builtinOptions, name, random)


@mutation("option-kernel")
def _kernel(tree: FileTree, random: Random) -> None:
    found, names = _with_options(tree, random, "filter")
    for name in names:
        _set(found.builtinOptions, name, random)


@mutation("option-padding")
def _padding(tree: FileTree, random: Random) -> None:
    found, _ = _with_options(tree, random, "padding")
    found.builtinOptions.padding = random.choice((0, 1, 2, -1, 127))


@mutation("option-activation")
def _activation(tree: FileTree, random: Random) -> None:
    found, _ = _with_options(tree, random, "fusedActivationFunction")
    found.builtinOptions.fusedActivationFunction = random.choice((1, 2, 3, 4, 5, 6, -1, 127))


@mutation("option-axis")
def _axis(tree: FileTree, random: Random) -> None:
    found, _ = _with_options(tree, random, "axis")
    found.builtinOptions.axis = random.choice((-1, -2, -5, -9, 1, 2, 3, 4, 5, 8, 2**31 - 1))


@mutation("option-type")
def _option_type(tree: FileTree, random: Random) -> None:
    """What CAST says that it casts, what SHAPE says that it gives, which kernel a matrix has."""
    found = operator(tree, random)
    names = [
        name
        for name in ("inDataType", "outDataType", "outType", "weightsFormat", "quantizedBiasType")
        if found.builtinOptions is not None and hasattr(found.builtinOptions, name)
    ]
    setattr(found.builtinOptions, one_of(random, names), random.choice((*range(20), -1, 127)))


@mutation("options-missing")
def _missing(tree: FileTree, random: Random) -> None:
    found, _ = _with_options(tree, random)
    found.builtinOptions = None
    if random.random() < 0.7:
        found.builtinOptionsType = 0


@mutation("options-of-another-operator")
def _another(tree: FileTree, random: Random) -> None:
    """A whole table of another kind, said to be of that kind."""
    found = operator(tree, random)
    kind = random.choice(sorted(KINDS))
    if kind == "NONE":
        raise NotApplicableError
    found.builtinOptionsType, found.builtinOptions = KINDS[kind], getattr(schema, f"{kind}T")()
    if random.random() < 0.5:
        for name in sorted(vars(found.builtinOptions)):
            _set(found.builtinOptions, name, random)


@mutation("options-second")
def _second(tree: FileTree, random: Random) -> None:
    found = operator(tree, random)
    kind = random.choice(sorted(KINDS_2))
    if kind == "NONE":
        raise NotApplicableError
    found.builtinOptions2Type, found.builtinOptions2 = KINDS_2[kind], getattr(schema, f"{kind}T")()


@mutation("options-custom")
def _custom(tree: FileTree, random: Random) -> None:
    found = operator(tree, random)
    found.customOptions = [random.randrange(256) for _ in range(random.choice((0, 1, 64)))]
    if random.random() < 0.3:
        found.largeCustomOptionsOffset = random.choice((1, 100, 2**32, 2**64 - 1))
        found.largeCustomOptionsSize = random.choice((1, 100, 2**32, 2**64 - 1))


@mutation("metadata-index")
def _metadata_index(tree: FileTree, random: Random) -> None:
    found = operator(tree, random) if random.random() < 0.6 else graph(tree, random)
    found.debugMetadataIndex = random.choice((0, 1, 2, 1000, 2**31 - 1))


@mutation("code-of-another-operator")
def _code(tree: FileTree, random: Random) -> None:
    """All operators of one kind become another, with the operands and options that they have."""
    code = one_of(random, tree.model.operatorCodes)
    name = random.choice(OPERATORS)
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)


@mutation("code-of-one-operator")
def _one_code(tree: FileTree, random: Random) -> None:
    """One operator becomes another; its options with it, half of the time."""
    found = operator(tree, random)
    name = random.choice(OPERATORS)
    builtin = getattr(schema.BuiltinOperator, name)
    found.opcodeIndex = code_index(tree, builtin, random.choice((1, 1, 2, 3, 5)))
    if random.random() < 0.5:
        kind = random.choice(sorted(KINDS)[1:])
        found.builtinOptionsType, found.builtinOptions = 0, None
        if kind != "NONE" and random.random() < 0.5:
            found.builtinOptionsType = KINDS[kind]
            found.builtinOptions = getattr(schema, f"{kind}T")()


@mutation("code-unwanted", loud=True)
def _unwanted(tree: FileTree, random: Random) -> None:
    """Control flow, variables, custom code: nothing that a stream model needs."""
    code = one_of(random, tree.model.operatorCodes)
    unwanted = [code for code, name in CODES.items() if name not in OPERATORS]
    code.builtinCode = random.choice((*unwanted, 300, 2**31 - 1, -1, -(2**31)))
    code.deprecatedBuiltinCode = min(max(code.builtinCode, -128), 127)
    if random.random() < 0.3:
        code.customCode = random.choice(
            ("x", "Flex", "FlexAdd", "TFLite_Detection_PostProcess", "")
        )


@mutation("code-deprecated")
def _deprecated(tree: FileTree, random: Random) -> None:
    """The two fields that say which operator it is say different things."""
    code = one_of(random, tree.model.operatorCodes)
    code.deprecatedBuiltinCode = random.choice((0, 1, 3, 32, 126, 127, -1, -128))


@mutation("code-version")
def _version(tree: FileTree, random: Random) -> None:
    code = one_of(random, tree.model.operatorCodes)
    code.version = random.choice((*range(14), -1, 2**31 - 1, -(2**31)))


@mutation("code-missing", loud=True)
def _code_missing(tree: FileTree, random: Random) -> None:
    count = len(tree.model.operatorCodes)
    if random.random() < 0.3:
        tree.model.operatorCodes = random.choice(([], None))
    else:
        operator(tree, random).opcodeIndex = random.choice((count, count + 1, 2**31, 2**32 - 1))


@mutation("operator-duplicated")
def _duplicated(tree: FileTree, random: Random) -> None:
    found = graph(tree, random)
    chosen = one_of(random, found.operators)
    place = random.randint(0, len(found.operators))
    found.operators[place:place] = [chosen] * random.choice((1, 1, 2, 100))


@mutation("operator-removed")
def _removed(tree: FileTree, random: Random) -> None:
    found = graph(tree, random)
    chosen = one_of(random, operators_by_kind(found, random))
    found.operators.remove(chosen)


@mutation("operators-removed")
def _all_removed(tree: FileTree, random: Random) -> None:
    found = graph(tree, random)
    found.operators = random.choice(([], None, found.operators[:1], found.operators[-1:]))


@mutation("operators-reordered")
def _reordered(tree: FileTree, random: Random) -> None:
    operators = graph(tree, random).operators
    if len(operators) < 2:
        raise NotApplicableError
    first, second = random.sample(range(len(operators)), 2)
    operators[first], operators[second] = operators[second], operators[first]


@mutation("operator-inserted")
def _inserted(tree: FileTree, random: Random) -> None:
    """A new operator between others, on tensors that are there, whose result somebody reads."""
    found = graph(tree, random)
    place = random.randint(0, len(found.operators))
    ready = {*ints(found.inputs)}
    for each in found.operators[:place]:
        ready |= {index for index in ints(each.outputs) if 0 <= index < len(found.tensors)}
    operands = [one_of(random, sorted(ready)) for _ in range(random.randint(1, 3))]
    inserted = schema.OperatorT()
    name = random.choice(OPERATORS)
    builtin = getattr(schema.BuiltinOperator, name)
    inserted.opcodeIndex = code_index(tree, builtin, random.choice((1, 1, 2)))
    result = new_tensor(found, found.tensors[operands[0]])
    inserted.inputs, inserted.outputs = operands, [result]
    candidates = [each for each in found.operators if _name_of(tree, each) == name]
    if candidates:
        inserted.builtinOptionsType = candidates[0].builtinOptionsType
        inserted.builtinOptions = candidates[0].builtinOptions
    for later in found.operators[place:]:
        read = ints(later.inputs)
        if operands[0] in read:
            later.inputs = [result if index == operands[0] else index for index in read]
            break
    found.operators.insert(place, inserted)


@mutation("operators-chained")
def _chained(tree: FileTree, random: Random) -> None:
    """One operator many times, each on the result of the one before: does it grow without end?"""
    found = graph(tree, random)
    chosen = one_of(random, operators_by_kind(found, random))
    place = found.operators.index(chosen)
    results, operands = ints(chosen.outputs), ints(chosen.inputs)
    if len(results) != 1 or not operands or not 0 <= results[0] < len(found.tensors):
        raise NotApplicableError
    slot = random.randrange(len(operands))
    final, last = results[0], results[0]
    links: list[Any] = []
    for _ in range(random.choice((1, 2, 4, 16, 64))):
        link = schema.OperatorT()
        link.opcodeIndex, link.builtinOptions = chosen.opcodeIndex, chosen.builtinOptions
        link.builtinOptionsType = chosen.builtinOptionsType
        link.inputs = [last if i == slot else index for i, index in enumerate(operands)]
        last = new_tensor(found, found.tensors[final])
        link.outputs = [last]
        links.append(link)
    found.operators[place + 1 : place + 1] = links
    for later in found.operators[place + 1 + len(links) :]:
        later.inputs = [last if index == final else index for index in ints(later.inputs)]


def _name_of(tree: FileTree, found: Any) -> str:
    """An operator's name, or nothing."""
    codes = tree.model.operatorCodes
    if not 0 <= found.opcodeIndex < len(codes):
        return ""
    return CODES.get(codes[found.opcodeIndex].builtinCode, "")

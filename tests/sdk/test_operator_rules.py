"""The table of what a model file may hold: complete, true to the schema, and what engines take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from movistream.engines import open_engine
from movistream.engines.options import EngineOptions
from movistream.file import operator_rules, operators
from movistream.file.operators import FORMAT
from movistream.file.shape_rules import SHAPE_RULES
from movistream.file.tensors import Quantization, Tensor
from tests.operator_samples import sample, samples

JAVA_COPY = "android_demo/core/src/main/resources/org/movistream/core/tflite.json"


def test_every_operator_has_a_rule_for_its_shape() -> None:
    assert {rules.shape for rules in FORMAT.operators.values()} == set(SHAPE_RULES)


def test_every_operator_has_known_options() -> None:
    used = {rules.options for rules in FORMAT.operators.values()} - {None}
    assert used == set(FORMAT.options)


def test_every_type_names_each_operand_and_the_result() -> None:
    for name, rules in FORMAT.operators.items():
        for types in rules.types:
            assert len(types) == len(rules.operands) + 1, name


def test_names_and_codes_are_those_of_the_schema() -> None:
    codes = {name: code for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
    for code, name in enumerate(FORMAT.operator_names):
        assert codes[name] == code
    assert set(FORMAT.operators) <= set(codes)
    for name, table in FORMAT.options.items():
        assert getattr(schema.BuiltinOptions, name) == table.type


def test_tables_have_the_fields_of_the_schema() -> None:
    """Names and order; LiteRT's package may know fields more or less at the end."""
    for table, fields in FORMAT.tables.items():
        known = [name.lower() for name in vars(getattr(schema, f"{table}T")())]
        ours = [field.name.replace("_", "") for field in fields]
        count = min(len(known), len(ours))
        if table == "SignatureDef":
            # A deprecated field has a place, but no name in generated code.
            ours.remove("deprecatedtag")
            count = len(ours)
        assert known[:count] == ours[:count], table


def test_the_java_core_has_the_same_table() -> None:
    copy = Path(__file__).parents[2] / JAVA_COPY
    assert copy.read_bytes() == Path(operators.__file__).with_name("tflite.json").read_bytes()


@pytest.mark.parametrize(
    ("channels", "described"), [(1, "1 scale"), (2, "2 scales"), (8, "8 scales")]
)
def test_what_a_message_says_of_a_tensor(channels: int, described: str) -> None:
    quantization = Quantization(0.5, 0.5, 0, channels, b"", axis=0, symmetric=True)
    tensor = Tensor(0, "t", (8,), "int8", 8, None, quantization)
    assert operator_rules._described(tensor) == f"int8 ({described})"


@pytest.mark.parametrize("engine", ["compiled-model", "interpreter"])
def test_engines_take_what_the_table_allows(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    for name, types in samples():
        if name in operators.SIZING_OPERATORS and engine == "compiled-model":
            continue
        path.write_bytes(sample(name, types))
        _run(path, engine)


def _run(path: Path, name: str) -> None:
    _, engine = open_engine(name, path, "serving_default", EngineOptions(threads=1))
    inputs = [engine.create_input(each) for each in engine.input_names]
    outputs = [engine.create_output(each) for each in engine.output_names]
    for buffer in inputs:
        engine.write(buffer, np.ones_like(engine.read(buffer)))
    engine.run(inputs, outputs)
    engine.close()

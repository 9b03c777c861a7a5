"""Texts that are JSON, and texts that are none; a manifest's reader has to know."""

from __future__ import annotations

import json
from typing import Any

import msgspec

_TEXTS = (
    *("0", "-0", "1.5", "1e5", "-2.5E-3", "1.0e-400", "123456789012345678901234567890"),
    *("true", "false", "null", " [ 1 , 2 ] ", "\t{}\r\n", '{"a":{"b":[]}}', '{"a":1,"a":2}'),
    *('"\\u00e9\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\uABCD\\uabcd"', '"\\ud83d\\ude00"', '"é😀\x7f"'),
    *("", " ", "{", "[1,]", '{"a"}', "{a:1}", '{"a":1,}', '{"a":1 "b":2}', "{1:2}", "[1 2]"),
    *("[]]", "1 2", "01", "00", "-01", "1.", ".5", "+1", "--1", "-", "1e", "1e+", "0x10", "1_0"),
    *("nul", "True", "NaN", "nan", "Infinity", "-Infinity", "1e999", "-1e999", "'a'", "/**/1"),
    *('"', '"a', '"\n"', '"\x01"', '"\\x"', '"\\0"', '"\\u12"', '"\\u12G4"', '"\\U0041"'),
    # Digits that other alphabets have.
    *("١", "1.٢", "1e٣", "１", '"\\u００４１"', '"\\u٠٠٤١"', '"\\u004１"', '"\\u00４1"'),
    # Spaces that are none of JSON's.
    *("\ufeff1", "\xa01", "\x0b1", "\x0c1", "\u20281"),
    # Halves of a character.
    *('"\\ud800"', '"\\ud83dx"', '"\\ud83d\\n"', '"\\ude00"', '"\\ude00\\ud83d"', '"\\ud83d'),
    *('"\\ud83d\\ud83d"', '"\\ud83d\\u0041"'),
)


def texts() -> list[dict[str, Any]]:
    """Each with its value, as JSON of our own writing; without one where it is none."""
    return [{"text": text, **_value(text)} for text in _TEXTS]


def _value(text: str) -> dict[str, str]:
    try:
        value = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return {"value": json.dumps(value)}

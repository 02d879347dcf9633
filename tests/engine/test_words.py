"""Numbers and tables as readers see them."""

import math

import pytest

from reprise.claims.verdict import above
from reprise.engine.words import markdown_table, number, with_interval


@pytest.mark.parametrize(
    ("value", "digits", "sign", "text"),
    [
        (-0.4125, 2, False, "−0.41"),
        (0.4125, 2, True, "+0.41"),
        (-0.0004, 3, False, "0.000"),
        (-0.0004, 3, True, "+0.000"),
        (-12.0, 0, False, "−12"),
        (math.nan, 3, False, "nan"),
    ],
)
def test_a_number_has_a_true_minus_and_no_negative_zero(value, digits, sign, text):
    assert number(value, digits, sign) == text


def test_an_interval_stands_where_there_is_one():
    assert with_interval(-0.1, -0.25, 0.05, 2) == "−0.10 [−0.25, 0.05]"
    assert with_interval(0.1, -0.25, 0.45, 1, sign=True) == "+0.1 [−0.2, +0.5]"
    assert with_interval(-0.1, math.nan, math.nan) == "−0.100"


def test_points_have_two_digits_other_numbers_three():
    values = [-1.0, 0.0, 1.0, 2.0, 3.0]
    assert above("gap", values, unit="points").amount() == "1.00 [−0.96, 2.96] points"
    assert above("gap", values).amount() == "1.000 [−0.963, 2.963]"
    assert above("gap", values, unit="points").interval(1) == "1.0 [−1.0, 3.0]"


def test_a_table_has_a_rule_below_its_head_and_a_cell_a_column():
    text = markdown_table(["", "n", "IoU"], [["none", 5, "0.87"], ["both", 10, "–"]])
    assert text.split("\n") == [
        "|  | n | IoU |",
        "| --- | --- | --- |",
        "| none | 5 | 0.87 |",
        "| both | 10 | – |",
    ]
    assert markdown_table(["a"], []).count("\n") == 1
    with pytest.raises(ValueError, match=r"2 columns, but 1 cells in \['none'\]"):
        markdown_table(["", "n"], [["both", 2], ["none"]])

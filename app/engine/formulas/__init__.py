"""Discounts and limits that depend on the order: `IF(ORDER_AMOUNT > 200; 10; 5)`. Contract: surface.md section 5."""

from app.engine.formulas.errors import InvalidFormula
from app.engine.formulas.fields import EarningFormula, LineFormula, OrderFormula, PriceFormula, checked_formula
from app.engine.formulas.formula import Formula, parse_formula
from app.engine.formulas.nodes import print_formula
from app.engine.formulas.results import amount_of, percent_of_formula, whole_of
from app.engine.formulas.scope import FormulaScope
from app.engine.formulas.variables import ALL_VARIABLES, EARNING_VARIABLES, ITEM_VARIABLES, ORDER_VARIABLES

__all__ = [
    "ALL_VARIABLES",
    "EARNING_VARIABLES",
    "ITEM_VARIABLES",
    "ORDER_VARIABLES",
    "EarningFormula",
    "Formula",
    "FormulaScope",
    "InvalidFormula",
    "LineFormula",
    "OrderFormula",
    "PriceFormula",
    "amount_of",
    "checked_formula",
    "parse_formula",
    "percent_of_formula",
    "print_formula",
    "whole_of",
]

"""What can go wrong with a formula: when it is saved, and when it is computed."""


class InvalidFormula(ValueError):
    """A formula that means nothing.

    `position` counts the characters before the error; `line` and `column` count from 1, as `message` does, which names
    the place and says what is wrong there.
    """

    def __init__(self, text: str, position: int, problem: str, hint: str = "") -> None:
        self.position = min(position, len(text))
        before = text[: self.position]
        self.line = before.count("\n") + 1
        self.column = self.position - (before.rfind("\n") + 1) + 1
        place = f"Line {self.line}, character {self.column}" if "\n" in text else f"Character {self.column}"
        self.message = f"{place}: {problem}.{hint and ' ' + hint}"
        super().__init__(self.message)


class Flaw(Exception):
    """What is wrong and where, found by a part of the parser that does not know the whole text."""

    def __init__(self, position: int, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.position = position
        self.problem = problem
        self.hint = hint


class NotComputable(Exception):
    """The formula asks for something that this cart does not have, or does with it what cannot be done."""


CANNOT = (NotComputable, ArithmeticError)
"""Everything that computing may raise: Decimal's errors and the end of the calendar are arithmetic errors."""

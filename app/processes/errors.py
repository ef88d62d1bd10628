"""Why a command cannot do its work."""


class CannotStart(Exception):
    """Something outside is in the way: a port, a directory, a database. The text is one line that says what to do."""

"""The one exception that users are meant to see."""


class EcglibError(ValueError):
    """Input that cannot be used, told in one line: what is wrong, where, what to do.

    The command line prints the message alone and exits with status 1.
    """

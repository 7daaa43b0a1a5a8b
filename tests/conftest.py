"""What tests of several areas use."""

import pytest

from simulator import cli


@pytest.fixture
def clustersim(capsys):
    """Run a command; gives (exit code, standard output, standard error)."""

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            cli.main([str(argument) for argument in arguments])
        output = capsys.readouterr()
        return caught.value.code, output.out, output.err

    return run

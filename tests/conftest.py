"""What tests of several areas use."""

import sys
from pathlib import Path

import pytest

from simulator import cli

# Tests import what they share from files beside them, which pytest's import mode "importlib" does not look for.
sys.path += sorted(str(folder) for folder in Path(__file__).parent.iterdir() if folder.is_dir())


@pytest.fixture
def clustersim(capsys):
    """Run a command; gives (exit code, standard output, standard error)."""

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            cli.main([str(argument) for argument in arguments])
        output = capsys.readouterr()
        return caught.value.code, output.out, output.err

    return run

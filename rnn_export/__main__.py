"""``python -m rnn_export``: the command line, the same program as the console script ``rnn-export``."""

from rnn_export.cli.app import main

if __name__ == "__main__":
    main()

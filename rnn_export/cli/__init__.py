"""The command line: the only layer that prints. One small file per command, loaded when it is called."""

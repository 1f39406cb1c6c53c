"""The conformance matrix: every form on every runtime, measured: does it run, does it agree, how fast, or why not."""

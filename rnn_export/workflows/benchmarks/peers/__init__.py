"""Other ways to run the same network, only to be timed: each a `Runtime` in a worker, none ever trusted."""

"""The faults that mutants have, by what is wrong."""

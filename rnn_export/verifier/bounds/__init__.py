"""Bounds: how far a correct runtime may lie from the float64 value, from unit roundoff and sizes alone."""

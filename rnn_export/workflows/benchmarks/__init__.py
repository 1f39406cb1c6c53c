"""`bench`: how fast each form runs on each runtime, beside peers and the floor, all in one run.

Peers' workers import from this folder in environments of their own: nothing here may import more than NumPy.
"""

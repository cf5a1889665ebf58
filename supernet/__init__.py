"""Supernets: every operation of a space on every edge, weighted by architecture parameters.

A supernet is ``ranknosh.spaces.nets.build`` with a mixed edge factory from ``supernet.edges`` in place of a chosen
operation: the skeleton, the cells and the operation modules are those of the discrete networks.
"""

"""What lies where in memory, and which thread works on which part of it.

`records` are the tables of addresses that kernels get, `memory_plan` fills them for a network and a
batch size, `packing` lays parameters out in panels, `blocking` has the sizes into which work is
cut, and `partition` each thread's share of a layer.
"""

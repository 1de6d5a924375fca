"""How machine code is made: instructions as Python calls, compiled once and kept in a cache.

`simd` writes vector instructions, `vector_op` makes functions of them, `kernel` compiles a stage
and gives its address; `numba_types` names what lies in memory, `buffers` aligns it. `cache` and
`cache_file` keep what was compiled, by a key that holds its `sources`; `compile_notice` says so
when that takes long. `denormals` has a processor flush them to zero. Nothing here knows what a
network is.
"""

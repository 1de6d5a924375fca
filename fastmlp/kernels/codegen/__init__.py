"""How machine code is made: instructions emitted by Python calls, compiled once, then cached.

`registers` finds the processor's vector width; `simd` emits vector instructions, `vector_op` turns
them into functions, and `kernel` compiles a stage and returns its address. `numba_types` describes
what lies in memory to Numba, `buffers` allocates it aligned. `cache` and `cache_file` store machine
code under a key that includes its `sources`; `compile_notice` tells the user when compiling takes
long. `brief` has loops that keep the interpreter. `denormals` makes a processor flush denormal
results to zero. Nothing here knows what a network is.
"""

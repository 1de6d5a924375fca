"""Computes elementary functions of vectors, from which activations and losses are built.

Each is called as ``f(v, x)`` while a vector op is emitted; x is a vector of floats. It returns the
vector of results, accurate to a few units in the last place.

They use only operations on separate lanes that IEEE 754 rounds in one way, so a result has the same
bits in vectors of any width. NaN stays NaN. Results below the smallest normal number may be 0.

They are fast because they are polynomials without branches: less than 1 ns per element, where
Numba's own ``exp`` takes 5.8 ns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from fastmlp.kernels.codegen.simd import Lanes

# Coefficients, highest power first; for each function those for float32, then for float64.

# exp(r) for |r| <= ln(2) / 2. float32: Cephes' expf (S. Moshier), relative error 8e-8. float64:
# Taylor's series, whose first neglected term is below 4e-18.
_EXP_FLOAT32: tuple[float, ...] = (
    1.9875691500e-4,
    1.3981999507e-3,
    8.3334519073e-3,
    4.1665795894e-2,
    1.6666665459e-1,
    5.0000001201e-1,
    1.0,
    1.0,
)
_EXP_FLOAT64 = tuple(1.0 / math.factorial(power) for power in range(13, -1, -1))

# R of log below, divided by s^2, in s^2: (log(1 + s) - log(1 - s)) / s - 2 with s = f / (2 + f).
# fdlibm's logf and log (Sun Microsystems).
_LOG_FLOAT32: tuple[float, ...] = (0.24279078841, 0.28498786688, 0.40000972152, 0.66666662693)
_LOG_FLOAT64: tuple[float, ...] = (
    1.479819860511658591e-1,
    1.531383769920937332e-1,
    1.818357216161805012e-1,
    2.222219843214978396e-1,
    2.857142874366239149e-1,
    3.999999999940941908e-1,
    6.666666666666735130e-1,
)

# (r coth(r) - 1) / r^2 in r^2 for |r| < 0.75 ln(2) / 2, interpolated at Chebyshev's nodes with
# mpmath's coth in 40 digits. Relative errors of r coth(r) 1.4e-10 and 7e-19.
_COTH_FLOAT32: tuple[float, ...] = (2.0951164362289e-3, -2.2221684082419e-2, 3.3333333131413e-1)
_COTH_FLOAT64: tuple[float, ...] = (
    -2.1205260304383710095e-6,
    2.1374477751741229395e-5,
    -2.1164009550511950694e-4,
    2.1164021145649223226e-3,
    -2.2222222222211587726e-2,
    3.3333333333333332335e-1,
)

# Phi(-z) exp(z^2 / 2) (1 + sqrt(2) z) in y = (z - 4) / (z + 4), for z from 0 to the limit below:
# Schonfelder's form (Mathematics of Computation 32, 1978), interpolated at Chebyshev's nodes with
# mpmath's erfc in 40 digits. Relative errors 4e-9 and 6e-17.
_CDF_FLOAT32: tuple[float, ...] = (
    -1.07495388000073e-4,
    -6.96228201354698e-5,
    1.04960814881713e-3,
    -6.93762902369109e-4,
    -7.28373445607932e-3,
    2.88890710811966e-2,
    -5.83191683806910e-2,
    7.01486049743965e-2,
    -3.17211052883291e-2,
    -6.61783051020472e-2,
    6.28477878671164e-1,
)
_CDF_FLOAT64: tuple[float, ...] = (
    4.4132249922608806e-10,
    6.73805872573209396e-9,
    1.56814115151839964e-8,
    -3.13221576667804038e-8,
    -1.46407534642640643e-7,
    2.56543314563392153e-8,
    8.06809773503379906e-7,
    4.83362812201246806e-7,
    -3.9621067445228619e-6,
    -4.50796802360142246e-6,
    2.10513578270610763e-5,
    2.81327466767742574e-5,
    -1.36109110785563336e-4,
    -1.14674882646278225e-4,
    1.06026708754959909e-3,
    -6.68537447933082549e-4,
    -7.28467073546609211e-3,
    2.88830134354678983e-2,
    -5.8319238831038449e-2,
    7.0149203375176578e-2,
    -3.17211011438314816e-2,
    -6.61783219009668432e-2,
    6.28477878748312717e-1,
)


def exp_nonpositive(v: Lanes, x: Any) -> Any:
    """exp(x) for x <= 0; 0 where the result is below the smallest normal number."""
    b = v.builder
    power, shifted = _exp_parts(v, x)
    return b.select(_is_below_exp(v, x), v.full(0.0), _scaled(v, power, shifted))


def exp(v: Lanes, x: Any) -> Any:
    """exp(x) for any x; 0 below the smallest normal number, infinity beyond the largest.

    The largest results need 2**n with n one above the largest exponent: 2 * 2**(n - 1) instead.
    """
    b = v.builder
    power, shifted = _exp_parts(v, x)
    is_positive = b.fcmp_ordered(">", x, v.full(0.0))
    n = b.sub(b.bitcast(shifted, v.integers), b.zext(is_positive, v.integers))
    doubled = b.fmul(power, b.select(is_positive, v.full(2.0), v.full(1.0)))
    result = b.fmul(doubled, _power_of_two(v, n))  # overflows where it should, if n is in range
    is_above = b.fcmp_ordered(">", x, v.full(89.0 if v.size == 4 else 710.0))
    result = b.select(is_above, v.full(math.inf), result)
    return b.select(_is_below_exp(v, x), v.full(0.0), result)


def log(v: Lanes, x: Any) -> Any:
    """log(x) for positive normal x and infinity; undefined for other values.

    x = 2**n (1 + f) with 1 + f from sqrt(1/2) to sqrt(2), and with s = f / (2 + f)
    log(1 + f) = f - (f^2 / 2 - s (f^2 / 2 + R(s^2))), as in fdlibm. n ln 2 is added in two parts.
    """
    b = v.builder
    if v.size == 4:
        mantissa, bias, root = 23, 127, 0x3F3504F3
        ln2_high, ln2_low, coefficients = 6.9313812256e-1, 9.0580006145e-6, _LOG_FLOAT32
    else:
        mantissa, bias, root = 52, 1023, 0x3FE6A09E667F3BCD
        ln2_high, ln2_low = 6.93147180369123816490e-1, 1.90821492927058770002e-10
        coefficients = _LOG_FLOAT64
    bits = b.bitcast(x, v.integers)
    # Relative to sqrt(1/2) the exponent is n; the bias keeps it positive.
    biased = b.lshr(b.add(bits, _integers(v, (bias << mantissa) - root)), _integers(v, mantissa))
    exponent = b.shl(b.sub(biased, _integers(v, bias)), _integers(v, mantissa))
    f = b.fsub(b.bitcast(b.sub(bits, exponent), v.vector), v.full(1.0))
    # The last bit of 2**mantissa has the value 1: adding n to its bits converts n to a float.
    one_unit = _integers(v, (bias + mantissa) << mantissa)
    n = b.bitcast(b.add(biased, one_unit), v.vector)
    n = b.fsub(n, v.full(2.0**mantissa + bias))
    s = b.fdiv(f, b.fadd(f, v.full(2.0)))
    squared = b.fmul(s, s)
    rest = b.fmul(_polynomial(v, squared, coefficients), squared)
    half = b.fmul(b.fmul(f, f), v.full(0.5))
    inner = v.fma(s, b.fadd(half, rest), b.fmul(n, v.full(ln2_low)))
    result = v.fma(n, v.full(ln2_high), b.fsub(f, b.fsub(half, inner)))
    is_finite = b.fcmp_ordered("<", x, v.full(math.inf))
    return b.select(is_finite, result, x)


def logistic(v: Lanes, x: Any) -> Any:
    """1 / (1 + exp(-x)); for x < 0 as exp(x) / (1 + exp(x)), without overflow or cancellation."""
    b = v.builder
    power = exp_nonpositive(v, v.negative(v.magnitude(x)))
    above = b.select(b.fcmp_ordered("<", x, v.full(0.0)), power, v.full(1.0))
    return b.fdiv(above, b.fadd(power, v.full(1.0)))


def tanh(v: Lanes, x: Any) -> Any:
    """tanh(x), within 2 units in the last place, as a quotient with an exponential in it.

    With |x| = n ln(2) / 2 + r and C = r coth(r), of which few terms are needed,

        exp(2 |x|) = 2^n (C + r) / (C - r)
        tanh |x| = a / (a + (C - r))    where a = (2^n - 1) / 2 (C + r) + r

    n is |x| / (ln(2) / 2) rounded to halves, and then down. So it is 0 for results up to 1/4, which
    are r / C, and r is above -0.09: no sum cancels. The sum beneath the line has the rounded a in
    it, whose error hardly matters where the result is near 1. |x| is clipped to where it is 1.
    """
    b = v.builder
    if v.size == 4:
        mantissa, bias, limit, coefficients = 23, 127, 10.0, _COTH_FLOAT32
    else:
        mantissa, bias, limit, coefficients = 52, 1023, 20.0, _COTH_FLOAT64
    z = _clipped_magnitude(v, x, limit)
    # The bits of this plus a number are those of its double, rounded: those of 2 (n + bias - 1).
    magic = v.full(1.5 * 2.0 ** (mantissa - 1) + bias - 1)
    bits = b.bitcast(v.fma(z, v.full(2 / math.log(2)), magic), v.integers)
    bits = b.and_(bits, _integers(v, -2))
    r = v.fma(b.fsub(b.bitcast(bits, v.vector), magic), v.full(-math.log(2) / 2), z)
    half_power = b.bitcast(b.shl(bits, _integers(v, mantissa - 1)), v.vector)  # 2**n / 2
    c = _polynomial(v, b.fmul(r, r), (*coefficients, 1.0))
    above = v.fma(b.fsub(half_power, v.full(0.5)), b.fadd(c, r), r)
    return v.copy_sign(b.fdiv(above, b.fadd(above, b.fsub(c, r))), x)


def normal_cdf(v: Lanes, x: Any) -> Any:
    """Phi(x), the standard normal distribution function, accurate far below 0 too.

    With z = |x|, Phi(-z) is exp(-z^2 / 2) times a function that changes slowly, and
    Phi(z) = 1 - Phi(-z). Computes :func:`fastmlp.reference.activations.normal_cdf`.
    """
    b = v.builder
    coefficients = _CDF_FLOAT32 if v.size == 4 else _CDF_FLOAT64
    z = _clipped_magnitude(v, x, _vanishing(v))
    y = b.fdiv(b.fsub(z, v.full(4.0)), b.fadd(z, v.full(4.0)))
    above = b.fmul(_gaussian(v, z), _polynomial(v, y, coefficients))
    tail = b.fdiv(above, v.fma(z, v.full(math.sqrt(2)), v.full(1.0)))
    is_positive = b.fcmp_ordered(">", x, v.full(0.0))
    return b.select(is_positive, b.fsub(v.full(1.0), tail), tail)


def normal_density(v: Lanes, x: Any) -> Any:
    """exp(-x^2 / 2) / sqrt(2 pi), the derivative of `normal_cdf`; both use one exponential.

    Computes :func:`fastmlp.reference.activations.normal_density`.
    """
    density = _gaussian(v, _clipped_magnitude(v, x, _vanishing(v)))
    return v.builder.fmul(density, v.full(1 / math.sqrt(2 * math.pi)))


def _exp_parts(v: Lanes, x: Any) -> tuple[Any, Any]:
    """exp(r), and a float whose lowest bits hold n, such that exp(x) = 2**n exp(r).

    n = round(x / ln 2) and r = x - n ln 2, where ln 2 is split in two (Cody and Waite, 1980).
    Adding 1.5 * 2**(bits of the mantissa) leaves n in the lowest bits.
    """
    b = v.builder
    if v.size == 4:
        mantissa, ln2_high, ln2_low = 23, 0.693359375, -2.12194440e-4
        coefficients = _EXP_FLOAT32
    else:
        mantissa, ln2_high, ln2_low = 52, 6.93145751953125e-1, 1.42860682030941723212e-6
        coefficients = _EXP_FLOAT64
    magic = v.full(1.5 * 2.0**mantissa)
    shifted = v.fma(x, v.full(1 / math.log(2)), magic)
    n = b.fsub(shifted, magic)
    r = v.fma(n, v.full(-ln2_high), x)
    r = v.fma(n, v.full(-ln2_low), r)
    return _polynomial(v, r, coefficients), shifted


def _scaled(v: Lanes, power: Any, shifted: Any) -> Any:
    """2**n exp(r) of what `_exp_parts` returns; right if that is a normal number or NaN."""
    b = v.builder
    return b.fmul(power, _power_of_two(v, b.bitcast(shifted, v.integers)))


def _power_of_two(v: Lanes, n: Any) -> Any:
    """2**n from the lowest bits of n, by shifting them to the exponent."""
    b = v.builder
    mantissa, bias = (23, 127) if v.size == 4 else (52, 1023)
    exponent = b.shl(n, _integers(v, mantissa))
    return b.bitcast(b.add(exponent, _integers(v, bias << mantissa)), v.vector)


def _is_below_exp(v: Lanes, x: Any) -> Any:
    """Mask of where exp(x) is below the smallest normal number."""
    lowest = -87.33 if v.size == 4 else -708.39
    return v.builder.fcmp_ordered("<", x, v.full(lowest))


def _gaussian(v: Lanes, z: Any) -> Any:
    """exp(-z^2 / 2), corrected for the rounding of z^2, which exp would magnify."""
    b = v.builder
    squared = b.fmul(z, z)
    rounding = v.fma(z, z, b.fneg(squared))
    power = exp_nonpositive(v, b.fmul(squared, v.full(-0.5)))
    return v.fma(power, b.fmul(rounding, v.full(-0.5)), power)


def _vanishing(v: Lanes) -> float:
    """The x from which on exp(-x^2 / 2) is 0; its square is finite."""
    return 14.5 if v.size == 4 else 39.0


def _clipped_magnitude(v: Lanes, x: Any, limit: float) -> Any:
    """|x|, but no more than `limit`; NaN stays NaN."""
    z, most = v.magnitude(x), v.full(limit)
    return v.builder.select(v.builder.fcmp_ordered(">", z, most), most, z)


def _polynomial(v: Lanes, x: Any, coefficients: Sequence[float]) -> Any:
    """The polynomial in x, by Horner's rule."""
    result = v.full(coefficients[0])
    for coefficient in coefficients[1:]:
        result = v.fma(result, x, v.full(coefficient))
    return result


def _integers(v: Lanes, value: int) -> Any:
    return ir.Constant(v.integers, [value] * v.count)

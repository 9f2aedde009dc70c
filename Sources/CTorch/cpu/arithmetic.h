// Arithmetic shared by the fused kernels.
#pragma once

#include "../internal.h"

#include <ATen/core/Tensor.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#define CT_INLINE static inline __attribute__((always_inline))

namespace ctorch::cpu {

/// eˣ to about one unit in the last place, 0 below -87, NaN for NaN, in a form that compilers vectorise.
CT_INLINE float fast_exp(float x) {
    const float bounded = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
    // At this size a float's last bit is worth 1: adding it rounds to the nearest whole number, which is then in the last
    // bits. For NaN they are any bits, where a conversion to an integer would be undefined.
    const float whole = 12582912.0f, scaled = bounded * 1.44269504088896341f;
    const float shifted = scaled + whole, n = shifted - whole;
    const float r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    const uint32_t exponent = std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(whole) + 127;
    const float scale = std::bit_cast<float>(exponent << 23);
    return x < -87.0f ? 0.0f : p * scale;
}

/// tanh x to a few units in the last place, in a form that compilers vectorise.
CT_INLINE float fast_tanh(float x) {
    const float size = std::fabs(x), square = x * x;
    // A polynomial fitted to (tanh x / x - 1) / x², for what is left of 1 would have no digits near 0.
    float p = -5.93298e-3f;
    p = p * square + 2.088132e-2f;
    p = p * square - 5.382585e-2f;
    p = p * square + 1.3332602e-1f;
    p = p * square - 3.3333327e-1f;
    const float near = x + x * square * p, far = std::copysign(1.0f - 2.0f / (fast_exp(2.0f * size) + 1.0f), x);
    return size < 0.65f ? near : far;
}

CT_INLINE float dot(const float *a, const float *b, int64_t count) {
#pragma clang fp reassociate(on) contract(fast)
    float sum = 0;
    for (int64_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

CT_INLINE float maximum(const float *x, int64_t count) {
    float best = -INFINITY;
    for (int64_t i = 0; i < count; i++) best = x[i] > best ? x[i] : best;
    return best;
}

/// What turns a row of scores into its softmax again: `exp(score - largest) * factor`. The logarithm of the sum alone would
/// cost digits: it is rounded to its own size, and the whole row would share the error.
struct Normalizer {
    float largest, factor;
};

/// The score of a sink that is not there: its weight is 0.
constexpr float no_sink = -INFINITY;

inline at::Tensor checked(const at::Tensor &tensor, int64_t rank, const char *name) {
    TORCH_CHECK(
        tensor.dim() == rank && tensor.scalar_type() == at::kFloat, name, " must be float32 of rank ", rank, ", not ",
        tensor.scalar_type(), " of shape ", tensor.sizes());
    return tensor.contiguous();
}

inline const float *floats(const at::Tensor &tensor) { return tensor.const_data_ptr<float>(); }
inline float *mutable_floats(const at::Tensor &tensor) { return tensor.mutable_data_ptr<float>(); }

}  // namespace ctorch::cpu

#include "../differentiable.h"
#include "arithmetic.h"
#include "cpu_kernels.h"

#include <ATen/ops/empty_like.h>

namespace ctorch::cpu {

namespace {

/// Rotates channel pairs `(i, i + half)`; `direction` is 1 forwards and -1 for the gradient.
CT_KERNEL void rotate(
    const float *x, float *y, const float *cosine, const float *sine, int64_t rows, int64_t heads, int64_t channels,
    int64_t half, float direction) {
    for (int64_t row = 0; row < rows; row++, cosine += half, sine += half) {
        for (int64_t head = 0; head < heads; head++, x += channels, y += channels) {
            for (int64_t i = 0; i < half; i++) {
                const float first = x[i], second = x[i + half], s = direction * sine[i];
                y[i] = first * cosine[i] - second * s;
                y[i + half] = second * cosine[i] + first * s;
            }
            for (int64_t i = 2 * half; i < channels; i++) y[i] = x[i];
        }
    }
}

at::Tensor rotated(const at::Tensor &input, const at::Tensor &cosine, const at::Tensor &sine, float direction) {
    const auto x = input.contiguous();
    const int64_t rows = x.size(0), heads = x.size(1), channels = x.size(2), half = cosine.size(1);
    auto y = at::empty_like(x);
    parallel_rows(rows, 64, [&](int64_t first, int64_t last) {
        const int64_t offset = first * heads * channels;
        rotate(
            floats(x) + offset, mutable_floats(y) + offset, floats(cosine) + first * half,
            floats(sine) + first * half, last - first, heads, channels, half, direction);
    });
    return y;
}

}  // namespace

at::Tensor CPUKernels::rotary(const at::Tensor &input, const at::Tensor &cosine, const at::Tensor &sine) const {
    const auto c = checked(cosine, 2, "cosine"), s = checked(sine, 2, "sine");
    return differentiable({input}, [&]() -> Computed {
        return {{rotated(input, c, s, 1)}, {c, s}, [](const Tensors &saved, const at::Tensor &gradient) -> Tensors {
            return {rotated(gradient, saved[0], saved[1], -1)};
        }};
    })[0];
}

}  // namespace ctorch::cpu

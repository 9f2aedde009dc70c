#include "../differentiable.h"
#include "arithmetic.h"
#include "cpu_kernels.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

namespace ctorch::cpu {

namespace {

constexpr int64_t block_rows = 64;

CT_KERNEL void rms_forward(
    const float *x, const float *weight, float *y, float *scales, int64_t rows, int64_t width, float epsilon) {
    for (int64_t row = 0; row < rows; row++, x += width, y += width) {
        const float scale = 1.0f / std::sqrt(dot(x, x, width) / width + epsilon);
        for (int64_t i = 0; i < width; i++) y[i] = x[i] * scale * weight[i];
        scales[row] = scale;
    }
}

/// `partial [width]` gathers the weight's gradient over these rows.
CT_KERNEL void rms_backward(
    const float *x, const float *weight, const float *scales, const float *gradient, float *dx, float *partial,
    int64_t rows, int64_t width) {
    for (int64_t i = 0; i < width; i++) partial[i] = 0;
    for (int64_t row = 0; row < rows; row++, x += width, gradient += width, dx += width) {
#pragma clang fp reassociate(on) contract(fast)
        const float scale = scales[row];
        float sum = 0;
        for (int64_t i = 0; i < width; i++) sum += gradient[i] * weight[i] * x[i];
        const float along = sum * scale * scale * scale / width;
        for (int64_t i = 0; i < width; i++) {
            dx[i] = gradient[i] * weight[i] * scale - x[i] * along;
            partial[i] += gradient[i] * x[i] * scale;
        }
    }
}

Computed normalized(const at::Tensor &input, const at::Tensor &weight_input, float epsilon) {
    const auto x = input.contiguous(), weight = weight_input.contiguous();
    const int64_t width = weight.numel(), rows = x.numel() / width;
    auto y = at::empty_like(x);
    auto scales = at::empty({rows}, x.options());
    parallel_rows(rows, block_rows, [&](int64_t first, int64_t last) {
        rms_forward(
            floats(x) + first * width, floats(weight), mutable_floats(y) + first * width,
            mutable_floats(scales) + first, last - first, width, epsilon);
    });
    return {{y}, {x, weight, scales}, [width, rows](const Tensors &saved, const at::Tensor &gradient) -> Tensors {
        const auto &x = saved[0], &weight = saved[1], &scales = saved[2];
        auto dx = at::empty_like(x);
        auto partials = at::empty({(rows + block_rows - 1) / block_rows, width}, x.options());
        parallel_rows(rows, block_rows, [&](int64_t first, int64_t last) {
            rms_backward(
                floats(x) + first * width, floats(weight), floats(scales) + first, floats(gradient) + first * width,
                mutable_floats(dx) + first * width, mutable_floats(partials) + first / block_rows * width,
                last - first, width);
        });
        return {dx, partials.sum(0).reshape(weight.sizes())};
    }};
}

}  // namespace

at::Tensor CPUKernels::rms_norm(const at::Tensor &input, const at::Tensor &weight, double epsilon) const {
    return differentiable({input, weight}, [&] { return normalized(input, weight, static_cast<float>(epsilon)); })[0];
}

}  // namespace ctorch::cpu

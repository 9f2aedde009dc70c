#include "../differentiable.h"
#include "arithmetic.h"
#include "cpu_kernels.h"

#include <ATen/ops/empty_like.h>

namespace ctorch::cpu {

namespace {

constexpr int64_t block = 16384;

CT_KERNEL void silu_forward(const float *gate, const float *up, float *y, int64_t count) {
    for (int64_t i = 0; i < count; i++) y[i] = gate[i] / (1.0f + fast_exp(-gate[i])) * up[i];
}

CT_KERNEL void silu_backward(
    const float *gate, const float *up, const float *gradient, float *dgate, float *dup, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const float sigmoid = 1.0f / (1.0f + fast_exp(-gate[i]));
        const float silu = gate[i] * sigmoid;
        dup[i] = gradient[i] * silu;
        dgate[i] = gradient[i] * up[i] * (sigmoid + silu * (1.0f - sigmoid));
    }
}

// gelu(x) ≈ x / 2 (1 + tanh(√(2 / π) (x + 0.044715 x³))) (Hendrycks & Gimpel, arXiv 1606.08415).
constexpr float gelu_scale = 0.79788456f, gelu_cubic = 0.044715f;

CT_KERNEL void gelu_forward(const float *gate, const float *up, float *y, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const float x = gate[i], inner = gelu_scale * (x + gelu_cubic * x * x * x);
        y[i] = 0.5f * x * (1.0f + fast_tanh(inner)) * up[i];
    }
}

CT_KERNEL void gelu_backward(
    const float *gate, const float *up, const float *gradient, float *dgate, float *dup, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const float x = gate[i], square = x * x, t = fast_tanh(gelu_scale * (x + gelu_cubic * x * square));
        dup[i] = gradient[i] * 0.5f * x * (1.0f + t);
        const float slope = gelu_scale * (1.0f + 3.0f * gelu_cubic * square);
        dgate[i] = gradient[i] * up[i] * (0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * slope);
    }
}

/// The kernels of one activation.
struct Gate {
    void (*forward)(const float *gate, const float *up, float *y, int64_t count);
    void (*backward)(
        const float *gate, const float *up, const float *gradient, float *dgate, float *dup, int64_t count);
};

Computed gated(const Gate &kernels, const at::Tensor &gate_input, const at::Tensor &up_input) {
    const auto gate = gate_input.contiguous(), up = up_input.contiguous();
    auto y = at::empty_like(gate);
    parallel_rows(gate.numel(), block, [&](int64_t first, int64_t last) {
        kernels.forward(floats(gate) + first, floats(up) + first, mutable_floats(y) + first, last - first);
    });
    return {{y}, {gate, up}, [kernels](const Tensors &saved, const at::Tensor &gradient) -> Tensors {
        const auto &gate = saved[0], &up = saved[1];
        auto dgate = at::empty_like(gate), dup = at::empty_like(up);
        parallel_rows(gate.numel(), block, [&](int64_t first, int64_t last) {
            kernels.backward(
                floats(gate) + first, floats(up) + first, floats(gradient) + first, mutable_floats(dgate) + first,
                mutable_floats(dup) + first, last - first);
        });
        return {dgate, dup};
    }};
}

}  // namespace

at::Tensor CPUKernels::silu_gate(const at::Tensor &gate, const at::Tensor &up) const {
    return differentiable({gate, up}, [&] { return gated({silu_forward, silu_backward}, gate, up); })[0];
}

at::Tensor CPUKernels::gelu_gate(const at::Tensor &gate, const at::Tensor &up) const {
    return differentiable({gate, up}, [&] { return gated({gelu_forward, gelu_backward}, gate, up); })[0];
}

}  // namespace ctorch::cpu

#include "../differentiable.h"
#include "arithmetic.h"
#include "cpu_kernels.h"

#include <ATen/ops/empty_like.h>

namespace ctorch::cpu {

namespace {

constexpr int64_t block = 16384;

CT_KERNEL void silu_gate_forward(const float *gate, const float *up, float *y, int64_t count) {
    for (int64_t i = 0; i < count; i++) y[i] = gate[i] / (1.0f + fast_exp(-gate[i])) * up[i];
}

CT_KERNEL void silu_gate_backward(
    const float *gate, const float *up, const float *gradient, float *dgate, float *dup, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const float sigmoid = 1.0f / (1.0f + fast_exp(-gate[i]));
        const float silu = gate[i] * sigmoid;
        dup[i] = gradient[i] * silu;
        dgate[i] = gradient[i] * up[i] * (sigmoid + silu * (1.0f - sigmoid));
    }
}

Computed gated(const at::Tensor &gate_input, const at::Tensor &up_input) {
    const auto gate = gate_input.contiguous(), up = up_input.contiguous();
    auto y = at::empty_like(gate);
    parallel_rows(gate.numel(), block, [&](int64_t first, int64_t last) {
        silu_gate_forward(floats(gate) + first, floats(up) + first, mutable_floats(y) + first, last - first);
    });
    return {{y}, {gate, up}, [](const Tensors &saved, const at::Tensor &gradient) -> Tensors {
        const auto &gate = saved[0], &up = saved[1];
        auto dgate = at::empty_like(gate), dup = at::empty_like(up);
        parallel_rows(gate.numel(), block, [&](int64_t first, int64_t last) {
            silu_gate_backward(
                floats(gate) + first, floats(up) + first, floats(gradient) + first, mutable_floats(dgate) + first,
                mutable_floats(dup) + first, last - first);
        });
        return {dgate, dup};
    }};
}

}  // namespace

at::Tensor CPUKernels::silu_gate(const at::Tensor &gate, const at::Tensor &up) const {
    return differentiable({gate, up}, [&] { return gated(gate, up); })[0];
}

}  // namespace ctorch::cpu

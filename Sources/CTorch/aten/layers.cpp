#include "composed_kernels.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/silu.h>

namespace ctorch::aten {

at::Tensor ComposedKernels::linear(
    const at::Tensor &input, const at::Tensor &weight, const at::Tensor &bias, bool transposed) const {
    if (!transposed) return at::linear(input, weight, bias);
    return bias.defined() ? at::addmm(bias, input, weight) : at::mm(input, weight);
}

at::Tensor ComposedKernels::rms_norm(const at::Tensor &input, const at::Tensor &weight, double epsilon) const {
    const auto x = input.to(compute_type(input.scalar_type()));
    const auto scale = x.square().mean(-1, /*keepdim=*/true).add(epsilon).rsqrt();
    return x.mul(scale).mul(weight).to(input.scalar_type());
}

at::Tensor ComposedKernels::rotary(const at::Tensor &input, const at::Tensor &cosine, const at::Tensor &sine) const {
    const auto type = compute_type(input.scalar_type());
    const auto x = input.to(type), c = cosine.to(type).unsqueeze(1), s = sine.to(type).unsqueeze(1);
    const int64_t half = cosine.size(1), channels = input.size(2);
    const auto first = x.narrow(2, 0, half), second = x.narrow(2, half, half);
    return at::cat({first * c - second * s, second * c + first * s, x.narrow(2, 2 * half, channels - 2 * half)}, 2)
        .to(input.scalar_type());
}

at::Tensor ComposedKernels::silu_gate(const at::Tensor &gate, const at::Tensor &up) const {
    return at::silu(gate).mul(up);
}

}  // namespace ctorch::aten

#include "../differentiable.h"
#include "cuda_kernels.h"

#include <ATen/ops/_fused_rms_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>

// What the composed operators would record step by step is computed anew in the backward pass.
namespace ctorch::cuda {

namespace {

/// The first `2 x half` channels of every head turned by the angles, or back by the same.
at::Tensor turned(const at::Tensor &input, const at::Tensor &cosine, const at::Tensor &sine, bool back) {
    const auto type = aten::compute_type(input.scalar_type());
    const int64_t half = cosine.size(1), channels = input.size(2);
    const auto x = input.narrow(2, 0, 2 * half), s = sine.to(type).unsqueeze(1);
    const auto exchanged = at::cat({x.narrow(2, half, half), x.narrow(2, 0, half)}, 2);
    const auto signs = back ? at::cat({s, -s}, 2) : at::cat({-s, s}, 2);
    const auto c = cosine.to(type).unsqueeze(1);
    const auto result = x.mul(at::cat({c, c}, 2)).add_(exchanged.mul(signs)).to(input.scalar_type());
    if (2 * half == channels) return result;
    return at::cat({result, input.narrow(2, 2 * half, channels - 2 * half)}, 2);
}

}  // namespace

at::Tensor CUDAKernels::rms_norm(const at::Tensor &input, const at::Tensor &weight, double epsilon) const {
    return std::get<0>(at::_fused_rms_norm(input, {weight.numel()}, weight.to(input.scalar_type()), epsilon));
}

at::Tensor CUDAKernels::rotary(const at::Tensor &input, const at::Tensor &cosine, const at::Tensor &sine) const {
    return differentiable({input}, [&]() -> Computed {
        return {
            {turned(input, cosine, sine, false)}, {cosine, sine},
            [](const Tensors &saved, const at::Tensor &gradient) {
                return Tensors{turned(gradient, saved[0], saved[1], true)};
            }};
    })[0];
}

at::Tensor CUDAKernels::silu_gate(const at::Tensor &gate, const at::Tensor &up) const {
    return differentiable({gate, up}, [&]() -> Computed {
        return {
            {at::silu(gate).mul_(up)}, {gate, up}, [](const Tensors &saved, const at::Tensor &gradient) {
                const auto &gate = saved[0], &up = saved[1];
                return Tensors{at::silu_backward(gradient.mul(up), gate), at::silu(gate).mul_(gradient)};
            }};
    })[0];
}

}  // namespace ctorch::cuda

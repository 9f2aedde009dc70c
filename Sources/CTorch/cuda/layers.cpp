#include "../differentiable.h"
#include "compiled.h"
#include "cuda_kernels.h"

#include <ATen/ops/_fused_rms_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>

// What the composed operators would record step by step is computed anew in the backward pass.
namespace ctorch::cuda {

namespace {

/// The first `2 x half` channels of every head turned by the angles, or back by the same; by LibTorch's operators.
at::Tensor composed_turn(const at::Tensor &input, const at::Tensor &cosine, const at::Tensor &sine, bool back) {
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

at::Tensor turned(const at::Tensor &input, const at::Tensor &cosine, const at::Tensor &sine, bool back) {
    const auto kernel = CompiledKernel::named("rotary", input.scalar_type());
    if (!kernel || cosine.scalar_type() != at::kFloat) return composed_turn(input, cosine, sine, back);
    const auto x = input.contiguous(), c = cosine.contiguous(), s = sine.contiguous();
    const auto result = at::empty_like(x);
    const void *from = x.const_data_ptr(), *cosines = c.const_data_ptr(), *sines = s.const_data_ptr();
    void *to = result.mutable_data_ptr();
    const int64_t count = x.numel(), heads = x.size(1), channels = x.size(2), half = c.size(1);
    const float direction = back ? -1 : 1;
    kernel.for_each(count, {&from, &cosines, &sines, &to, &count, &heads, &channels, &half, &direction});
    return result;
}

at::Tensor gated(const at::Tensor &gate, const at::Tensor &up) {
    const auto kernel = CompiledKernel::named("silu_gate", gate.scalar_type());
    if (!kernel) return at::silu(gate).mul_(up);
    const auto g = gate.contiguous(), u = up.contiguous(), result = at::empty_like(g);
    const void *gates = g.const_data_ptr(), *ups = u.const_data_ptr();
    void *to = result.mutable_data_ptr();
    const int64_t count = g.numel();
    kernel.for_each(count, {&gates, &ups, &to, &count});
    return result;
}

Tensors gate_gradients(const at::Tensor &gate, const at::Tensor &up, const at::Tensor &gradient) {
    const auto kernel = CompiledKernel::named("silu_gate_backward", gate.scalar_type());
    if (!kernel) return {at::silu_backward(gradient.mul(up), gate), at::silu(gate).mul_(gradient)};
    const auto g = gate.contiguous(), u = up.contiguous(), d = gradient.contiguous();
    Tensors results = {at::empty_like(g), at::empty_like(u)};
    const void *gates = g.const_data_ptr(), *ups = u.const_data_ptr(), *gradients = d.const_data_ptr();
    void *dgate = results[0].mutable_data_ptr(), *dup = results[1].mutable_data_ptr();
    const int64_t count = g.numel();
    kernel.for_each(count, {&gates, &ups, &gradients, &dgate, &dup, &count});
    return results;
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
            {gated(gate, up)}, {gate, up}, [](const Tensors &saved, const at::Tensor &gradient) {
                return gate_gradients(saved[0], saved[1], gradient);
            }};
    })[0];
}

}  // namespace ctorch::cuda

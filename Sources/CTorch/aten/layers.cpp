#include "../differentiable.h"
#include "composed_kernels.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/silu.h>

namespace ctorch::aten {

namespace {

/// By a weight that is rounded to the input's type, or has been already: gradients of weight and bias are sums that are not.
at::Tensor narrowing_linear(
    const at::Tensor &input, const at::Tensor &weight, const at::Tensor &bias, bool transposed) {
    const auto type = input.scalar_type();
    // As `[in, out]`.
    const auto factor = [type, transposed](const at::Tensor &w) { return transposed ? w.to(type) : w.to(type).t(); };
    const bool has_bias = bias.defined(), trains = weight.requires_grad();
    return differentiable(has_bias ? Tensors{input, weight, bias} : Tensors{input, weight}, [&]() -> Computed {
        const auto w = factor(weight);
        return {
            {has_bias ? at::addmm(bias.to(type), input, w) : at::mm(input, w)}, {trains ? input : at::Tensor(), weight},
            [factor, transposed, has_bias, trains](const Tensors &saved, const at::Tensor &gradient) {
                const auto &x = saved[0], &w = saved[1];
                Tensors results = {at::mm(gradient, factor(w).t()), {}};
                if (trains) {
                    results[1] = transposed ? wide_product(x.t(), gradient) : wide_product(gradient.t(), x);
                }
                if (has_bias) {
                    const auto wide = compute_type(w.scalar_type());
                    results.push_back(trains ? gradient.sum(0, /*keepdim=*/false, wide) : at::Tensor());
                }
                return results;
            }};
    })[0];
}

}  // namespace

at::Tensor ComposedKernels::linear(
    const at::Tensor &input, const at::Tensor &weight, const at::Tensor &bias, bool transposed) const {
    const auto type = input.scalar_type();
    const bool rounds = weight.scalar_type() != type, trains_narrow = weight.requires_grad() && compute_type(type) != type;
    if (rounds || trains_narrow) return narrowing_linear(input, weight, bias, transposed);
    // A frozen base keeps its matrices in the input's type, and its biases in float32.
    const auto sum = bias.defined() ? bias.to(input.scalar_type()) : bias;
    if (!transposed) return at::linear(input, weight, sum);
    return sum.defined() ? at::addmm(sum, input, weight) : at::mm(input, weight);
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

at::Tensor ComposedKernels::gelu_gate(const at::Tensor &gate, const at::Tensor &up) const {
    return at::gelu(gate, "tanh").mul(up);
}

}  // namespace ctorch::aten

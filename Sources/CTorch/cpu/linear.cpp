#include "../differentiable.h"
#include "cpu_kernels.h"
#include "products.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

namespace ctorch::cpu {

namespace {

/// `x [rows, inputs]` by a weight `[outputs, inputs]`, or `[inputs, outputs]` where it is `transposed`.
Computed product_of(const at::Tensor &input, const at::Tensor &matrix, const at::Tensor &bias, bool transposed) {
    const auto x = checked(input, 2, "input"), w = checked(matrix, 2, "weight");
    const auto weight = transposed ? Factor::columns(w) : Factor::rows(w);
    TORCH_CHECK(weight.inputs == x.size(1), "input ", x.sizes(), " by a weight of ", w.sizes());
    at::Tensor start;
    if (bias.defined()) start = checked(bias, 1, "bias");
    TORCH_CHECK(
        !bias.defined() || start.size(0) == weight.outputs, "a bias of ", start.sizes(), " for ", weight.outputs,
        " outputs");
    auto out = at::empty({x.size(0), weight.outputs}, x.options());
    product(floats(x), x.size(0), weight, mutable_floats(out), {bias.defined() ? floats(start) : nullptr});
    // A frozen weight needs no input for its gradient.
    const bool has_bias = bias.defined(), trains = matrix.requires_grad(), trains_bias = has_bias && bias.requires_grad();
    return {{out}, {trains ? x : at::Tensor(), w}, [=](const Tensors &saved, const at::Tensor &gradient) -> Tensors {
        const auto &x = saved[0], &w = saved[1];
        auto dx = at::empty({gradient.size(0), weight.inputs}, gradient.options());
        product(
            floats(gradient), gradient.size(0), transposed ? Factor::rows(w) : Factor::columns(w), mutable_floats(dx));
        at::Tensor dw, dbias;
        if (trains) dw = transposed ? at::mm(x.t(), gradient) : at::mm(gradient.t(), x);
        if (trains_bias) dbias = gradient.sum(0);
        return has_bias ? Tensors{dx, dw, dbias} : Tensors{dx, dw};
    }};
}

}  // namespace

at::Tensor CPUKernels::linear(
    const at::Tensor &input, const at::Tensor &weight, const at::Tensor &bias, bool transposed) const {
    Tensors inputs = {input, weight};
    if (bias.defined()) inputs.push_back(bias);
    return differentiable(inputs, [&] { return product_of(input, weight, bias, transposed); })[0];
}

}  // namespace ctorch::cpu

#include "differentiable.h"
#include "kernels.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

using namespace ctorch;

ct_status ct_backward(const ct_tensor *loss) {
    return guarded([&] { torch::autograd::backward({loss->value}, {}); });
}

ct_status ct_adding_gradient(const ct_tensor *input, const ct_tensor *gradient, ct_tensor **out) {
    return returning(out, [&] {
        const auto &x = input->value, &added = gradient->value;
        TORCH_CHECK(
            x.sizes() == added.sizes() && x.scalar_type() == added.scalar_type(), "adding a gradient of ", added.sizes(),
            " to that of ", x.sizes());
        return differentiable({x}, [&]() -> Computed {
            return {{x.clone()}, {added}, [](const Tensors &saved, const at::Tensor &gradient) -> Tensors {
                return {gradient + saved[0]};
            }};
        })[0];
    });
}

ct_status ct_parameter_view(
    const ct_tensor *values, const ct_tensor *gradients, int64_t offset, const int64_t *shape, size_t rank,
    ct_tensor **out) {
    return returning(out, [&] {
        const auto place = [&](const at::Tensor &flat) {
            return flat.narrow(0, offset, c10::multiply_integers(sizes(shape, rank))).view(sizes(shape, rank)).detach();
        };
        auto leaf = place(values->value);
        if (gradients != nullptr) {
            leaf.requires_grad_(true);
            // Assigned beforehand, so that the backward pass adds to it in place.
            leaf.mutable_grad() = place(gradients->value);
        }
        return leaf;
    });
}

ct_status ct_adamw_step(
    ct_tensor *values, ct_tensor *gradients, ct_tensor *first_moments, ct_tensor *second_moments, ct_adamw options) {
    return guarded([&] {
        at::NoGradGuard no_gradient;
        const auto step = at::full({}, static_cast<double>(options.step), values->value.options().dtype(at::kFloat));
        at::_fused_adamw_(
            {values->value}, {gradients->value}, {first_moments->value}, {second_moments->value}, {}, {step},
            options.learning_rate, options.beta1, options.beta2, options.weight_decay, options.epsilon,
            /*amsgrad=*/false, /*maximize=*/false);
    });
}

ct_status ct_norm(const ct_tensor *input, double *out) {
    return guarded([&] { *out = kernels_for(input->value).norm(input->value); });
}

ct_status ct_checksum(const ct_tensor *input, uint64_t *out) {
    return guarded([&] { *out = kernels_for(input->value).checksum(input->value); });
}

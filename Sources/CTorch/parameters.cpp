#include "differentiable.h"
#include "kernels.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <memory>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>

using namespace ctorch;

// `grad_dtype` of a leaf came with 2.10.
#define CT_WIDE_GRADIENTS (TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 10)

namespace {

constexpr bool has_wide_gradients = CT_WIDE_GRADIENTS;

/// Hands a leaf's gradient on as soon as it is there, and leaves none.
struct HandingOn : torch::autograd::PostAccumulateGradHook {
    ct_gradient_receiver receive;
    std::shared_ptr<void> context;

    HandingOn(ct_gradient_receiver receive, void *context, void (*release)(void *))
        : receive(receive), context(context, release) {}

    void operator()(const at::Tensor &leaf) override {
        auto gradient = std::exchange(leaf.mutable_grad(), at::Tensor());
        receive(context.get(), new ct_tensor{std::move(gradient)});
    }
};

}  // namespace

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

int32_t ct_has_wide_gradients(void) { return has_wide_gradients; }

ct_status ct_take_wide_gradient(ct_tensor *leaf) {
    return guarded([&] {
        leaf->value.requires_grad_(true);
        TORCH_CHECK(has_wide_gradients, "LibTorch finds gradients in the type of their leaf alone");
#if CT_WIDE_GRADIENTS
        torch::autograd::impl::materialize_autograd_meta(leaf->value)->set_grad_dtype(at::kFloat, leaf->value);
#endif
    });
}

ct_status ct_hand_on_gradient(
    ct_tensor *leaf, ct_gradient_receiver receive, void *context, void (*release)(void *context)) {
    return guarded([&] {
        leaf->value.mutable_grad() = at::Tensor();
        torch::autograd::impl::set_post_acc_grad_hooks(
            leaf->value, std::make_unique<HandingOn>(receive, context, release));
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

int64_t ct_square_block(void) { return square_block; }

ct_status ct_square_sums(const ct_tensor *input, double *out) {
    return guarded([&] {
        const auto sums = kernels_for(input->value).square_sums(input->value);
        std::copy(sums.begin(), sums.end(), out);
    });
}

ct_status ct_checksum(const ct_tensor *input, uint64_t *out) {
    return guarded([&] { *out = kernels_for(input->value).checksum(input->value); });
}

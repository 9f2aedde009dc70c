#include "differentiable.h"
#include "kernels.h"

#include <ATen/core/grad_mode.h>
#include <memory>
#include <torch/csrc/autograd/autograd.h>

namespace ctorch {

namespace {

/// The caller's function, kept until the last backward pass that may need it.
struct Body {
    ct_body call;
    std::shared_ptr<void> context;
    /// The second run, which may be on another thread, is by the kernels of the first.
    ct_kernels kernels;

    at::Tensor operator()(const at::Tensor &input) const {
        ct_tensor *result = call(context.get(), new ct_tensor{input});
        const auto output = result->value;
        delete result;
        return output;
    }
};

/// The parameters that `body` reads take their gradients from the second run, in place; the input's is handed on.
Tensors run_again(const Body &body, const Tensors &saved, const at::Tensor &gradient) {
    at::AutoGradMode records(true);
    const KernelsGuard same(body.kernels);
    auto input = saved[0].detach().requires_grad_(true);
    const auto output = body(input);
    torch::autograd::backward({output}, {gradient});
    return {input.grad()};
}

}  // namespace

}  // namespace ctorch

ct_status ct_recomputed(
    const ct_tensor *input, ct_body call, void *context, void (*release)(void *context), ct_tensor **out) {
    using namespace ctorch;
    return returning(out, [&] {
        // An input without gradient would hide that the body's parameters have some.
        const bool records = at::GradMode::is_enabled() && !input->value.requires_grad();
        const auto x = records ? input->value.detach().requires_grad_(true) : input->value;
        const Body body{call, std::shared_ptr<void>(context, release), ct_get_kernels()};
        return differentiable({x}, [&]() -> Computed {
            return {{body(x)}, {x}, [body](const Tensors &saved, const at::Tensor &gradient) {
                return run_again(body, saved, gradient);
            }};
        })[0];
    });
}

#include "differentiable.h"

#include <torch/csrc/autograd/custom_function.h>

namespace ctorch {

namespace {

using Backward = decltype(Computed::backward);

/// Carries the backward pass through LibTorch's record of the graph.
struct Holder : torch::CustomClassHolder {
    Backward backward;
};

struct Fused : torch::autograd::Function<Fused> {
    static torch::autograd::variable_list forward(
        torch::autograd::AutogradContext *context, at::TensorList, const std::function<Computed()> *compute) {
        auto computed = (*compute)();
        context->save_for_backward(computed.saved);
        auto holder = c10::make_intrusive<Holder>();
        holder->backward = std::move(computed.backward);
        context->saved_data["backward"] = c10::IValue::make_capsule(holder);
        context->mark_non_differentiable(
            torch::autograd::variable_list(computed.outputs.begin() + 1, computed.outputs.end()));
        return computed.outputs;
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto capsule = context->saved_data["backward"].toCapsule();
        const auto &holder = static_cast<const Holder &>(*capsule);
        auto results = holder.backward(context->get_saved_variables(), gradients[0].contiguous());
        // None for `compute`.
        results.emplace_back();
        return results;
    }
};

}  // namespace

Tensors differentiable(const Tensors &inputs, const std::function<Computed()> &forward) {
    return Fused::apply(at::TensorList(inputs), &forward);
}

}  // namespace ctorch

#include "cpu_kernels.h"
#include "products.h"

#include <ATen/ops/empty.h>

namespace ctorch::cpu {

/// Panels `[⌈outputs / 16⌉, inputs, 16]` of all weights, of any strides, behind each other in one piece of memory.
std::vector<at::Tensor> CPUKernels::pack(const std::vector<at::Tensor> &weights) const {
    const auto count = [](const at::Tensor &weight) { return padded(weight.size(0)) * weight.size(1); };
    int64_t total = 0;
    for (const auto &weight : weights) total += count(weight);
    const auto memory = empty_large(total);
    std::vector<at::Tensor> packed;
    int64_t end = 0;
    for (const auto &w : weights) {
        const Factor source = {floats(w), w.size(0), w.size(1), w.stride(0), w.stride(1)};
        packed.push_back(memory.narrow(0, end, count(w)).view({panels(w.size(0)), w.size(1), panel_width}));
        end += count(w);
        float *target = mutable_floats(packed.back());
        parallel(panels(source.outputs), [&](int64_t index) {
            pack_panel(source, index * panel_width, 0, source.inputs, target + index * source.inputs * panel_width);
        });
    }
    return packed;
}

at::Tensor CPUKernels::linear_packed(
    const at::Tensor &input, const at::Tensor &packed, int64_t outputs, const at::Tensor &bias) const {
    const auto x = checked(input, 2, "input");
    TORCH_CHECK(
        packed.size(1) == x.size(1), "input ", x.sizes(), " by a packed weight of ", outputs, " x ", packed.size(1));
    at::Tensor start;
    if (bias.defined()) start = checked(bias, 1, "bias");
    auto result = at::empty({x.size(0), outputs}, x.options());
    packed_product(
        floats(x), x.size(0), floats(packed), outputs, x.size(1), mutable_floats(result),
        {bias.defined() ? floats(start) : nullptr});
    return result;
}

}  // namespace ctorch::cpu

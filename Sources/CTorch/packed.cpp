#include "products.h"

#include <ATen/ops/empty.h>

using namespace ctorch;

ct_status ct_pack(const ct_tensor *weight, ct_tensor *packed) {
    return guarded([&] {
        const auto &w = weight->value;
        TORCH_CHECK(w.dim() == 2 && w.scalar_type() == at::kFloat, "packing a weight ", w.sizes(), w.scalar_type());
        TORCH_CHECK(
            packed->value.is_contiguous() &&
                packed->value.sizes() == at::IntArrayRef({panels(w.size(0)), w.size(1), panel_width}),
            "packing a weight ", w.sizes(), " into ", packed->value.sizes());
        const Factor source = {floats(w), w.size(0), w.size(1), w.stride(0), w.stride(1)};
        float *target = mutable_floats(packed->value);
        parallel(panels(source.outputs), [&](int64_t index) {
            pack_panel(source, index * panel_width, 0, source.inputs, target + index * source.inputs * panel_width);
        });
    });
}

ct_status ct_linear_packed(
    const ct_tensor *input, const ct_tensor *packed, int64_t outputs, const ct_tensor *bias, ct_tensor **out) {
    return returning(out, [&] {
        const auto x = checked(input->value, 2, "input"), weights = checked(packed->value, 3, "packed weight");
        TORCH_CHECK(
            weights.size(0) == panels(outputs) && weights.size(1) == x.size(1), "input ", x.sizes(),
            " by a packed weight of ", outputs, " x ", weights.size(1));
        at::Tensor start;
        if (bias) start = checked(bias->value, 1, "bias");
        TORCH_CHECK(!bias || start.size(0) == outputs, "a bias of ", start.size(0), " for ", outputs, " outputs");
        auto result = at::empty({x.size(0), outputs}, x.options());
        packed_product(
            floats(x), x.size(0), floats(weights), outputs, x.size(1), mutable_floats(result),
            {bias ? floats(start) : nullptr});
        return result;
    });
}

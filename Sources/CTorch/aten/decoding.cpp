#include "composed_kernels.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>
#include <algorithm>
#include <limits>

// Packed weights are plain copies; caches hold tokens in their order, `[slots, capacity, kv heads, channels]`.
namespace ctorch::aten {

namespace {

/// A copy of the host's numbers where `like` lies.
at::Tensor indices(const int64_t *numbers, int64_t count, const at::Tensor &like) {
    return at::from_blob(const_cast<int64_t *>(numbers), {count}, at::kLong).to(like.device(), at::kLong, false, true);
}

}  // namespace

std::vector<at::Tensor> ComposedKernels::pack(const std::vector<at::Tensor> &weights) const {
    std::vector<at::Tensor> packed;
    for (const auto &weight : weights) packed.push_back(weight.clone(at::MemoryFormat::Contiguous));
    return packed;
}

at::Tensor ComposedKernels::linear_packed(
    const at::Tensor &input, const at::Tensor &packed, int64_t, const at::Tensor &bias) const {
    return at::linear(input, packed, bias.defined() ? bias.to(input.scalar_type()) : bias);
}

at::Tensor ComposedKernels::logits(const at::Tensor &input, const at::Tensor &packed, int64_t outputs) const {
    if (compute_type(input.scalar_type()) == input.scalar_type()) return linear_packed(input, packed, outputs, {});
    return wide_product(input, packed.t());
}

Cache ComposedKernels::empty_cache(const CacheShape &shape, const at::TensorOptions &options) const {
    const auto make = [&] { return at::zeros({shape.slots, shape.capacity, shape.heads, shape.channels}, options); };
    return {shape, make(), make()};
}

int64_t ComposedKernels::cache_bytes(const CacheShape &shape, int64_t size) const {
    return 2 * size * shape.slots * shape.heads * shape.capacity * shape.channels;
}

void ComposedKernels::cache_write(
    const Cache &cache, const at::Tensor &key, const at::Tensor &value, const int64_t *slots,
    const int64_t *positions) const {
    const int64_t rows = key.size(0);
    if (rows == 0) return;
    const auto places = indices(slots, rows, key) * cache.shape.capacity + indices(positions, rows, key);
    cache.keys.flatten(0, 1).index_copy_(0, places, key);
    cache.values.flatten(0, 1).index_copy_(0, places, value);
}

void ComposedKernels::cache_copy(const Cache &cache, int64_t source, int64_t target, int64_t count) const {
    for (const auto &tokens : {cache.keys, cache.values}) {
        tokens.select(0, target).narrow(0, 0, count).copy_(tokens.select(0, source).narrow(0, 0, count));
    }
}

at::Tensor ComposedKernels::cache_attention(
    const at::Tensor &query, const Cache &cache, const at::Tensor &sinks, const int64_t *slots, const int64_t *lengths,
    const ct_attention &options) const {
    const int64_t rows = query.size(0), kv_heads = cache.shape.heads, channels = cache.shape.channels;
    if (rows == 0) return at::empty(query.sizes(), query.options());
    const int64_t longest = *std::max_element(lengths, lengths + rows);
    const auto owners = indices(slots, rows, query);
    const auto of_rows = [&](const at::Tensor &all) { return all.narrow(1, 0, longest).index_select(0, owners); };
    const auto token = at::arange(longest, owners.options()), end = indices(lengths, rows, query).unsqueeze(1);
    auto hidden = token >= end;
    if (options.window > 0) hidden = hidden.logical_or(token < end - options.window);
    const auto queries = query.reshape({rows, kv_heads, -1, channels});
    const auto products = at::matmul(queries, of_rows(cache.keys).permute({0, 2, 3, 1}))
                              .to(compute_type(query.scalar_type()))
                              .mul(options.scale);
    auto scores = capped(products, options.cap)
                            .masked_fill(
                                hidden.view({rows, 1, 1, longest}), -std::numeric_limits<double>::infinity());
    // What a slot held before may be no number, which a weight of 0 would not hide.
    const auto values = of_rows(cache.values).masked_fill(hidden.view({rows, longest, 1, 1}), 0);
    if (sinks.defined()) {
        const auto beside = sinks.to(scores.scalar_type()).view({1, kv_heads, -1, 1}).expand({rows, -1, -1, 1});
        scores = at::cat({scores, beside}, -1);
    }
    const auto weights = scores.softmax(-1).narrow(-1, 0, longest).to(query.scalar_type());
    return at::matmul(weights, values.permute({0, 2, 1, 3})).reshape(query.sizes());
}

}  // namespace ctorch::aten

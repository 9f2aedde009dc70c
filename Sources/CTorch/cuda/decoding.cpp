#include "cuda_kernels.h"

#include <ATen/ops/_flash_attention_forward.h>
#include <numeric>

// Each layer asks for the same slots and positions in turn, so these go to the card once a step.
namespace ctorch::cuda {

void CUDAKernels::cache_write(
    const Cache &cache, const at::Tensor &key, const at::Tensor &value, const int64_t *slots,
    const int64_t *positions) const {
    static thread_local RecentNumbers recent(at::kLong);
    const int64_t rows = key.size(0);
    if (rows == 0) return;
    std::vector<int64_t> places(rows);
    for (int64_t row = 0; row < rows; row++) places[row] = slots[row] * cache.shape.capacity + positions[row];
    const auto &indices = recent(places, key.device());
    // No place comes twice.
    const FreeOrder free;
    cache.keys.flatten(0, 1).index_copy_(0, indices, key);
    cache.values.flatten(0, 1).index_copy_(0, indices, value);
}

at::Tensor CUDAKernels::cache_attention(
    const at::Tensor &query, const Cache &cache, const int64_t *slots, const int64_t *lengths, double scale) const {
    static thread_local RecentNumbers recent_queries(at::kInt), recent_keys(at::kInt), recent_lengths(at::kInt);
    const int64_t rows = query.size(0), channels = cache.shape.channels, capacity = cache.shape.capacity;
    const bool flash = query.scalar_type() == at::kBFloat16 || query.scalar_type() == at::kHalf;
    // Places in the cache are int32 there.
    const bool fits = channels % 8 == 0 && channels <= 256 && cache.shape.slots * capacity < (int64_t(1) << 31);
    if (rows == 0 || !flash || !fits) return ComposedKernels::cache_attention(query, cache, slots, lengths, scale);
    std::vector<int64_t> queries(rows + 1), keys(rows + 1);
    std::iota(queries.begin(), queries.end(), 0);
    for (int64_t row = 0; row < rows; row++) keys[row] = slots[row] * capacity;
    keys[rows] = cache.shape.slots * capacity;
    const int64_t longest = *std::max_element(lengths, lengths + rows);
    return std::get<0>(at::_flash_attention_forward(
        query, cache.keys.flatten(0, 1), cache.values.flatten(0, 1), recent_queries(queries, query.device()),
        recent_keys(keys, query.device()), /*max_q=*/1, longest, /*dropout_p=*/0.0, /*is_causal=*/false,
        /*return_debug_mask=*/false, std::optional<double>(scale), /*window_size_left=*/std::nullopt,
        /*window_size_right=*/std::nullopt,
        std::optional<at::Tensor>(recent_lengths({lengths, lengths + rows}, query.device()))));
}

void CUDAKernels::sample(
    const at::Tensor &logits, const ct_sampling &options, const SampledStreams &streams,
    const SampledRows &out) const {
    // Sums along rows have one order, whatever LibTorch vouches for.
    const FreeOrder free;
    ComposedKernels::sample(logits, options, streams, out);
}

}  // namespace ctorch::cuda

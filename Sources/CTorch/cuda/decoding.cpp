#include "compiled.h"
#include "cuda_kernels.h"

#include <ATen/ops/_flash_attention_forward.h>
#include <bit>
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
    const at::Tensor &query, const Cache &cache, const at::Tensor &sinks, const int64_t *slots, const int64_t *lengths,
    const ct_attention &options) const {
    static thread_local RecentNumbers recent_queries(at::kInt), recent_keys(at::kInt), recent_lengths(at::kInt);
    const int64_t rows = query.size(0), channels = cache.shape.channels, capacity = cache.shape.capacity;
    const bool flash = query.scalar_type() == at::kBFloat16 || query.scalar_type() == at::kHalf;
    // Places in the cache are int32 there.
    const bool fits = channels % 8 == 0 && channels <= 256 && cache.shape.slots * capacity < (int64_t(1) << 31);
    const bool hides = options.window > 0 && rows > 0 && *std::max_element(lengths, lengths + rows) > options.window;
    if (rows == 0 || options.cap != 0 || sinks.defined() || hides || !flash || !fits) {
        return ComposedKernels::cache_attention(query, cache, sinks, slots, lengths, options);
    }
    std::vector<int64_t> queries(rows + 1), keys(rows + 1);
    std::iota(queries.begin(), queries.end(), 0);
    for (int64_t row = 0; row < rows; row++) keys[row] = slots[row] * capacity;
    keys[rows] = cache.shape.slots * capacity;
    const int64_t longest = *std::max_element(lengths, lengths + rows);
    return std::get<0>(at::_flash_attention_forward(
        query, cache.keys.flatten(0, 1), cache.values.flatten(0, 1), recent_queries(queries, query.device()),
        recent_keys(keys, query.device()), /*max_q=*/1, longest, /*dropout_p=*/0.0, /*is_causal=*/false,
        /*return_debug_mask=*/false, std::optional<double>(options.scale), /*window_size_left=*/std::nullopt,
        /*window_size_right=*/std::nullopt,
        std::optional<at::Tensor>(recent_lengths({lengths, lengths + rows}, query.device()))));
}

void CUDAKernels::sample(
    const at::Tensor &logits, const ct_sampling &options, const SampledStreams &streams,
    const SampledRows &out) const {
    const int64_t rows = logits.size(0), vocabulary = logits.size(1);
    const bool filters = (options.top_k > 0 && options.top_k < vocabulary) || options.top_p < 1;
    const auto kernel = CompiledKernel::named("sample_rows", at::kFloat);
    if (rows == 0 || !kernel || (filters && options.temperature != 0)) {
        // Sums along rows have one order, whatever LibTorch vouches for.
        const FreeOrder free;
        return ComposedKernels::sample(logits, options, streams, out);
    }
    // One copy to the card: keys, counters and marks a row, then the tokens that some may not draw.
    const auto suppressed = static_cast<int64_t>(options.suppressed_count);
    std::vector<int64_t> numbers;
    for (int64_t row = 0; row < rows; row++) numbers.push_back(std::bit_cast<int64_t>(streams.keys[row]));
    for (int64_t row = 0; row < rows; row++) numbers.push_back(std::bit_cast<int64_t>(streams.counters[row]));
    numbers.insert(numbers.end(), streams.suppresses, streams.suppresses + rows);
    numbers.insert(numbers.end(), options.suppressed, options.suppressed + suppressed);
    const auto sent = on_device(numbers, at::kLong, logits.device());
    const auto x = logits.to(at::kFloat).contiguous();
    const auto drawn = at::empty({2, rows}, x.options().dtype(at::kDouble));
    const void *from = x.const_data_ptr();
    const auto *keys = sent.const_data_ptr<int64_t>(), *counters = keys + rows, *marks = counters + rows,
               *tokens = marks + rows;
    const int64_t greedy = options.temperature == 0;
    const auto scale = static_cast<float>(greedy ? 1 : 1 / options.temperature);
    void *to = drawn.mutable_data_ptr();
    kernel(rows, 512, {&from, &vocabulary, &keys, &counters, &marks, &tokens, &suppressed, &scale, &greedy, &to});
    const auto host = drawn.cpu();
    const double *found = host.const_data_ptr<double>();
    for (int64_t row = 0; row < rows; row++) {
        out.tokens[row] = static_cast<int64_t>(found[row]);
        out.logps[row] = static_cast<float>(found[rows + row]);
    }
}

}  // namespace ctorch::cuda

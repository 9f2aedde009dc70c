#include "cpu_kernels.h"
#include "panels.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <cstring>

// Caches hold panels: of 16 tokens for keys, `[slots, kv heads, capacity / 16, channels, 16]`, and of 16 channels for values,
// `[slots, kv heads, channels / 16, capacity, 16]`. So scores and sums are products with panels.
namespace ctorch::cpu {

namespace {

/// Keys and values of one head of a slot.
struct HeadCache {
    const float *keys, *values;
    int64_t capacity, channels;
};

/// Of a cache, the tokens `start ..< end`, and the scores that products of queries become.
struct Visible {
    int64_t start, end;
    float scale, cap;
};

/// `share` queries, each with a sink, against what they see; `scratch` has room for as many scores, in whole panels, and
/// results.
CT_KERNEL void attend(
    const float *query, const HeadCache &cache, const float *sinks, float *out, float *scratch, int64_t share,
    const Visible &seen) {
    const int64_t channels = cache.channels, first = seen.start / panel_width * panel_width;
    const int64_t columns = panels(seen.end - first) * panel_width, past = seen.start - first;
    const int64_t width = panels(channels) * panel_width, length = seen.end - first;
    const float scale = seen.cap == 0 ? seen.scale : 1.0f;
    float *scores = scratch, *sums = scratch + share * columns;
    for (int64_t t = 0; t < columns; t += panel_width) {
        multiply(query, channels, share, cache.keys + (first + t) * channels, channels, scores + t, columns);
    }
    for (int64_t h = 0; h < share; h++) {
#pragma clang fp reassociate(on) contract(fast)
        float *row = scores + h * columns;
        if (seen.cap != 0) {
            const float inner = seen.scale / seen.cap;
            for (int64_t t = past; t < length; t++) row[t] = seen.cap * fast_tanh(row[t] * inner);
        }
        const float sink = sinks[h] / scale, largest = std::max(sink, maximum(row + past, length - past));
        float sum = fast_exp(scale * (sink - largest));
        for (int64_t t = past; t < length; t++) {
            row[t] = fast_exp(scale * (row[t] - largest));
            sum += row[t];
        }
        const float factor = 1.0f / sum;
        std::fill(row, row + past, 0.0f);
        for (int64_t t = past; t < length; t++) row[t] *= factor;
    }
    for (int64_t c = 0; c < width; c += panel_width) {
        const float *values = cache.values + c * cache.capacity + first * panel_width;
        multiply(scores, columns, share, values, length, sums + c, width);
    }
    for (int64_t h = 0; h < share; h++) {
        std::memcpy(out + h * channels, sums + h * width, channels * sizeof(float));
    }
}

}  // namespace

Cache CPUKernels::empty_cache(const CacheShape &wanted, const at::TensorOptions &options) const {
    CacheShape shape = wanted;
    shape.capacity = padded(wanted.capacity);
    return {
        shape, at::empty({shape.slots, shape.heads, panels(shape.capacity), shape.channels, panel_width}, options),
        at::empty({shape.slots, shape.heads, panels(shape.channels), shape.capacity, panel_width}, options)};
}

int64_t CPUKernels::cache_bytes(const CacheShape &shape, int64_t size) const {
    return size * shape.slots * shape.heads * padded(shape.capacity) * (shape.channels + padded(shape.channels));
}

void CPUKernels::cache_write(
    const Cache &cache, const at::Tensor &key, const at::Tensor &value, const int64_t *slots,
    const int64_t *positions) const {
    const auto k = checked(key, 3, "key"), v = checked(value, 3, "value");
    const int64_t heads = cache.shape.heads, channels = cache.shape.channels, tokens = cache.shape.capacity;
    const int64_t width = padded(channels);
    const float *new_keys = floats(k), *new_values = floats(v);
    float *all_keys = mutable_floats(cache.keys), *all_values = mutable_floats(cache.values);
    for (int64_t row = 0; row < k.size(0); row++) {
        const int64_t position = positions[row];
        for (int64_t head = 0; head < heads; head++) {
            const int64_t place = slots[row] * heads + head, from = (row * heads + head) * channels;
            const int64_t lane = position % panel_width;
            float *key_panel = all_keys + (place * tokens + position - lane) * channels + lane;
            float *value_panels = all_values + place * tokens * width + position * panel_width;
            for (int64_t c = 0; c < channels; c++) {
                key_panel[c * panel_width] = new_keys[from + c];
                value_panels[c / panel_width * tokens * panel_width + c % panel_width] = new_values[from + c];
            }
        }
    }
}

void CPUKernels::cache_copy(const Cache &cache, int64_t source, int64_t target, int64_t count) const {
    const auto tokens = [&](int64_t slot) { return cache.keys.select(0, slot).narrow(1, 0, panels(count)); };
    const auto channels = [&](int64_t slot) { return cache.values.select(0, slot).narrow(2, 0, count); };
    tokens(target).copy_(tokens(source));
    channels(target).copy_(channels(source));
}

at::Tensor CPUKernels::cache_attention(
    const at::Tensor &query, const Cache &cache, const at::Tensor &given_sinks, const int64_t *slots,
    const int64_t *lengths, const ct_attention &options) const {
    const auto q = checked(query, 3, "query");
    const auto sinks =
        given_sinks.defined() ? checked(given_sinks, 1, "sinks") : at::full({q.size(1)}, no_sink, q.options());
    const int64_t rows = q.size(0), heads = q.size(1), channels = cache.shape.channels;
    const int64_t kv_heads = cache.shape.heads, tokens = cache.shape.capacity, share = heads / kv_heads;
    const float *keys = floats(cache.keys), *values = floats(cache.values);
    auto result = at::empty_like(q);
    float *target = mutable_floats(result);
    const int64_t width = padded(channels);
    parallel(rows * kv_heads, [&](int64_t unit) {
        const int64_t row = unit / kv_heads, head = unit % kv_heads, place = slots[row] * kv_heads + head;
        static thread_local std::vector<float> scratch;
        const size_t room = share * (padded(lengths[row]) + width);
        if (scratch.size() < room) scratch.resize(room);
        const int64_t first = (row * heads + head * share) * channels;
        const HeadCache head_cache = {
            keys + place * tokens * channels, values + place * tokens * width, tokens, channels};
        const int64_t start = options.window > 0 ? std::max<int64_t>(0, lengths[row] - options.window) : 0;
        attend(
            floats(q) + first, head_cache, floats(sinks) + head * share, target + first, scratch.data(), share,
            {start, lengths[row], static_cast<float>(options.scale), static_cast<float>(options.cap)});
    });
    return result;
}

}  // namespace ctorch::cpu

#include "panels.h"

#include <ATen/ops/empty_like.h>
#include <cstring>

// Caches hold panels: of 16 tokens for keys, `[slots, kv heads, capacity / 16, channels, 16]`, and of 16 channels for values,
// `[slots, kv heads, channels / 16, capacity, 16]`. So scores and sums are products with panels.
namespace ctorch {

namespace {

/// Keys and values of one head of a slot.
struct HeadCache {
    const float *keys, *values;
    int64_t capacity, channels;
};

/// `share` queries against the first `length` tokens; `scratch` has room for as many scores, in whole panels, and results.
CT_KERNEL void attend(
    const float *query, const HeadCache &cache, float *out, float *scratch, int64_t share, int64_t length, float scale) {
    const int64_t channels = cache.channels, columns = panels(length) * panel_width;
    const int64_t width = panels(channels) * panel_width;
    float *scores = scratch, *sums = scratch + share * columns;
    for (int64_t t = 0; t < columns; t += panel_width) {
        multiply(query, channels, share, cache.keys + t * channels, channels, scores + t, columns);
    }
    for (int64_t h = 0; h < share; h++) {
#pragma clang fp reassociate(on) contract(fast)
        float *row = scores + h * columns;
        const float largest = maximum(row, length);
        float sum = 0;
        for (int64_t t = 0; t < length; t++) {
            row[t] = fast_exp(scale * (row[t] - largest));
            sum += row[t];
        }
        const float factor = 1.0f / sum;
        for (int64_t t = 0; t < length; t++) row[t] *= factor;
    }
    for (int64_t c = 0; c < width; c += panel_width) {
        multiply(scores, columns, share, cache.values + c * cache.capacity, length, sums + c, width);
    }
    for (int64_t h = 0; h < share; h++) {
        std::memcpy(out + h * channels, sums + h * width, channels * sizeof(float));
    }
}

/// Checks caches of `channels` and gives how many tokens a slot of them holds.
int64_t capacity(const at::Tensor &keys, const at::Tensor &values, int64_t channels) {
    const int64_t tokens = keys.size(2) * panel_width;
    TORCH_CHECK(
        keys.is_contiguous() && values.is_contiguous() && keys.size(3) == channels && keys.size(4) == panel_width &&
            values.sizes() == at::IntArrayRef({keys.size(0), keys.size(1), panels(channels), tokens, panel_width}),
        "caches of ", keys.sizes(), " and ", values.sizes(), " for ", channels, " channels");
    return tokens;
}

}  // namespace

}  // namespace ctorch

using namespace ctorch;

ct_status ct_cache_write(
    ct_tensor *key_cache, ct_tensor *value_cache, const ct_tensor *key, const ct_tensor *value, const int64_t *slots,
    const int64_t *positions) {
    return guarded([&] {
        auto &keys = key_cache->value, &values = value_cache->value;
        const auto k = checked(key->value, 3, "key"), v = checked(value->value, 3, "value");
        const int64_t heads = keys.size(1), channels = k.size(2), tokens = capacity(keys, values, channels);
        TORCH_CHECK(
            k.sizes() == v.sizes() && k.size(1) == heads, "writing ", k.sizes(), " into a cache of ", keys.sizes());
        const int64_t width = panels(channels) * panel_width;
        const float *new_keys = floats(k), *new_values = floats(v);
        float *all_keys = mutable_floats(keys), *all_values = mutable_floats(values);
        for (int64_t row = 0; row < k.size(0); row++) {
            const int64_t position = positions[row];
            TORCH_CHECK(
                slots[row] >= 0 && slots[row] < keys.size(0) && position >= 0 && position < tokens, "slot ", slots[row],
                ", position ", position, " of a cache of ", keys.sizes());
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
    });
}

ct_status ct_cache_attention(
    const ct_tensor *query, const ct_tensor *key_cache, const ct_tensor *value_cache, const int64_t *slots,
    const int64_t *lengths, double scale, ct_tensor **out) {
    return returning(out, [&] {
        const auto q = checked(query->value, 3, "query");
        const auto &keys = key_cache->value, &values = value_cache->value;
        const int64_t rows = q.size(0), heads = q.size(1), channels = q.size(2);
        const int64_t kv_heads = keys.size(1), tokens = capacity(keys, values, channels), share = heads / kv_heads;
        TORCH_CHECK(heads % kv_heads == 0, "attention of ", q.sizes(), " over a cache of ", keys.sizes());
        for (int64_t row = 0; row < rows; row++) {
            TORCH_CHECK(
                slots[row] >= 0 && slots[row] < keys.size(0) && lengths[row] > 0 && lengths[row] <= tokens, "slot ",
                slots[row], ", length ", lengths[row], " of a cache of ", keys.sizes());
        }
        auto result = at::empty_like(q);
        float *target = mutable_floats(result);
        const int64_t width = panels(channels) * panel_width;
        parallel(rows * kv_heads, [&](int64_t unit) {
            const int64_t row = unit / kv_heads, head = unit % kv_heads, place = slots[row] * kv_heads + head;
            static thread_local std::vector<float> scratch;
            const size_t room = share * (panels(lengths[row]) * panel_width + width);
            if (scratch.size() < room) scratch.resize(room);
            const int64_t first = (row * heads + head * share) * channels;
            const HeadCache cache = {
                floats(keys) + place * tokens * channels, floats(values) + place * tokens * width, tokens, channels};
            attend(
                floats(q) + first, cache, target + first, scratch.data(), share, lengths[row],
                static_cast<float>(scale));
        });
        return result;
    });
}

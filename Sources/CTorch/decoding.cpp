#include "kernels.h"

#include <ATen/ops/empty_like.h>
#include <cstring>

namespace ctorch {

namespace {

/// `share` queries of one row against the first `length` keys of one cache head; `weights [share, length]` is scratch.
CT_KERNEL void attend(
    const float *query, const float *keys, const float *values, float *out, float *weights, int64_t share,
    int64_t length, int64_t channels, float scale) {
    for (int64_t t = 0; t < length; t++) {
        for (int64_t h = 0; h < share; h++) {
            weights[h * length + t] = scale * dot(query + h * channels, keys + t * channels, channels);
        }
    }
    for (int64_t h = 0; h < share; h++) {
#pragma clang fp reassociate(on) contract(fast)
        float *row = weights + h * length;
        const float largest = maximum(row, length);
        float sum = 0;
        for (int64_t t = 0; t < length; t++) {
            row[t] = fast_exp(row[t] - largest);
            sum += row[t];
        }
        const float factor = 1.0f / sum;
        float *result = out + h * channels;
        for (int64_t i = 0; i < channels; i++) result[i] = 0;
        for (int64_t t = 0; t < length; t++) {
            const float weight = row[t] * factor;
            for (int64_t i = 0; i < channels; i++) result[i] += weight * values[t * channels + i];
        }
    }
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
        const int64_t heads = keys.size(1), capacity = keys.size(2), channels = keys.size(3);
        TORCH_CHECK(
            keys.sizes() == values.sizes() && k.sizes() == v.sizes() && k.size(1) == heads && k.size(2) == channels,
            "writing ", k.sizes(), " into a cache of ", keys.sizes());
        for (int64_t row = 0; row < k.size(0); row++) {
            TORCH_CHECK(
                slots[row] >= 0 && slots[row] < keys.size(0) && positions[row] >= 0 && positions[row] < capacity,
                "slot ", slots[row], ", position ", positions[row], " of a cache of ", keys.sizes());
            for (int64_t head = 0; head < heads; head++) {
                const int64_t to = ((slots[row] * heads + head) * capacity + positions[row]) * channels;
                const int64_t from = (row * heads + head) * channels;
                std::memcpy(mutable_floats(keys) + to, floats(k) + from, channels * sizeof(float));
                std::memcpy(mutable_floats(values) + to, floats(v) + from, channels * sizeof(float));
            }
        }
    });
}

ct_status ct_cache_attention(
    const ct_tensor *query, const ct_tensor *key_cache, const ct_tensor *value_cache, const int64_t *slots,
    const int64_t *lengths, double scale, ct_tensor **out) {
    return returning(out, [&] {
        const auto q = checked(query->value, 3, "query");
        const auto keys = checked(key_cache->value, 4, "key cache"), values = checked(value_cache->value, 4, "value cache");
        const int64_t rows = q.size(0), heads = q.size(1), channels = q.size(2);
        const int64_t kv_heads = keys.size(1), capacity = keys.size(2), share = heads / kv_heads;
        TORCH_CHECK(
            keys.sizes() == values.sizes() && keys.size(3) == channels && heads % kv_heads == 0, "attention of ",
            q.sizes(), " over a cache of ", keys.sizes());
        for (int64_t row = 0; row < rows; row++) {
            TORCH_CHECK(
                slots[row] >= 0 && slots[row] < keys.size(0) && lengths[row] > 0 && lengths[row] <= capacity, "slot ",
                slots[row], ", length ", lengths[row], " of a cache of ", keys.sizes());
        }
        auto result = at::empty_like(q);
        float *target = mutable_floats(result);
        parallel(rows * kv_heads, [&](int64_t unit) {
            const int64_t row = unit / kv_heads, head = unit % kv_heads;
            static thread_local std::vector<float> weights;
            if (weights.size() < static_cast<size_t>(share * lengths[row])) weights.resize(share * lengths[row]);
            const int64_t place = (slots[row] * kv_heads + head) * capacity * channels;
            const int64_t first = (row * heads + head * share) * channels;
            attend(
                floats(q) + first, floats(keys) + place, floats(values) + place, target + first, weights.data(), share,
                lengths[row], channels, static_cast<float>(scale));
        });
        return result;
    });
}

// What sampling is made of: packed weights, caches and draws, each with the kernels that laid it out.
#include "kernels.h"

#include <ATen/core/grad_mode.h>

using namespace ctorch;

struct ct_packed_weight {
    const Kernels &kernels;
    at::Tensor value;
    int64_t outputs, inputs;
};

struct ct_cache {
    const Kernels &kernels;
    Cache value;
};

void ct_packed_weight_free(ct_packed_weight *weight) { delete weight; }

ct_status ct_pack(const ct_tensor *const *weights, size_t count, ct_packed_weight **out) {
    return guarded([&] {
        at::NoGradGuard no_gradient;
        if (count == 0) return;
        Tensors list;
        for (size_t i = 0; i < count; i++) {
            const auto &w = weights[i]->value;
            TORCH_CHECK(
                w.dim() == 2 && w.scalar_type() == weights[0]->value.scalar_type(), "packing a weight ", w.sizes(), " ",
                w.scalar_type());
            list.push_back(w.detach());
        }
        const auto &kernels = kernels_for(list[0]);
        const auto packed = kernels.pack(list);
        for (size_t i = 0; i < count; i++) {
            out[i] = new ct_packed_weight{kernels, packed[i], list[i].size(0), list[i].size(1)};
        }
    });
}

ct_status ct_linear_packed(
    const ct_tensor *input, const ct_packed_weight *packed, const ct_tensor *bias, ct_tensor **out) {
    return returning(out, [&] {
        at::NoGradGuard no_gradient;
        const auto &x = input->value;
        TORCH_CHECK(
            x.dim() == 2 && x.size(1) == packed->inputs, "input ", x.sizes(), " by a packed weight of ",
            packed->outputs, " x ", packed->inputs);
        TORCH_CHECK(
            !bias || bias->value.sizes() == at::IntArrayRef({packed->outputs}), "a bias of ", bias->value.sizes(),
            " for ", packed->outputs, " outputs");
        return packed->kernels.linear_packed(x, packed->value, packed->outputs, optional(bias));
    });
}

ct_status ct_logits(const ct_tensor *input, const ct_packed_weight *packed, ct_tensor **out) {
    return returning(out, [&] {
        at::NoGradGuard no_gradient;
        const auto &x = input->value;
        TORCH_CHECK(
            x.dim() == 2 && x.size(1) == packed->inputs, "logits of ", x.sizes(), " by a packed weight of ",
            packed->outputs, " x ", packed->inputs);
        return packed->kernels.logits(x, packed->value, packed->outputs);
    });
}

ct_status ct_cache_create(
    int64_t slots, int64_t heads, int64_t capacity, int64_t channels, ct_placement placement, ct_cache **out) {
    return guarded([&] {
        const auto wanted = options(placement);
        const auto &kernels = kernels_for(wanted.device(), c10::typeMetaToScalarType(wanted.dtype()));
        *out = new ct_cache{kernels, kernels.empty_cache({slots, heads, capacity, channels}, wanted)};
    });
}

void ct_cache_free(ct_cache *cache) { delete cache; }

int64_t ct_cache_capacity(const ct_cache *cache) { return cache->value.shape.capacity; }

ct_status ct_cache_bytes(
    int64_t slots, int64_t heads, int64_t capacity, int64_t channels, ct_placement placement, int64_t *out) {
    return guarded([&] {
        const auto wanted = options(placement);
        const auto &kernels = kernels_for(wanted.device(), c10::typeMetaToScalarType(wanted.dtype()));
        *out = kernels.cache_bytes({slots, heads, capacity, channels}, static_cast<int64_t>(wanted.dtype().itemsize()));
    });
}

ct_status ct_cache_write(
    ct_cache *cache, const ct_tensor *key, const ct_tensor *value, const int64_t *slots, const int64_t *positions) {
    return guarded([&] {
        at::NoGradGuard no_gradient;
        const auto &k = key->value, &v = value->value;
        const auto &shape = cache->value.shape;
        TORCH_CHECK(
            k.dim() == 3 && k.sizes() == v.sizes() && k.size(1) == shape.heads && k.size(2) == shape.channels,
            "writing ", k.sizes(), " into a cache of ", shape.heads, " heads of ", shape.channels, " channels");
        for (int64_t row = 0; row < k.size(0); row++) {
            TORCH_CHECK(
                slots[row] >= 0 && slots[row] < shape.slots && positions[row] >= 0 && positions[row] < shape.capacity,
                "slot ", slots[row], ", position ", positions[row], " of a cache of ", shape.slots, " slots of ",
                shape.capacity);
        }
        cache->kernels.cache_write(cache->value, k, v, slots, positions);
    });
}

ct_status ct_cache_copy(ct_cache *cache, int64_t source, int64_t target, int64_t count) {
    return guarded([&] {
        at::NoGradGuard no_gradient;
        const auto &shape = cache->value.shape;
        TORCH_CHECK(
            source >= 0 && source < shape.slots && target >= 0 && target < shape.slots && count >= 0
                && count <= shape.capacity,
            "copying ", count, " tokens of slot ", source, " to ", target, " in a cache of ", shape.slots, " slots of ",
            shape.capacity);
        cache->kernels.cache_copy(cache->value, source, target, count);
    });
}

ct_status ct_cache_attention(
    const ct_tensor *query, const ct_cache *cache, const ct_tensor *sinks, const int64_t *slots, const int64_t *lengths,
    ct_attention options, ct_tensor **out) {
    return returning(out, [&] {
        at::NoGradGuard no_gradient;
        const auto &q = query->value;
        const auto &shape = cache->value.shape;
        TORCH_CHECK(
            q.dim() == 3 && q.size(1) % shape.heads == 0 && q.size(2) == shape.channels, "attention of ", q.sizes(),
            " over a cache of ", shape.heads, " heads of ", shape.channels, " channels");
        const auto s = optional(sinks);
        TORCH_CHECK(
            !s.defined() || s.sizes() == at::IntArrayRef({q.size(1)}), "attention of ", q.sizes(), " with sinks ", s.sizes());
        for (int64_t row = 0; row < q.size(0); row++) {
            TORCH_CHECK(
                slots[row] >= 0 && slots[row] < shape.slots && lengths[row] > 0 && lengths[row] <= shape.capacity,
                "slot ", slots[row], ", length ", lengths[row], " of a cache of ", shape.slots, " slots of ",
                shape.capacity);
        }
        return cache->kernels.cache_attention(q, cache->value, s, slots, lengths, options);
    });
}

ct_status ct_sample(
    const ct_tensor *logits, ct_sampling options, const uint64_t *keys, const uint64_t *counters,
    const uint8_t *suppresses, int64_t *tokens, float *logps) {
    return guarded([&] {
        at::NoGradGuard no_gradient;
        const auto &x = logits->value;
        TORCH_CHECK(x.dim() == 2, "sampling from logits ", x.sizes());
        for (size_t i = 0; i < options.suppressed_count; i++) {
            TORCH_CHECK(
                options.suppressed[i] >= 0 && options.suppressed[i] < x.size(1), "suppressing token ",
                options.suppressed[i], " of ", x.size(1));
        }
        kernels_for(x).sample(x, options, {keys, counters, suppresses}, {tokens, logps});
    });
}

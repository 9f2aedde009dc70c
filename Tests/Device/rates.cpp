// Times the operators of a decoder of Qwen2.5-0.5B's shape in bfloat16: how long the host takes to ask for one, and how long until it
// is done where many are asked for behind each other. Where both are the same, the host is what is waited for.
#include "rates.h"

#include "../../Sources/CTorch/internal.h"
#include "../../Sources/CTorch/kernels.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <chrono>
#include <cstdio>
#include <functional>
#include <torch/csrc/autograd/autograd.h>

using namespace ctorch;

namespace {

const at::Device card = at::Device(at::kCUDA, 0);
const at::TensorOptions half = at::TensorOptions(card).dtype(at::kBFloat16), full = at::TensorOptions(card).dtype(at::kFloat);

void check(ct_status status) {
    if (status != 0) throw std::runtime_error(ct_last_error());
}

at::Tensor taken(ct_status status, ct_tensor *out) {
    check(status);
    const auto value = out->value;
    ct_tensor_free(out);
    return value;
}

#define TAKE(CALL)                             \
    [&] {                                      \
        ct_tensor *out = nullptr;              \
        const auto status = CALL;              \
        return taken(status, out);             \
    }()

void wait() { check(ct_synchronize({CT_UINT8, CT_CUDA, 0})); }

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Microseconds of one call: those of the host, and all.
void time(const char *name, int repeats, const std::function<void()> &body) {
    try {
        for (int i = 0; i < 3; i++) body();
        wait();
        const double start = now();
        for (int i = 0; i < repeats; i++) body();
        const double asked = now();
        wait();
        const double done = now();
        std::printf("%-44s %9.1f %9.1f\n", name, (asked - start) / repeats * 1e6, (done - start) / repeats * 1e6);
    } catch (const std::exception &failure) {
        std::printf("%s: %.300s\n", name, failure.what());
    }
    std::fflush(stdout);
}

using Operator = std::function<at::Tensor(const Tensors &)>;

/// An operator without gradients, and with its backward pass.
void time_both(const char *name, const Tensors &inputs, const Operator &body) {
    {
        at::NoGradGuard without;
        time(name, 30, [&] { body(inputs); });
    }
    Tensors leaves;
    for (const auto &input : inputs) {
        leaves.push_back(input.detach().clone());
        if (input.is_floating_point()) leaves.back().requires_grad_(true).mutable_grad() = at::zeros_like(input);
    }
    const auto gradient = at::ones_like(body(leaves));
    time((std::string(name) + ", and back").c_str(), 30, [&] { torch::autograd::backward({body(leaves)}, {gradient}); });
}

void linear(const char *name, int64_t rows, int64_t in, int64_t out, bool has_bias) {
    Tensors inputs = {at::randn({rows, in}, half), at::randn({out, in}, full)};
    if (has_bias) inputs.push_back(at::randn({out}, full));
    time_both(name, inputs, [&](const Tensors &x) {
        ct_tensor input{x[0]}, weight{x[1]}, bias{x.back()};
        return TAKE(ct_linear(&input, &weight, has_bias ? &bias : nullptr, &out));
    });
}

void training() {
    const int64_t rows = 8192;
    std::printf("\ntraining on %lld rows: microseconds of the host, and all\n", (long long)rows);
    linear("linear 896 to 896 with bias", rows, 896, 896, true);
    linear("linear 896 to 128 with bias", rows, 896, 128, true);
    linear("linear 896 to 896", rows, 896, 896, false);
    linear("linear 896 to 4864", rows, 896, 4864, false);
    linear("linear 4864 to 896", rows, 4864, 896, false);
    time_both("RMS norm", {at::randn({rows, 896}, half), at::randn({896}, full)}, [](const Tensors &x) {
        ct_tensor input{x[0]}, weight{x[1]};
        return TAKE(ct_rms_norm(&input, &weight, 1e-6, &out));
    });
    const auto angles = at::randn({rows, 32}, full);
    time_both("rotary", {at::randn({rows, 14, 64}, half)}, [&](const Tensors &x) {
        ct_tensor input{x[0]}, cosine{angles}, sine{angles};
        return TAKE(ct_rotary(&input, &cosine, &sine, &out));
    });
    time_both("SiLU gate", {at::randn({rows, 4864}, half), at::randn({rows, 4864}, half)}, [](const Tensors &x) {
        ct_tensor gate{x[0]}, up{x[1]};
        return TAKE(ct_silu_gate(&gate, &up, &out));
    });
    time_both("sum", {at::randn({rows, 896}, half), at::randn({rows, 896}, half)}, [](const Tensors &x) {
        ct_tensor left{x[0]}, right{x[1]};
        return TAKE(ct_apply_binary(CT_ADD, &left, &right, &out));
    });
    Segments pairs;
    for (int64_t start = 0; start < rows; start += 256) {
        pairs.insert(pairs.end(), {{start, 128, 0, 0}, {start + 128, 64, start, 128}, {start + 192, 64, start, 128}});
    }
    time_both("attention of pairs", {at::randn({rows, 14, 64}, half), at::randn({rows, 2, 64}, half), at::randn({rows, 2, 64}, half)},
        [&](const Tensors &x) {
            ct_tensor q{x[0]}, k{x[1]}, v{x[2]};
            return TAKE(ct_segment_attention(&q, &k, &v, nullptr, pairs.data(), pairs.size(), {0.125, 0, 0}, &out));
        });
    const auto targets = at::randint(0, 151936, {rows / 2}, at::TensorOptions(card).dtype(at::kLong));
    time_both("log-probabilities of half the rows", {at::randn({rows / 2, 896}, half), at::randn({151936, 896}, full) * 0.02},
        [&](const Tensors &x) {
            ct_tensor hidden{x[0]}, weight{x[1]}, list{targets};
            ct_tensor *logps = nullptr, *statistics = nullptr;
            check(ct_linear_logps(&hidden, &weight, &list, {1, 0, 1}, &logps, &statistics));
            const auto result = logps->value;
            ct_tensor_free(logps);
            ct_tensor_free(statistics);
            return result;
        });
    ct_tensor state[4];
    for (auto &part : state) part.value = at::zeros({494'000'000}, full);
    time("AdamW of 494 million", 10, [&] { check(ct_adamw_step(state, state + 1, state + 2, state + 3, {1e-6, 0.9, 0.999, 1e-8, 0, 1})); });
    time("norm of 494 million", 10, [&] {
        double norm = 0;
        check(ct_norm(state + 1, &norm));
    });
}

void decoding() {
    const at::NoGradGuard without;
    const int64_t slots = 256;
    std::printf("\ndecoding in %lld slots\n", (long long)slots);
    const auto packed = [](int64_t in, int64_t out) {
        ct_tensor weight{at::randn({out, in}, half)};
        const ct_tensor *list[] = {&weight};
        ct_packed_weight *result = nullptr;
        check(ct_pack(list, 1, &result));
        return result;
    };
    for (const auto &[in, out] : {std::pair<int64_t, int64_t>{896, 896}, {896, 128}, {896, 4864}, {4864, 896}}) {
        ct_tensor input{at::randn({slots, in}, half)}, bias{at::randn({out}, half)};
        auto *weight = packed(in, out);
        const auto name = "packed linear " + std::to_string(in) + " to " + std::to_string(out);
        time(name.c_str(), 100, [&] { TAKE(ct_linear_packed(&input, weight, &bias, &out)); });
        ct_packed_weight_free(weight);
    }
    ct_tensor hidden{at::randn({slots, 896}, half)};
    auto *vocabulary = packed(896, 151936);
    time("logits", 50, [&] { TAKE(ct_logits(&hidden, vocabulary, &out)); });
    ct_tensor logits{TAKE(ct_logits(&hidden, vocabulary, &out))};
    const std::vector<uint64_t> keys(slots, 7), counters(slots, 3);
    const std::vector<uint8_t> suppresses(slots, 0);
    std::vector<int64_t> tokens(slots);
    std::vector<float> logps(slots);
    const int64_t suppressed[] = {0};
    time("draw", 50, [&] {
        check(ct_sample(&logits, {1, 0, 1, suppressed, 1}, keys.data(), counters.data(), suppresses.data(), tokens.data(), logps.data()));
    });
    ct_cache *cache = nullptr;
    check(ct_cache_create(slots, 2, 240, 64, {CT_BFLOAT16, CT_CUDA, 0}, &cache));
    ct_tensor q{at::randn({slots, 14, 64}, half)}, kv{at::randn({slots, 2, 64}, half)};
    std::vector<int64_t> owners(slots), places(slots, 150), lengths(slots, 151);
    for (int64_t slot = 0; slot < slots; slot++) owners[slot] = slot;
    time("write into the cache", 100, [&] { check(ct_cache_write(cache, &kv, &kv, owners.data(), places.data())); });
    time("attention over the cache", 100, [&] {
        TAKE(ct_cache_attention(&q, cache, nullptr, owners.data(), lengths.data(), {0.125, 0, 0}, &out));
    });
    ct_cache_free(cache);
    ct_tensor weight{at::randn({896}, half)};
    time("RMS norm", 100, [&] { TAKE(ct_rms_norm(&hidden, &weight, 1e-6, &out)); });
    const auto angles = at::randn({slots, 32}, full);
    ct_tensor cosine{angles}, sine{angles};
    time("rotary", 100, [&] { TAKE(ct_rotary(&q, &cosine, &sine, &out)); });
    ct_tensor gate{at::randn({slots, 4864}, half)};
    time("SiLU gate", 100, [&] { TAKE(ct_silu_gate(&gate, &gate, &out)); });
    time("sum", 100, [&] { TAKE(ct_apply_binary(CT_ADD, &hidden, &hidden, &out)); });
}

}  // namespace

int rates() {
    training();
    decoding();
    return 0;
}

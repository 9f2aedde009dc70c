// Holds the operators on a card against those of the CPU: results and gradients, in float32 and bfloat16.
// Built by Tests/Device/pack; prints a line an operator, `name error bound`, and fails where an error passes its bound. With the word
// `rates` it times them instead.
#include "../../Sources/CTorch/differentiable.h"
#include "../../Sources/CTorch/kernels.h"

#include "rates.h"

#include <ATen/ATen.h>
#include <cstdio>
#include <cstring>
#include <torch/csrc/autograd/autograd.h>

using namespace ctorch;

static int failures = 0;
static at::Device card = at::Device(at::kCUDA, 0);

static void check(ct_status status) {
    if (status != 0) throw std::runtime_error(ct_last_error());
}

static void report(const std::string &name, double error, double bound) {
    const bool ok = error <= bound;
    if (!ok) failures++;
    std::printf("%-44s %10.2e  %8.0e  %s\n", name.c_str(), error, bound, ok ? "ok" : "FAILED");
    std::fflush(stdout);
}

static double distance(const at::Tensor &a, const at::Tensor &b) {
    const auto x = a.detach().to(at::kCPU, at::kDouble), y = b.detach().to(at::kCPU, at::kDouble);
    return ((x - y).norm() / (y.norm() + 1e-30)).item<double>();
}

using Operator = std::function<at::Tensor(const Tensors &)>;

/// The result of an operator on a device and the gradients of those inputs that are of float32 in the end.
static Tensors run(const Operator &body, const Tensors &inputs, at::Device device, at::ScalarType type, size_t narrow) {
    Tensors leaves, used;
    for (size_t i = 0; i < inputs.size(); i++) {
        auto leaf = inputs[i].to(device).detach().clone();
        if (leaf.is_floating_point()) leaf.requires_grad_(true);
        leaves.push_back(leaf);
        used.push_back(i < narrow && leaf.is_floating_point() ? leaf.to(type) : leaf);
    }
    const auto out = body(used);
    at::manual_seed(5);
    const auto direction = at::randn(out.sizes(), at::kFloat).to(device);
    Tensors results = {out};
    if (out.requires_grad()) {
        torch::autograd::backward({(out.to(at::kFloat) * direction).sum()}, {});
        for (const auto &leaf : leaves) {
            if (leaf.grad().defined()) results.push_back(leaf.grad());
        }
    }
    return results;
}

/// The first `narrow` inputs are given in the type that is tried.
static void hold(const std::string &name, const Operator &body, const Tensors &inputs, size_t narrow) {
    const auto wanted = run(body, inputs, at::kCPU, at::kFloat, narrow);
    for (const auto type : {at::kFloat, at::kBFloat16}) {
        const auto label = name + (type == at::kFloat ? " float32" : " bfloat16");
        try {
            const auto found = run(body, inputs, card, type, narrow), again = run(body, inputs, card, type, narrow);
            double error = 0, change = 0;
            for (size_t i = 0; i < wanted.size(); i++) {
                error = std::max(error, distance(found[i], wanted[i]));
                if (!at::equal(found[i], again[i])) change = 1;
            }
            report(label, error, type == at::kFloat ? 1e-5 : 2e-2);
            report(label + ", again", change, 0);
        } catch (const std::exception &failure) {
            std::printf("%s: %.600s\n", label.c_str(), failure.what());
            report(label, 1, 0);
        }
    }
}

static at::Tensor taken(ct_status status, ct_tensor *out) {
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

int main(int count, char **words) {
    std::printf("LibTorch %s, built for %s\n", ct_loaded_version(), ct_version());
    if (ct_load_cuda() != CT_CUDA_USABLE) {
        std::printf("no card: %s\n", ct_last_error());
        return 1;
    }
    char name[256];
    int64_t free = 0, total = 0;
    check(ct_cuda_name(0, name, sizeof name));
    check(ct_cuda_memory(0, &free, &total));
    check(ct_use_cuda(0, true));
    std::printf("%s, %lld of %lld MiB free, %d cards\n", name, (long long)(free >> 20), (long long)(total >> 20), ct_cuda_count());
    at::manual_seed(3);
    if (count > 1 && std::strcmp(words[1], "rates") == 0) return rates();
    const auto normal = [](at::IntArrayRef shape) { return at::randn(shape, at::kFloat); };

    for (const bool transposed : {false, true}) {
        hold(transposed ? "linear transposed" : "linear", [&](const Tensors &x) {
            ct_tensor input{x[0]}, weight{x[1]}, bias{x[2]};
            return transposed ? TAKE(ct_linear_transposed(&input, &weight, &bias, &out))
                              : TAKE(ct_linear(&input, &weight, &bias, &out));
        }, {normal({300, 64}), transposed ? normal({64, 96}) : normal({96, 64}), normal({96})}, 1);
    }
    hold("linear without bias", [&](const Tensors &x) {
        ct_tensor input{x[0]}, weight{x[1]};
        return TAKE(ct_linear(&input, &weight, nullptr, &out));
    }, {normal({300, 64}), normal({96, 64})}, 1);
    hold("RMS norm", [&](const Tensors &x) {
        ct_tensor input{x[0]}, weight{x[1]};
        return TAKE(ct_rms_norm(&input, &weight, 1e-6, &out));
    }, {normal({300, 896}), normal({896})}, 1);
    hold("RMS norm of heads", [&](const Tensors &x) {
        ct_tensor input{x[0]}, weight{x[1]};
        return TAKE(ct_rms_norm(&input, &weight, 1e-6, &out));
    }, {normal({300, 4, 64}), normal({64})}, 1);
    hold("layer norm", [&](const Tensors &x) {
        ct_tensor input{x[0]}, weight{x[1]}, bias{x[2]};
        return TAKE(ct_layer_norm(&input, &weight, &bias, 1e-6, &out));
    }, {normal({300, 896}), normal({896}), normal({896})}, 1);
    const auto angles = normal({300, 16});
    for (const int64_t channels : {32, 40}) {
        hold("rotary", [&](const Tensors &x) {
            const auto device = x[0].device();
            ct_tensor input{x[0]}, cosine{angles.cos().to(device)}, sine{angles.sin().to(device)};
            return TAKE(ct_rotary(&input, &cosine, &sine, &out));
        }, {normal({300, 4, channels})}, 1);
    }
    hold("SiLU gate", [&](const Tensors &x) {
        ct_tensor gate{x[0]}, up{x[1]};
        return TAKE(ct_silu_gate(&gate, &up, &out));
    }, {normal({300, 96}), normal({300, 96})}, 2);
    hold("embedding", [&](const Tensors &x) {
        ct_tensor weight{x[0]}, indices{x[1]};
        return TAKE(ct_embedding(&weight, &indices, &out));
    }, {normal({100, 64}), at::randint(0, 100, {4000}, at::kLong)}, 0);
    hold("sums of groups", [&](const Tensors &x) {
        ct_tensor all{x[0]}, indices{x[1]};
        return TAKE(ct_sum_groups(&all, &indices, 7, &out));
    }, {normal({300}), at::randint(0, 7, {300}, at::kLong)}, 0);

    const Segments apart = {{0, 100, 0, 0}, {100, 77, 0, 0}, {177, 123, 0, 0}};
    const Segments pairs = {{0, 90, 0, 0}, {90, 50, 0, 90}, {140, 20, 0, 90}, {160, 1, 0, 0}, {161, 100, 160, 1}, {261, 39, 160, 1}};
    for (const int64_t channels : {64, 72}) {
        for (const bool shares : {false, true}) {
            hold(std::string(shares ? "attention of pairs, " : "attention, ") + std::to_string(channels), [&](const Tensors &x) {
                ct_tensor q{x[0]}, k{x[1]}, v{x[2]};
                const auto &segments = shares ? pairs : apart;
                return TAKE(ct_segment_attention(&q, &k, &v, nullptr, segments.data(), segments.size(), {0.125, 0, 0}, &out));
            }, {normal({300, 4, channels}), normal({300, 2, channels}), normal({300, 2, channels})}, 3);
        }
    }
    const auto targets = at::randint(0, 5000, {300}, at::kLong);
    hold("log-probabilities", [&](const Tensors &x) {
        ct_tensor hidden{x[0]}, weight{x[1]}, list{targets.to(x[0].device())};
        ct_tensor *logps = nullptr, *statistics = nullptr;
        check(ct_linear_logps(&hidden, &weight, &list, {1, 0, 0.7}, &logps, &statistics));
        const auto result = logps->value;
        ct_tensor_free(logps);
        ct_tensor_free(statistics);
        return result;
    }, {normal({300, 64}), normal({5000, 64}) * 0.3}, 1);
    hold("statistics", [&](const Tensors &x) {
        ct_tensor hidden{x[0].detach()}, weight{x[1].detach()}, list{targets.to(x[0].device())};
        ct_tensor *logps = nullptr, *statistics = nullptr;
        check(ct_linear_logps(&hidden, &weight, &list, {1, 0, 1}, &logps, &statistics));
        const auto result = statistics->value;
        ct_tensor_free(logps);
        ct_tensor_free(statistics);
        return result;
    }, {normal({300, 64}), normal({5000, 64}) * 0.3}, 1);

    const std::vector<int64_t> slots = {4, 1, 3}, lengths = {33, 7, 20};
    hold("attention over a cache", [&](const Tensors &x) {
        const auto device = x[0].device();
        const ct_placement placement = {
            static_cast<ct_scalar_type>(x[0].scalar_type()), device.is_cuda() ? CT_CUDA : CT_CPU, 0};
        ct_cache *cache = nullptr;
        check(ct_cache_create(5, 2, 40, 64, placement, &cache));
        for (int64_t position = 0; position < 33; position++) {
            const std::vector<int64_t> places(3, position);
            ct_tensor k{x[1].select(0, position).detach()}, v{x[2].select(0, position).detach()};
            check(ct_cache_write(cache, &k, &v, slots.data(), places.data()));
        }
        check(ct_cache_copy(cache, 4, 0, 33));
        const std::vector<int64_t> asked = {0, 1, 3};
        ct_tensor q{x[0].detach()};
        const auto result = TAKE(ct_cache_attention(&q, cache, nullptr, asked.data(), lengths.data(), {0.125, 0, 0}, &out));
        ct_cache_free(cache);
        return result;
    }, {normal({3, 4, 64}), normal({33, 3, 2, 64}), normal({33, 3, 2, 64})}, 3);

    const auto logits = normal({64, 5000}) * 2;
    const std::vector<uint64_t> keys(64, 0x123456789abcdef1), counters = [] {
        std::vector<uint64_t> all(64);
        for (size_t i = 0; i < all.size(); i++) all[i] = i;
        return all;
    }();
    const std::vector<uint8_t> suppresses(64, 1);
    const int64_t suppressed[] = {3};
    for (const ct_sampling options : {ct_sampling{1, 0, 1, suppressed, 1}, ct_sampling{0.7, 50, 0.9, suppressed, 1}, ct_sampling{0, 0, 1, suppressed, 1}}) {
        std::vector<int64_t> tokens[2] = {std::vector<int64_t>(64), std::vector<int64_t>(64)};
        std::vector<float> logps[2] = {std::vector<float>(64), std::vector<float>(64)};
        double differences = 0;
        try {
            for (int i = 0; i < 2; i++) {
                ct_tensor input{i == 0 ? logits : logits.to(card)};
                check(ct_sample(&input, options, keys.data(), counters.data(), suppresses.data(), tokens[i].data(), logps[i].data()));
            }
            for (int i = 0; i < 64; i++) differences += tokens[0][i] != tokens[1][i] || std::abs(logps[0][i] - logps[1][i]) > 1e-4;
        } catch (const std::exception &failure) {
            std::printf("%.600s\n", failure.what());
            differences = 64;
        }
        report("sampling at " + std::to_string(options.temperature), differences / 64, 0);
    }

    const auto flat = normal({5'000'000});
    double norms[2];
    uint64_t sums[2];
    for (int i = 0; i < 2; i++) {
        ct_tensor all{i == 0 ? flat : flat.to(card)};
        check(ct_norm(&all, norms + i));
        check(ct_checksum(&all, sums + i));
    }
    report("norm", std::abs(norms[0] - norms[1]) / norms[0], 1e-12);
    report("checksum", sums[0] == sums[1] ? 0 : 1, 0);

    const Tensors state = {normal({1'000'000}), normal({1'000'000}), normal({1'000'000}).mul(0.1), normal({1'000'000}).square()};
    at::Tensor values[2];
    for (int i = 0; i < 2; i++) {
        ct_tensor parts[4];
        for (int j = 0; j < 4; j++) parts[j].value = i == 0 ? state[j].clone() : state[j].to(card);
        for (int64_t step = 1; step <= 3; step++) check(ct_adamw_step(parts, parts + 1, parts + 2, parts + 3, {1e-3, 0.9, 0.999, 1e-8, 0.01, step}));
        values[i] = parts[0].value;
    }
    report("AdamW", distance(values[1], values[0]), 1e-6);

    // What layers multiply by follows the parameter, and gradients add up in place.
    for (const bool transposed : {false, true}) {
        const Tensors flat = {normal({20'000}).to(card), at::zeros({20'000}, at::TensorOptions(card).dtype(at::kFloat))};
        ct_tensor values{flat[0]}, gradients{flat[1]}, moments[2] = {{at::zeros_like(flat[0])}, {at::zeros_like(flat[0])}};
        const int64_t shape[] = {96, 64};
        ct_tensor weight{TAKE(ct_parameter_view(&values, &gradients, 160, shape, 2, &out))};
        ct_tensor input{normal({300, transposed ? 96 : 64}).to(card, at::kBFloat16)};
        at::Tensor sum = at::zeros({96, 64}, at::kFloat);
        double error = 0;
        for (int64_t step = 1; step <= 3; step++) {
            const auto found = transposed ? TAKE(ct_linear_transposed(&input, &weight, nullptr, &out))
                                          : TAKE(ct_linear(&input, &weight, nullptr, &out));
            const auto narrow = weight.value.detach().to(at::kBFloat16);
            const auto wanted = at::mm(input.value, transposed ? narrow : narrow.t());
            error = std::max(error, distance(found, wanted));
            torch::autograd::backward({found}, {at::ones_like(found)});
            const auto ones = at::ones_like(found).cpu().to(at::kFloat), x = input.value.cpu().to(at::kFloat);
            sum += transposed ? at::mm(x.t(), ones) : at::mm(ones.t(), x);
            error = std::max(error, distance(flat[1].narrow(0, 160, 96 * 64).view({96, 64}), sum));
            check(ct_adamw_step(&values, &gradients, moments, moments + 1, {1e-1, 0.9, 0.999, 1e-8, 0, step}));
        }
        error = std::max(error, (flat[1].abs().sum() - flat[1].narrow(0, 160, 96 * 64).abs().sum()).item<double>());
        report(transposed ? "updates of a transposed parameter" : "updates of a parameter", error, 1e-4);
    }

    std::printf(failures == 0 ? "all operators agree\n" : "%d FAILED\n", failures);
    return failures == 0 ? 0 : 1;
}

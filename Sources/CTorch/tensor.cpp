#include "internal.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <cstring>
#include <sys/mman.h>

namespace ctorch {

at::TensorOptions options(ct_placement placement) {
    const auto type = at::TensorOptions().dtype(static_cast<at::ScalarType>(placement.type));
    if (placement.device == CT_CUDA) return type.device(at::kCUDA, static_cast<c10::DeviceIndex>(placement.index));
    TORCH_CHECK(
        placement.device == CT_CPU && placement.index == 0, "there is no device ",
        static_cast<int>(placement.device), ":", placement.index);
    return type.device(at::kCPU);
}

at::Tensor empty_large(int64_t count) {
    const size_t bytes = std::max<int64_t>(count, 1) * sizeof(float);
    void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TORCH_CHECK(memory != MAP_FAILED, "no memory for ", bytes, " bytes");
    // Reading a model's weights in small pages costs a tenth of the time. A system without large ones ignores this.
    madvise(memory, bytes, MADV_HUGEPAGE);
    return at::from_blob(memory, {count}, [bytes](void *start) { munmap(start, bytes); }, at::kFloat);
}

}  // namespace ctorch

using namespace ctorch;

void ct_tensor_free(ct_tensor *tensor) { delete tensor; }

ct_status ct_tensor_share(const ct_tensor *tensor, ct_tensor **out) {
    return returning(out, [&] { return tensor->value; });
}

ct_status ct_from_data(
    const void *data, ct_placement placement, const int64_t *shape, size_t rank, ct_tensor **out) {
    return returning(out, [&] {
        const auto wanted = options(placement);
        auto tensor = at::empty(sizes(shape, rank), wanted.device(at::kCPU));
        if (tensor.nbytes() > 0) std::memcpy(tensor.data_ptr(), data, tensor.nbytes());
        return tensor.to(wanted.device());
    });
}

ct_status ct_full(double value, ct_placement placement, const int64_t *shape, size_t rank, ct_tensor **out) {
    return returning(out, [&] { return at::full(sizes(shape, rank), value, options(placement)); });
}

ct_status ct_unused_zeros(ct_placement placement, int64_t count, ct_tensor **out) {
    return returning(out, [&] {
        const auto wanted = options(placement);
        // What the system maps is zero, and no page of it is taken before it is written to.
        const bool is_mapped = placement.type == CT_FLOAT32 && placement.device == CT_CPU && count >= 1 << 18;
        return is_mapped ? empty_large(count) : at::zeros({count}, wanted);
    });
}

ct_status ct_empty(ct_placement placement, const int64_t *shape, size_t rank, ct_tensor **out) {
    return returning(out, [&] { return at::empty(sizes(shape, rank), options(placement)); });
}

ct_status ct_empty_pinned(ct_scalar_type type, const int64_t *shape, size_t rank, ct_tensor **out) {
    return returning(out, [&] {
        return at::empty(sizes(shape, rank), options({type, CT_CPU, 0}).pinned_memory(true));
    });
}

ct_status ct_copy_to_host(const ct_tensor *tensor, ct_scalar_type type, void *destination, size_t bytes) {
    return guarded([&] {
        const auto source = tensor->value.detach().to(at::kCPU, static_cast<at::ScalarType>(type)).contiguous();
        TORCH_CHECK(source.nbytes() == bytes, "the tensor holds ", source.nbytes(), " bytes, the destination ", bytes);
        if (bytes > 0) std::memcpy(destination, source.data_ptr(), bytes);
    });
}

int64_t ct_rank(const ct_tensor *tensor) { return tensor->value.dim(); }

int64_t ct_size(const ct_tensor *tensor, int64_t dimension) { return tensor->value.sizes()[dimension]; }

ct_placement ct_placement_of(const ct_tensor *tensor) {
    const auto device = tensor->value.device();
    return {
        static_cast<ct_scalar_type>(tensor->value.scalar_type()), static_cast<ct_device>(device.type()),
        device.has_index() ? device.index() : 0};
}

bool ct_requires_gradient(const ct_tensor *tensor) { return tensor->value.requires_grad(); }

bool ct_is_contiguous(const ct_tensor *tensor) { return tensor->value.is_contiguous(); }

ct_status ct_data(const ct_tensor *tensor, void **out) {
    return guarded([&] {
        TORCH_CHECK(tensor->value.is_cpu(), "the host cannot read memory of ", tensor->value.device());
        *out = tensor->value.data_ptr();
    });
}

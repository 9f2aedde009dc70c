#include "internal.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <cstring>
#include <sys/mman.h>

using namespace ctorch;

void ct_tensor_free(ct_tensor *tensor) { delete tensor; }

ct_status ct_tensor_share(const ct_tensor *tensor, ct_tensor **out) {
    return returning(out, [&] { return tensor->value; });
}

ct_status ct_from_data(const void *data, ct_scalar_type type, const int64_t *shape, size_t rank, ct_tensor **out) {
    return returning(out, [&] {
        auto tensor = at::empty(sizes(shape, rank), scalar_type(type));
        if (tensor.nbytes() > 0) std::memcpy(tensor.data_ptr(), data, tensor.nbytes());
        return tensor;
    });
}

ct_status ct_full(double value, ct_scalar_type type, const int64_t *shape, size_t rank, ct_tensor **out) {
    return returning(out, [&] { return at::full(sizes(shape, rank), value, scalar_type(type)); });
}

ct_status ct_empty(ct_scalar_type type, const int64_t *shape, size_t rank, ct_tensor **out) {
    return returning(out, [&] { return at::empty(sizes(shape, rank), scalar_type(type)); });
}

ct_status ct_empty_large(int64_t count, ct_tensor **out) {
    return returning(out, [&] {
        const size_t bytes = std::max<int64_t>(count, 1) * sizeof(float);
        void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        TORCH_CHECK(memory != MAP_FAILED, "no memory for ", bytes, " bytes");
        // Reading a model's weights in small pages costs a tenth of the time. A system without large ones ignores this.
        madvise(memory, bytes, MADV_HUGEPAGE);
        return at::from_blob(memory, {count}, [bytes](void *start) { munmap(start, bytes); }, at::kFloat);
    });
}

ct_status ct_copy_to_host(const ct_tensor *tensor, ct_scalar_type type, void *destination, size_t bytes) {
    return guarded([&] {
        const auto source = tensor->value.detach().to(at::kCPU, scalar_type(type)).contiguous();
        TORCH_CHECK(source.nbytes() == bytes, "the tensor holds ", source.nbytes(), " bytes, the destination ", bytes);
        if (bytes > 0) std::memcpy(destination, source.data_ptr(), bytes);
    });
}

int64_t ct_rank(const ct_tensor *tensor) { return tensor->value.dim(); }

int64_t ct_size(const ct_tensor *tensor, int64_t dimension) { return tensor->value.sizes()[dimension]; }

ct_scalar_type ct_type(const ct_tensor *tensor) { return static_cast<ct_scalar_type>(tensor->value.scalar_type()); }

bool ct_requires_gradient(const ct_tensor *tensor) { return tensor->value.requires_grad(); }

bool ct_is_contiguous(const ct_tensor *tensor) { return tensor->value.is_contiguous(); }

ct_status ct_data(const ct_tensor *tensor, void **out) {
    return guarded([&] { *out = tensor->value.data_ptr(); });
}

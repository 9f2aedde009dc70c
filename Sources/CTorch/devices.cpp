#include "internal.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

// Nothing here needs CUDA's headers, so a program that was built with a LibTorch for CPUs finds the cards of one for CUDA, of
// the same version, where it is run.
namespace ctorch {

std::string library_folder() {
    void *library = dlopen("libtorch_cpu.so", RTLD_NOW | RTLD_NOLOAD);
    link_map *map = nullptr;
    if (library == nullptr || dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return "";
    const std::string path = map->l_name;
    return path.substr(0, path.rfind('/'));
}

namespace {

std::atomic<bool> in_use = false;

ct_cuda_state load_cuda() {
    const auto path = library_folder() + "/libtorch_cuda.so";
    if (access(path.c_str(), F_OK) != 0) return CT_CUDA_ABSENT;
    // Products have the same bits each time only with workspaces of one size. Read when the library is loaded.
    setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
    // Batches are ragged: what one leaves free has to serve the next, which is of other sizes.
    if (std::getenv("PYTORCH_CUDA_ALLOC_CONF") == nullptr) {
        setenv("PYTORCH_ALLOC_CONF", "expandable_segments:True", /*overwrite=*/0);
    }
    if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
        set_last_error(dlerror());
        return CT_CUDA_UNUSABLE;
    }
    // Asks the driver, and says why not where it has no device.
    const auto status = guarded([] {
        at::globalContext().lazyInitDevice(at::kCUDA);
        TORCH_CHECK(at::accelerator::deviceCount() > 0, "there is no card");
    });
    return status == 0 ? CT_CUDA_USABLE : CT_CUDA_UNUSABLE;
}

/// A function of the driver, whose library LibTorch has loaded.
template <typename Function>
Function *driver(const char *name) {
    static void *const library = dlopen("libcuda.so.1", RTLD_NOW);
    void *const function = library == nullptr ? nullptr : dlsym(library, name);
    TORCH_CHECK(function != nullptr, "the driver has no ", name);
    return reinterpret_cast<Function *>(function);
}

c10::DeviceIndex device(int32_t index) { return static_cast<c10::DeviceIndex>(index); }

}  // namespace

bool uses_cuda() noexcept { return in_use; }

}  // namespace ctorch

using namespace ctorch;

ct_cuda_state ct_load_cuda(void) {
    static const auto state = load_cuda();
    return state;
}

int32_t ct_cuda_count(void) {
    int32_t count = 0;
    (void)guarded([&] { count = ct_load_cuda() == CT_CUDA_USABLE ? at::accelerator::deviceCount() : 0; });
    return count;
}

ct_status ct_use_cuda(int32_t index, bool deterministic) {
    return guarded([&] {
        at::accelerator::setDeviceIndex(device(index));
        in_use = true;
        auto &context = at::globalContext();
        context.setDeterministicAlgorithms(deterministic, /*warn_only=*/false);
        context.setDeterministicFillUninitializedMemory(false);
        context.setFloat32MatmulPrecision("highest");
        context.setAllowBF16ReductionCuBLAS(false);
    });
}

ct_status ct_cuda_name(int32_t index, char *out, size_t size) {
    return guarded([&] {
        const int status = driver<int(char *, int, int)>("cuDeviceGetName")(out, static_cast<int>(size), index);
        TORCH_CHECK(status == 0, "the driver cannot name device ", index, ": error ", status);
    });
}

ct_status ct_cuda_identity(int32_t index, uint8_t out[16]) {
    return guarded([&] {
        int device = 0;
        int status = driver<int(int *, int)>("cuDeviceGet")(&device, index);
        if (status == 0) status = driver<int(uint8_t *, int)>("cuDeviceGetUuid_v2")(out, device);
        TORCH_CHECK(status == 0, "the driver cannot identify device ", index, ": error ", status);
    });
}

ct_status ct_cuda_memory(int32_t index, int64_t *free, int64_t *total) {
    return guarded([&] {
        const auto memory = at::accelerator::getMemoryInfo(device(index));
        *free = static_cast<int64_t>(memory.first);
        *total = static_cast<int64_t>(memory.second);
    });
}

ct_status ct_cuda_peak(int32_t index, int64_t *tensors, int64_t *taken) {
    return guarded([&] {
        const auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
        const auto stats = at::accelerator::getDeviceStats(device(index));
        *tensors = stats.allocated_bytes[all].peak;
        *taken = stats.reserved_bytes[all].peak;
    });
}

ct_status ct_cuda_forget_peak(int32_t index) {
    return guarded([&] { at::accelerator::resetPeakStats(device(index)); });
}

ct_status ct_synchronize(ct_placement placement) {
    return guarded([&] {
        if (placement.device == CT_CUDA) at::accelerator::synchronizeDevice(device(placement.index));
    });
}

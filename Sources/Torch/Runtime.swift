import CTorch

/// LibTorch's settings for this process.
public enum TorchRuntime {
    /// LibTorch's version, such as "2.13.0".
    public static var version: String { String(cString: ct_version()) }

    /// How many threads operators run on.
    public static var threadCount: Int { Int(ct_thread_count()) }

    /// LibTorch's version, and whose kernels compute where they are not the usual ones: `2.13.0 with kernels aten`. What
    /// differs in it differs in rounding.
    public static var numerics: String {
        KernelSet.current == .cpu ? version : "\(version) with kernels \(KernelSet.current.rawValue)"
    }

    /// Finds mistakes in what the process was told about kernels and in the library it was given, as ``start(threads:)`` does.
    public static func check() throws {
        try LibTorchMismatch.check()
        try UnknownKernels.check()
    }

    /// Sets how many threads operators run on, and keeps freed memory in the heap: large temporaries would otherwise pay page
    /// faults at every step. Called once, before the first operator.
    ///
    /// - Throws: where `MPO_KERNELS` names kernels that do not exist, or LibTorch is of another version than the program.
    public static func start(threads: Int) throws {
        try check()
        setThreads(threads)
    }

    package static func setThreads(_ threads: Int) {
        precondition(threads > 0, "\(threads) threads")
        ct_retain_freed_memory()
        ct_set_thread_count(Int32(threads))
    }

    /// What is odd about `threads` threads in this process; `nil` if nothing is.
    public static func warning(threads: Int) -> String? { warning(threads: threads, findsThreads: ct_finds_threads()) }

    package static func warning(threads: Int, findsThreads: Bool) -> String? {
        guard threads > 1, !findsThreads else { return nil }
        return
            "this LibTorch has no OpenMP threads that mpo's own kernels could use (GOMP_parallel is not found), so those "
            + "run on one thread of \(threads); use the LibTorch that launch/setup unpacks, or a worker for each core"
    }

    /// Gives freed memory that the heap keeps back to the kernel, as after a model that will not come again.
    package static func releaseFreedMemory() { ct_release_freed_memory() }

    /// How many threads take part when `count` pieces of work, each a call of `body`, are handed out.
    package static func threadsTakingPart(count: Int, body: @escaping @Sendable (Int) -> Void) -> Int {
        final class Box {
            let body: @Sendable (Int) -> Void; init(_ body: @escaping @Sendable (Int) -> Void) { self.body = body }
        }
        let box = Box(body)
        return withExtendedLifetime(box) {
            Int(
                ct_parallel(
                    Int64(count),
                    { context, index in
                        guard let context else { return }
                        Unmanaged<Box>.fromOpaque(context).takeUnretainedValue().body(Int(index))
                    }, Unmanaged.passUnretained(box).toOpaque()))
        }
    }
}

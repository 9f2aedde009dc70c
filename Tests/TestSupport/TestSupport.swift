import Foundation

/// Places and small helpers that several test targets need.
public enum TestSupport {
    /// The repository's root, found from this file's own place.
    public static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Development data and models that are not part of the project: `MPO_SHARED`, else `../shared` beside the repository.
    /// `nil` where there is none; tests that need it are then skipped.
    public static let shared: URL? = {
        let path =
            ProcessInfo.processInfo.environment["MPO_SHARED"].map { URL(filePath: $0) }
            ?? repository.deletingLastPathComponent().appending(path: "shared")
        return FileManager.default.fileExists(atPath: path.appending(path: "models").path) ? path : nil
    }()

    /// SmolLM2-135M-Instruct as a Hugging Face directory: `MPO_SMOLLM2`, else `.deps/smollm2`. `nil` where there is none.
    public static let smolLM2: URL? = {
        let path =
            ProcessInfo.processInfo.environment["MPO_SMOLLM2"].map { URL(filePath: $0) }
            ?? repository.appending(path: ".deps/smollm2")
        return FileManager.default.fileExists(atPath: path.appending(path: "model.safetensors").path) ? path : nil
    }()

    /// Whether Parquet and Arrow files can be read: where `launch/setup --arrow` has been, as `launch/test` has it be.
    public static let hasArrow = FileManager.default.fileExists(
        atPath: repository.appending(path: ".deps/arrow/lib/libmpo-arrow.so").path)

    /// Whether the long forms of tests run too: `launch/test --long`.
    public static let runsLongTests = ProcessInfo.processInfo.environment["MPO_LONG_TESTS"] == "1"

    /// A committed fixture under `Tests/Fixtures`.
    public static func fixture(_ name: String) -> URL {
        repository.appending(path: "Tests/Fixtures").appending(path: name)
    }

    /// Waits until something holds, a minute at most, and says whether it came to hold.
    public static func waits(_ condition: () -> Bool) -> Bool {
        let end = Date(timeIntervalSinceNow: 60)
        while !condition() {
            if Date() > end { return false }
            usleep(10_000)
        }
        return true
    }

    /// A fresh directory, removed after `body`.
    public static func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(path: "mpo-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try body(directory)
    }
}

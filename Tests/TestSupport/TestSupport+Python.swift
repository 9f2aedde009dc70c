import Foundation

extension TestSupport {
    /// A Python that has transformers: `MPO_PYTHON`, else `.deps/python/bin/python`. `nil` where there is none.
    public static let transformersPython: URL? = python(with: "transformers")

    /// The same with PEFT.
    public static let peftPython: URL? = python(with: "peft")

    private static func python(with module: String) -> URL? {
        let python =
            ProcessInfo.processInfo.environment["MPO_PYTHON"].map { URL(filePath: $0) }
            ?? repository.appending(path: ".deps/python/bin/python")
        guard FileManager.default.isExecutableFile(atPath: python.path) else { return nil }
        let check = "import importlib.util, sys; sys.exit(importlib.util.find_spec('\(module)') is None)"
        return (try? Job(python, ["-c", check]).run())?.status == 0 ? python : nil
    }
}

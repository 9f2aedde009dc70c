import Foundation

extension TestSupport {
    /// A Python that has transformers: `MPO_PYTHON`, else `.deps/python/bin/python`. `nil` where there is none.
    public static let transformersPython: URL? = {
        let python =
            ProcessInfo.processInfo.environment["MPO_PYTHON"].map { URL(filePath: $0) }
            ?? repository.appending(path: ".deps/python/bin/python")
        guard FileManager.default.isExecutableFile(atPath: python.path) else { return nil }
        let check = "import importlib.util, sys; sys.exit(importlib.util.find_spec('transformers') is None)"
        return (try? Job(python, ["-c", check]).run())?.status == 0 ? python : nil
    }()
}

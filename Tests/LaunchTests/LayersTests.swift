import Foundation
import TestSupport
import Testing

/// The drawing of layers in `README.md`, held against `Package.swift` and against what the sources import.
@Suite("Layers")
struct LayersTests {
    /// The layers from the top down, each with its targets.
    private static let drawn: [[String]] = {
        let readme =
            (try? String(contentsOf: TestSupport.repository.appending(path: "README.md"), encoding: .utf8)) ?? ""
        let lines = readme.split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(where: { $0.hasPrefix("mpo   ") }) else { return [] }
        return lines[start...].prefix { $0 != "```" }.filter { $0.first != " " }.map { line in
            line.prefix(27).split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }()

    /// The targets that lie in `Sources`, with the targets that each may import.
    private static let targets: [String: [String]] = {
        let file = TestSupport.repository.appending(path: "Package.swift")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        let layers = text.split(separator: "let tests").first ?? ""
        var targets: [String: [String]] = [:]
        for part in layers.split(separator: /\.(target|executableTarget|systemLibrary)\(/).dropFirst() {
            guard let name = part.firstMatch(of: /name: "(\w+)"/)?.1 else { continue }
            let list = part.firstMatch(of: /dependencies: \[([^\]]*)\]/)?.1 ?? ""
            targets[String(name)] = list.matches(of: /"(\w+)"/).map { String($0.1) }
        }
        return targets
    }()

    @Test("The drawing names every target of the sources once")
    func complete() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: TestSupport.repository.appending(path: "Sources").path)
        #expect(Self.drawn.count == 14)
        #expect(Self.drawn.flatMap(\.self).sorted() == folders.sorted())
    }

    @Test("A layer depends only on those below it")
    func dependencies() throws {
        var levels: [String: Int] = [:]
        for (level, names) in Self.drawn.enumerated() {
            for name in names { levels[name] = level }
        }
        // The bench reads pairs as commands do.
        let beside = ["Benchmarks": "Commands"]
        for (name, level) in levels {
            for other in Self.targets[name] ?? [] {
                guard let below = levels[other] else { continue }
                #expect(below > level || beside[name] == other, "\(name) depends on \(other)")
            }
        }
    }

    @Test("Sources import no target that the package does not let them")
    func imports() throws {
        let sources = TestSupport.repository.appending(path: "Sources")
        for (name, allowed) in Self.targets {
            let folder = sources.appending(path: name)
            let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
            for file in files where file.hasSuffix(".swift") {
                let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
                for found in text.matches(of: /(?m)^import (\w+)$/) where Self.targets[String(found.1)] != nil {
                    #expect(allowed.contains(String(found.1)), "\(name)/\(file) imports \(found.1)")
                }
            }
        }
    }
}

import Foundation
import MPI

/// What one rank computes on: results have the same bits only on the same.
package struct Processor: Codable, Hashable {
    package var threads: Int
    /// The model of its CPU, as the kernel names it.
    package var cpu: String
    /// The name of its card; `nil` for a rank that computes on the CPU.
    package var card: String?

    package init(threads: Int, cpu: String, card: String? = nil) {
        (self.threads, self.cpu, self.card) = (threads, cpu, card)
    }

    /// The processors of all ranks, in order; all ranks call this together.
    package static func gather(threads: Int, card: String?, over control: Communicator) throws -> [Processor] {
        let own = try JSONEncoder().encode(Processor(threads: threads, cpu: thisCPU, card: card))
        return try control.allGather(Array(own)).map { try JSONDecoder().decode(Processor.self, from: Data($0)) }
    }

    /// The model of this machine's CPU; the kernel's architecture where it names no model.
    package static var thisCPU: String {
        let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
        let values = lines.prefix(64).reduce(into: [String: String]()) { values, line in
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        if let name = values["model name"] { return name }
        let part = [values["CPU implementer"], values["CPU part"]].compactMap(\.self)
        return part.isEmpty ? "unknown" : "implementer \(part.joined(separator: " part "))"
    }
}

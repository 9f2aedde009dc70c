import Foundation
import MPI
import PreferenceData
import Runs
import Training

// Usage: reference-pass DIRECTORY PAIRS TOKENS
//
// Fills a reference table in DIRECTORY with what a model that answers at once says of so many pairs of so many tokens, and
// opens it. Prints the micro-batches that were asked, the shards, and the most memory that the process had at three
// points, in KiB: with the pairs' token ids, after the pass, and with the table.

let arguments = CommandLine.arguments
guard arguments.count == 4, let count = Int(arguments[2]), let tokens = Int(arguments[3]) else { exit(2) }

/// The most memory that the process has had, in KiB.
func peak() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
}

runJob(named: "reference-pass") { runtime in
    // Equal arrays share their memory, so that little else than the pass takes any.
    let part = Array(repeating: Int32(1), count: tokens / 3)
    let pairs = (0..<count).map { TokenizedPair(index: $0, prompt: part, chosen: part, rejected: part) }
    let before = peak()
    var asked = 0
    let pass = ReferencePass(over: runtime.world, maxTokens: 4096, named: "none") { batch in
        asked += 1
        return batch.indices.map {
            ReferenceRow(index: $0, logps: ReferenceLogps(chosen: -Double($0), rejected: -Double($0) - 1))
        }
    }
    let key = ReferenceKey(model: "none", fingerprint: 0, pairs: count)
    let shards = ReferenceShards(
        URL(filePath: arguments[1]).appending(path: key.directoryName), ReferenceLayout(pairs), [])
    try shards.prepare(for: key)
    try pass.fill(shards.missing(), of: shards, with: pairs) { share in try share { true } }
    let after = peak()
    let table = try ReferenceTable(shards, of: pairs)
    guard table[count - 1] == ReferenceLogps(chosen: -Double(count - 1), rejected: -Double(count)) else { return 1 }
    print(asked, shards.layout.shards.count, before, after, peak())
    return 0
}

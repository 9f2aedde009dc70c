import Foundation
import PreferenceData
import Torch

// Usage: table-reading WHAT...
//
// Does what it is told, in turn: `step` trains a small matrix by one step and prints what became of it; anything else is a
// file, whose prompts are read and counted. Prints how much memory the process had at most after each, in KiB.

/// The most memory that the process has had, in KiB.
func peak() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
}

/// The weights after a step of AdamW down the squares of a product.
func trainingStep() -> String {
    let size = 64
    let group = ParameterGroup("model", [.init(name: "weight", shape: [size, size], decays: true)], trainable: true)
    let optimizer = AdamW(ParameterStore([group]), options: .init())
    let numbers = (0..<size * size).map { Float(($0 * 37) % 101) / 101 }
    group["weight"].detached().copy(from: Tensor(numbers, shape: [size, size]))
    let output = Tensor(numbers, shape: [size, size]).linear(group["weight"])
    (output * output).sum().backward()
    optimizer.update(learningRate: 0.1)
    return group["weight"].detached().floats().reduce(into: "") { $0 += String($1.bitPattern, radix: 16) }
}

for what in CommandLine.arguments.dropFirst() {
    if what == "step" {
        print("step", trainingStep(), peak())
    } else {
        do {
            let reading = try Dataset<Prompt>.read([URL(filePath: what)]) { _ in }
            print("rows", reading.count, peak())
        } catch {
            print("error", error)
            exit(1)
        }
    }
}

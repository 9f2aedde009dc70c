import CSuddenEnd
import Foundation
import Runs
import Torch
import Training

// Usage: checkpoint-writer DIRECTORY FIRST LAST END...
//
// For each END a process writes the checkpoints of steps FIRST to LAST, of which one is kept, below DIRECTORY/0,
// DIRECTORY/1 and so on, and is killed at the place END of its writing. Prints the number of the process with each step
// that it has written, and with the number of its places if it came to its end.

let arguments = CommandLine.arguments.dropFirst()
let numbers = arguments.dropFirst().compactMap { Int($0) }
guard let directory = arguments.first, numbers.count >= 3 else { exit(2) }
for (number, end) in numbers.dropFirst(2).enumerated() {
    guard sudden_end_child() else { continue }
    try write(numbers[0]...numbers[1], to: URL(filePath: directory).appending(path: "\(number)"), number, end: end)
    exit(0)
}

func write(_ steps: ClosedRange<Int>, to stage: URL, _ number: Int, end: Int) throws {
    /// Prints a line at once.
    func say(_ line: String) { FileHandle.standardOutput.write(Data("\(number) \(line)\n".utf8)) }
    let store = CheckpointStore(stage, limit: 1)
    sudden_end_after(end)
    for step in steps {
        let weights = Tensor.full(Double(step), [1 << 15])
        try store.write(step: step) { place in
            try SafetensorsWriter.write([("weights", weights)], to: place.appending(path: "model.safetensors"))
            try Data("{\"global_step\": \(step)}".utf8).write(to: place.appending(path: "trainer_state.json"))
            let critic = place.appending(path: "critic")
            try FileManager.default.createDirectory(at: critic, withIntermediateDirectories: true)
            try SafetensorsWriter.write([("weights", weights)], to: critic.appending(path: "model.safetensors"))
        }
        say("step \(step)")
    }
    say("places \(sudden_end_count())")
}

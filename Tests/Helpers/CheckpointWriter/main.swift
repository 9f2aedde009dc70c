import CSuddenEnd
import Foundation
import Torch
import Training

// Usage: checkpoint-writer DIRECTORY FIRST LAST END
//
// Writes the checkpoints of steps FIRST to LAST, of which one is kept, and is killed at the place END of its writing.
// Prints each step once it is written, and at the end how many places there were.

let arguments = CommandLine.arguments.dropFirst()
guard let directory = arguments.first, let first = arguments.dropFirst().first.flatMap({ Int($0) }),
    let last = arguments.dropFirst(2).first.flatMap({ Int($0) }),
    let end = arguments.dropFirst(3).first.flatMap({ Int($0) })
else { exit(2) }

let store = CheckpointStore(URL(filePath: directory), limit: 1)
AtomicDirectory.recover(in: URL(filePath: directory))
sudden_end_after(end)
for step in first...last {
    let weights = Tensor.full(Double(step), [1 << 15])
    try store.write(step: step) { place in
        try SafetensorsWriter.write([("weights", weights)], to: place.appending(path: "model.safetensors"))
        try Data("{\"global_step\": \(step)}".utf8).write(to: place.appending(path: "trainer_state.json"))
        let critic = place.appending(path: "critic")
        try FileManager.default.createDirectory(at: critic, withIntermediateDirectories: true)
        try SafetensorsWriter.write([("weights", weights)], to: critic.appending(path: "model.safetensors"))
    }
    say("\(step)")
}
say("places \(sudden_end_count())")

/// Prints a line at once.
func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

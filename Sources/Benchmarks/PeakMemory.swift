import Foundation
import Runs
import Stages
import Torch

/// The most memory this process has had since ``reset(on:)``: of its card where it computes on one, else of the machine.
enum PeakMemory {
    /// Gives freed memory back to the kernel and starts anew, where the kernel lets it (Linux's `clear_refs`).
    static func reset(on device: Device) {
        TorchRuntime.releaseFreedMemory()
        TorchRuntime.forgetPeak(of: device)
        if let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") {
            try? file.write(contentsOf: Data("5".utf8))
        }
    }

    /// Bytes; 0 where the kernel does not tell.
    static func bytes(on device: Device) -> Int {
        if let peak = TorchRuntime.peak(of: device) { return peak.taken }
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return 0 }
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line.flatMap { Int($0.filter(\.isNumber)) } ?? 0) << 10
    }
}

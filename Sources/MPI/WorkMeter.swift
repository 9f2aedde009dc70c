import Foundation
import Synchronization

/// Tells whether this process got on with something since it was last asked: it computed, it read or wrote, or said so.
struct WorkMeter {
    private let activity: Activity
    private var time: Double
    private var processorTime: Double
    private var steps: Int
    private var bytes: UInt64

    /// The share of a core from which on a process computes: one that waits uses a few per cent.
    private static let busyShare = 0.1
    /// Bytes between two questions from which on reading and writing is work; what this meter reads itself is less.
    private static let busyBytes: UInt64 = 4096

    init(_ activity: Activity) {
        self.activity = activity
        time = PulseMonitor.now
        processorTime = Activity.processorTime
        steps = activity.steps.load(ordering: .relaxed)
        bytes = Self.bytesMoved
    }

    /// Whether there was any progress since this was last called.
    mutating func hasWorked() -> Bool {
        let before = self
        self = WorkMeter(activity)
        let share = (processorTime - before.processorTime) / max(1e-3, time - before.time)
        // In a collective call a process spins, which is not work.
        let computes = share > Self.busyShare && !activity.isInCollective.load(ordering: .relaxed)
        return computes || steps != before.steps || bytes >= before.bytes + Self.busyBytes
    }

    /// Bytes that this process has moved by reading and writing files, pipes and connections, and pages of mapped files
    /// that it had to wait for.
    private static var bytesMoved: UInt64 {
        let text = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8)) ?? ""
        let counts = text.split(separator: "\n").compactMap { line in
            line.hasPrefix("rchar:") || line.hasPrefix("wchar:") ? UInt64(line.split(separator: " ")[1]) : nil
        }
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return counts.reduce(UInt64(usage.ru_majflt) * UInt64(sysconf(Int32(_SC_PAGESIZE))), +)
    }
}

extension Communicator {
    /// Says that this rank got on with its work although it computes nothing, for instance when an answer came that it waited
    /// for: a ``LifeLine`` tells rank zero so.
    public func noteProgress() { activity.steps.wrappingAdd(1, ordering: .relaxed) }
}

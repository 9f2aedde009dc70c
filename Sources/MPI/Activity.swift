import Foundation
import Synchronization

/// What a process is doing, as its other threads may ask.
final class Activity: Sendable {
    /// Whether it is in a collective call, where it spins until the others come.
    let isInCollective = Atomic<Bool>(false)
    /// How often it has said that it got on: see ``Communicator/noteProgress()``.
    let steps = Atomic<Int>(0)

    /// Seconds of processor time that all threads of this process have used.
    static var processorTime: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

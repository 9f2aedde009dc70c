import Foundation
import Runs
import Stages

/// How long this process has been computing.
enum ProcessorTime {
    /// Seconds of all threads so far.
    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

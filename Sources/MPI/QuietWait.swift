import Foundation

/// Called about each 100 ms of a wait with the seconds it has lasted. An error it throws ends the wait.
public typealias WhileWaiting = (_ elapsed: Double) throws -> Void

/// The pauses of a wait that leaves its core to others.
///
/// Open MPI's blocking calls spin. This wait polls without a pause for 50 µs, then sleeps a quarter of the time it has
/// waited, from 0.2 up to 2 ms: an answer that comes fast is seen fast, and a long wait costs under 2 % of a core.
struct QuietWait {
    private static let spin: UInt64 = 50_000
    private static let shortest: UInt64 = 200_000
    private static let longest: UInt64 = 2_000_000
    private static let callbackInterval: UInt64 = 100_000_000

    private let start = DispatchTime.now().uptimeNanoseconds
    private var nextCallback = Self.callbackInterval
    private let whileWaiting: WhileWaiting?

    private init(_ whileWaiting: WhileWaiting?) {
        self.whileWaiting = whileWaiting
    }

    /// Polls until `isDone` holds.
    static func until(_ whileWaiting: WhileWaiting? = nil, _ isDone: () throws -> Bool) throws {
        if try isDone() { return }
        var wait = QuietWait(whileWaiting)
        repeat { try wait.pause() } while try !isDone()
    }

    private mutating func pause() throws {
        let elapsed = DispatchTime.now().uptimeNanoseconds - start
        if let whileWaiting, elapsed >= nextCallback {
            nextCallback = elapsed + Self.callbackInterval
            try whileWaiting(Double(elapsed) * 1e-9)
        }
        guard elapsed >= Self.spin else { return }
        let length = min(Self.longest, max(Self.shortest, elapsed / 4))
        var time = timespec(tv_sec: 0, tv_nsec: Int(length))
        nanosleep(&time, nil)
    }
}

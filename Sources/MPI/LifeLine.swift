import Foundation

/// Signs of life between rank zero and every other rank, on TCP connections of their own.
///
/// A rank can be stuck in a collective call for ever when a host is cut off, and MPI has one thread at a time. So a thread
/// beside it tells rank zero about once a second that the rank lives and whether it works, and ends the process when
/// there has been no word from rank zero for too long. Rank zero ends nothing by itself: it asks ``silence(of:)``.
public final class LifeLine {
    /// The names of the hosts, by rank.
    public let hosts: [String]
    /// Ranks that could not reach rank zero when the line was made; nothing is known about them.
    private let unreached: [Int]
    private let monitor: PulseMonitor?
    private let pulse: Pulse?

    /// Makes the line; all ranks call this together. A world of one rank has none.
    ///
    /// - Parameter timeout: Seconds of silence after which a rank ends itself.
    public init?(over world: Communicator, timeout: Double) throws {
        guard world.size > 1 else { return nil }
        let interval = max(0.1, min(1, timeout / 8))
        monitor = world.rank == 0 ? PulseMonitor(ranks: world.size, interval: interval) : nil
        let invitation = try world.broadcast(monitor?.invitation.bytes ?? [], root: 0)
        hosts = try world.allGather(Array(LaunchEnvironment.hostName.utf8)).map { String(decoding: $0, as: UTF8.self) }
        pulse =
            world.rank == 0
            ? nil
            : Pulse(
                rank: world.rank, to: Invitation(invitation), interval: interval, timeout: timeout,
                activity: world.activity, hosts: hosts)
        let reached = try world.allGather([world.rank == 0 || pulse != nil ? 1 : 0])
        unreached = reached.indices.filter { reached[$0] == [0] }
    }

    deinit { end() }

    /// What is amiss with the line, in one sentence; `nil` where all ranks hang on it.
    public var warning: String? {
        guard let rank = unreached.first else { return nil }
        let others = unreached.count > 1 ? " and \(unreached.count - 1) more" : ""
        return
            "rank \(rank) on \(hosts[rank])\(others) cannot reach rank 0 over TCP: let hosts connect to each other at any "
            + "port, else a stall there shows late"
    }

    /// On rank zero: seconds since a rank gave a sign of life; 0 for one that has ended in peace or was never reached.
    public func silence(of rank: Int) -> Double {
        unreached.contains(rank) ? 0 : monitor?.silence(of: rank) ?? 0
    }

    /// On rank zero: whether a rank said just now that it gets on, rather than waits: it computes, reads or writes, or
    /// ``Communicator/noteProgress()`` was called there.
    public func isWorking(_ rank: Int) -> Bool { monitor?.isWorking(rank) ?? false }

    /// Ends the signs of life; from now on silence is no matter.
    public func end() {
        monitor?.end()
        pulse?.end()
    }
}

/// Where rank zero listens, and a word that proves that a rank was asked to connect.
struct Invitation: Equatable {
    var port: UInt16 = 0
    var word: [UInt8] = []
    var addresses: [String] = []

    static let wordLength = 16

    init() {}

    /// Reads what ``bytes`` wrote; empty where there is too little of it.
    init(_ bytes: [UInt8]) {
        guard bytes.count >= 2 + Self.wordLength else { return }
        port = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        word = Array(bytes[2..<2 + Self.wordLength])
        addresses = bytes[(2 + Self.wordLength)...].split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
    }

    var bytes: [UInt8] {
        [UInt8(port >> 8), UInt8(port & 0xff)] + word + addresses.joined(separator: " ").utf8
    }
}

/// What a rank says in a beat.
enum Beat: UInt8 {
    case works = 1
    case waits = 2
    case farewell = 3
}

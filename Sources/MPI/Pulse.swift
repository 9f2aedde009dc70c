import Foundation
import Synchronization

/// A rank's end of a ``LifeLine``: a thread that beats, and ends the process when rank zero has been silent for too long.
final class Pulse: Sendable {
    private let rank: Int
    private let invitation: Invitation
    private let interval: Double
    private let timeout: Double
    private let activity: Activity
    private let hosts: [String]
    private let isEnded = Atomic<Bool>(false)

    /// Connects, and starts to beat; `nil` where no address of rank zero can be reached.
    init?(
        rank: Int, to invitation: Invitation, interval: Double, timeout: Double, activity: Activity, hosts: [String]
    ) {
        (self.rank, self.invitation, self.interval, self.timeout) = (rank, invitation, interval, timeout)
        (self.activity, self.hosts) = (activity, hosts)
        guard let connection = connected() else { return nil }
        Thread.detachNewThread { [self] in beat(over: connection) }
    }

    func end() { isEnded.store(true, ordering: .relaxed) }

    private func beat(over first: Socket) {
        var connection: Socket? = first
        var heard = PulseMonitor.now
        var meter = WorkMeter(activity)
        while !isEnded.load(ordering: .relaxed) {
            if connection == nil { connection = connected() }
            if connection?.send([(meter.hasWorked() ? Beat.works : .waits).rawValue]) == false { connection = nil }
            Thread.sleep(forTimeInterval: interval)
            if let answer = connection?.received() {
                if !answer.isEmpty { heard = PulseMonitor.now }
            } else {
                connection = nil
            }
            let silence = PulseMonitor.now - heard
            if silence > timeout, !isEnded.load(ordering: .relaxed) { end(after: silence) }
        }
        connection?.send([Beat.farewell.rawValue])
    }

    /// The first connection that comes about, over any of rank zero's addresses.
    private func connected() -> Socket? {
        for host in invitation.addresses {
            guard let address = Address(host, port: invitation.port),
                let connection = Socket.connected(to: address, within: max(0.5, min(2, timeout / 4)))
            else { continue }
            let number = UInt32(rank)
            connection.send(invitation.word + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) })
            return connection
        }
        return nil
    }

    /// Ends Open MPI's daemon on this host, which started this rank and has lost its `mpirun`: while it has words unsent, it
    /// would wait a quarter of an hour for the link.
    private func endDaemon() {
        let parent = getppid()
        let name = (try? String(contentsOfFile: "/proc/\(parent)/comm", encoding: .utf8)) ?? ""
        if ["orted\n", "prted\n"].contains(name) { kill(parent, SIGKILL) }
    }

    /// Ends the process, whose other thread may be in the middle of anything.
    private func end(after silence: Double) -> Never {
        let line =
            "mpo: rank \(rank) on \(hosts[rank]): no word from rank 0 on \(hosts[0]) for \(Int(silence)) s; ending\n"
        StandardError.write(line)
        endDaemon()
        _exit(1)
    }
}

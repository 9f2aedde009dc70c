import Foundation
import Synchronization

/// Rank zero's end of a ``LifeLine``: a thread that takes beats in and answers them.
final class PulseMonitor: Sendable {
    let invitation: Invitation
    private let state: Mutex<State>
    private let interval: Double

    private struct State {
        var heard: [Double]
        var last: [Beat?]
        var isEnded = false
    }

    /// Starts to listen. Where that is not possible, the invitation reaches nobody.
    init(ranks: Int, interval: Double) {
        self.interval = interval
        var invitation = Invitation()
        var random = SystemRandomNumberGenerator()
        invitation.word = (0..<Invitation.wordLength).map { _ in UInt8.random(in: 0...255, using: &random) }
        let listener = Socket.listening()
        if let listener {
            invitation.port = listener.port
            invitation.addresses = Address.ofThisMachine
        }
        self.invitation = invitation
        let now = Self.now
        state = Mutex(State(heard: [Double](repeating: now, count: ranks), last: [Beat?](repeating: nil, count: ranks)))
        guard let listener else { return }
        Thread.detachNewThread { [self] in serve(listener) }
    }

    func silence(of rank: Int) -> Double {
        let now = Self.now
        return state.withLock { $0.last[rank] == .farewell ? 0 : now - $0.heard[rank] }
    }

    func isWorking(_ rank: Int) -> Bool {
        state.withLock { $0.last[rank] == .works } && silence(of: rank) < 3 * interval
    }

    func end() { state.withLock { $0.isEnded = true } }

    static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

    private func serve(_ listener: Socket) {
        var strangers: [(socket: Socket, bytes: [UInt8])] = []
        var members: [(socket: Socket, rank: Int)] = []
        var nextBeat = Self.now
        while !state.withLock({ $0.isEnded }) {
            let sockets = [listener] + strangers.map(\.socket) + members.map(\.socket)
            var status = sockets.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            poll(&status, nfds_t(status.count), Int32(max(0, nextBeat - Self.now) * 1000) + 1)
            members = members.filter { hear($0.socket, of: $0.rank) }
            while let stranger = listener.accepted() { strangers.append((stranger, [])) }
            strangers = strangers.compactMap { socket, bytes in
                guard let more = socket.received(), (bytes + more).count <= 1024 else { return nil }
                guard let rank = rank(in: bytes + more) else { return (socket, bytes + more) }
                if let rank { members.append((socket, rank)) }
                return nil
            }
            if Self.now >= nextBeat {
                nextBeat = Self.now + interval
                for member in members { member.socket.send([0]) }
            }
        }
    }

    /// Takes in what a rank has said; whether its connection still stands.
    private func hear(_ socket: Socket, of rank: Int) -> Bool {
        guard let bytes = socket.received() else { return false }
        guard let last = bytes.last.flatMap(Beat.init) else { return true }
        let now = Self.now
        state.withLock { state in
            state.heard[rank] = now
            state.last[rank] = last
        }
        return true
    }

    /// The rank that a greeting gives: `nil` where there is not enough of it yet, or a `nil` rank where it is wrong.
    private func rank(in greeting: [UInt8]) -> Int?? {
        let length = Invitation.wordLength
        guard greeting.count >= length + 4 else { return .none }
        let rank = greeting[length..<length + 4].reduce(0) { $0 << 8 | Int($1) }
        let known = state.withLock { $0.heard.count }
        return .some(Array(greeting[..<length]) == invitation.word && rank < known ? rank : nil)
    }
}

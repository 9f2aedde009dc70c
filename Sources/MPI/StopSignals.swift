import Foundation
import Synchronization

/// The signals that ask a job to stop: SIGUSR1, SIGTERM and SIGINT.
///
/// They are blocked on the thread that makes this and on all that it starts later, and a thread of its own takes them in.
/// So make it before MPI, which starts threads; a program that is started must unblock them. A second SIGINT ends the
/// process at once, with status 130.
public final class StopSignals: Sendable {
    private let first = Atomic<Int32>(0)

    /// Takes in the signals from now on.
    public init() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGUSR1, SIGTERM, SIGINT] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        Thread.detachNewThread { [self, signals] in receive(signals) }
    }

    /// The first signal that came; `nil` where none has come.
    public var received: Int32? {
        let signal = first.load(ordering: .relaxed)
        return signal == 0 ? nil : signal
    }

    private func receive(_ signals: sigset_t) {
        var signals = signals
        var signal: Int32 = 0
        var interrupts = 0
        while sigwait(&signals, &signal) == 0 {
            _ = first.compareExchange(expected: 0, desired: signal, ordering: .relaxed)
            if signal == SIGINT { interrupts += 1 }
            if interrupts == 2 { _exit(128 + SIGINT) }
        }
    }
}
